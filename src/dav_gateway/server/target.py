"""The request target (RFC 9112 section 3.2), read strictly: one meaning or none.

A path that two readers could take apart differently (an escaped slash, a dot segment, octets that are not UTF-8) is the
raw material of path tricks, so it is refused here, for every part of the gateway, before anybody looks at it.
"""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

import httptools

_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SLASH = re.compile(rb"%2[fF]")
# A line feed may stand in a name: clients make names of UIDs, and there are UIDs with one. Whatever shows a path (log,
# href, header) writes it escaped.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class BadTarget(ValueError):
    """The request target cannot be served; `str()` is the sentence for the client."""


def decode_path(raw: bytes) -> str:
    """The path behind its percent-escapes. Raises BadTarget for everything that is not one plain absolute path."""
    if not raw.startswith(b"/"):
        raise BadTarget("The address must start with a slash.")
    if _SLASH.search(raw):
        raise BadTarget("The address contains an escaped slash.")
    if b"%" in raw:
        if _ESCAPE.search(raw):
            raise BadTarget("The address contains a percent sign that is not an escape.")
        raw = unquote_to_bytes(raw)
    try:
        path = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadTarget("The address is not UTF-8.") from None
    if _CONTROL.search(path):
        raise BadTarget("The address contains a control character.")
    if "/." in path and any(segment in {".", ".."} for segment in path.split("/")):
        raise BadTarget("The address contains a dot segment.")
    return path


def path_of_target(target: bytes, host: bytes | None) -> str:
    """The decoded path of a request target in origin form or absolute form; the query is left out.

    Raises BadTarget also for a fragment, for user information, and for an absolute form that names another host than
    the Host header does (RFC 9112 section 3.2.2 lets the former win; we refuse the contradiction).
    """
    try:
        url: Any = httptools.parse_url(target)  # its stub knows nothing of the None that absent parts are
    except httptools.HttpParserInvalidURLError:
        raise BadTarget("The address cannot be read.") from None
    if url.fragment is not None or url.userinfo is not None or url.path is None:
        raise BadTarget("The address must be a path.")
    if url.host is not None:
        authority = url.host if url.port is None else b"%s:%d" % (url.host, url.port)
        if host is not None and authority.lower() != host.lower():
            raise BadTarget("The address and the Host header name different hosts.")
    return decode_path(url.path)
