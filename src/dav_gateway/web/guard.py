"""Whether a POST is the person's own doing, and whether an address to return to is ours.

Two checks that do not depend on each other: the browser says where the form stood (Origin, Sec-Fetch-Site), and the
form carries a word that only a page of ours, shown to this very session, can have had.
"""

import hmac
import re
from collections.abc import Mapping
from hashlib import blake2b
from urllib.parse import quote

CSRF_FIELD = "csrf"
_LOCAL = re.compile(r"/(?!/)[A-Za-z0-9/._~-]*(?:\?[A-Za-z0-9=&._~-]*)?")


def csrf_word(bound_to: str) -> str:
    """The word for the forms of one session: nobody who does not know the cookie's value can make it."""
    return blake2b(b"form", key=bound_to.encode()[:64], digest_size=24, person=b"csrf").hexdigest()


def is_own_form(headers: Mapping[str, str], form: Mapping[str, str], *, bound_to: str, public_url: str) -> bool:
    """Whether the request comes from a form of ours that was shown to the holder of `bound_to`."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin != public_url:
        return False
    if site is not None and site not in {"same-origin", "none"}:
        return False
    word = form.get(CSRF_FIELD, "")
    return bool(bound_to) and hmac.compare_digest(word.encode(), csrf_word(bound_to).encode())


def local_path(wish: str, otherwise: str) -> str:
    """`wish` when it is a path on this host and nothing else, for a redirect; any other text leads to `otherwise`."""
    return wish if _LOCAL.fullmatch(wish) and ".." not in wish else otherwise


def with_next(path: str, going: str) -> str:
    """`path`, with where to go on from there when that is a path on this host."""
    wanted = local_path(going, "")
    return f"{path}?next={quote(wanted, safe='/')}" if wanted else path
