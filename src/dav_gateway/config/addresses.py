"""The two addresses among the settings: the public one of the gateway, and the one of the database."""

import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from dav_gateway.config.kinds import HostPort, Unfit

_HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_SECRET_PARAMETERS = frozenset({"password", "sslpassword"})
_WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not listened on
SQLITE = "sqlite:///"
HIDDEN = "***"


def public_url(given: str) -> str:
    """Scheme, host and port without a trailing slash; empty stays empty. Raises `ValueError` for anything more.

    A path is refused because the well-known addresses of RFC 6764 stand at the root of a host.
    """
    if not given:
        return ""
    parts = urlsplit(given)
    host = parts.netloc.lower().removesuffix(f":{parts.port}")
    bare = parts.path in ("", "/") and not set("?#") & set(given)
    if parts.scheme not in ("http", "https") or not bare or not _HOST.fullmatch(host):
        raise Unfit
    return f"{parts.scheme}://{parts.netloc.lower()}"


def issuer_url(given: str) -> str:
    """The issuer of an OpenID provider, kept to the letter because it is compared so; empty stays empty.

    Raises `ValueError` for one without https (OpenID Connect Discovery 1.0 section 3), except on this machine.
    """
    if not given:
        return ""
    parts = urlsplit(given)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or set("?#@ ") & set(given) or parts.scheme not in ("https", "http" if local else "https"):
        raise Unfit
    return given


def own_url(listen: HostPort, *, tls: bool) -> str:
    """The public address of a gateway that nothing stands in front of."""
    host = "localhost" if listen.host in _WILDCARDS else listen.host
    return f"{'https' if tls else 'http'}://{HostPort(host, listen.port)}"


def database_url(given: str) -> str:
    """A database address that the store can open; empty stays empty. Raises `ValueError` for any other.

    A SQLite database in memory is refused: it would be lost, and no other process could revoke anything in it.
    """
    if not given:
        return ""
    parts = urlsplit(given)
    if parts.scheme in ("postgresql", "postgres") and parts.path.strip("/") and parts.port != 0:
        return _join(parts._replace(scheme="postgresql"))
    if given.startswith(SQLITE) and parts.path.strip("/") and not parts.query and not parts.fragment:
        return given
    raise Unfit


def is_embedded(url: str) -> bool:
    """Whether the database is a file of our own."""
    return url.startswith(SQLITE)


def absolute(url: str, base: Path) -> str:
    """A SQLite address with its file made absolute from `base`; any other as it is."""
    return f"{SQLITE}{base / url.removeprefix(SQLITE)}" if is_embedded(url) else url


def with_password(url: str, password: str) -> str:
    """A PostgreSQL address with a password put in. Raises `ValueError` when it names no user or has one already."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    if is_embedded(url) or not user or ":" in user:
        raise Unfit
    return _join(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def redacted(url: str) -> str:
    """A database address with every password in it replaced by `***`."""
    parts = urlsplit(url)
    user, separator, host = parts.netloc.rpartition("@")
    if ":" in user:
        user = f"{user.partition(':')[0]}:{HIDDEN}"
    query = parse_qsl(parts.query, keep_blank_values=True)
    if any(name in _SECRET_PARAMETERS for name, _ in query):
        shown = [(name, HIDDEN if name in _SECRET_PARAMETERS else value) for name, value in query]
        parts = parts._replace(query=urlencode(shown, safe="*/"))
    return _join(parts._replace(netloc=user + separator + host))


def _join(parts: SplitResult) -> str:
    # urlunsplit() drops the two slashes when there is no host, as in postgresql:///database?host=/run/postgresql
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}{fragment}"
