"""Where a COPY or MOVE goes: the Destination, Overwrite and Depth headers (RFC 4918 sections 10.2, 10.3 and 10.6)."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from dav_gateway.dav import answers
from dav_gateway.dav.answers import Own
from dav_gateway.dav.site import PREFIX, Site

_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""What the path of no request has either (`server.target`); a line feed may stand in a name."""


def destination(environ: Mapping[str, Any], site: Site) -> str | Own:
    """The path that the Destination header names, or the refusal. A host in it must be Host or the public one."""
    try:
        header = environ.get("HTTP_DESTINATION", "")
        header.encode("ascii")  # a URI has no other characters, and WSGI would show them in Latin-1
        url = urlsplit(header)
        path = unquote(url.path, errors="strict")
    except ValueError:
        return answers.plain(HTTPStatus.BAD_REQUEST, "The Destination header is not a URI.")
    if url.scheme not in ("", "http", "https"):
        return answers.plain(HTTPStatus.BAD_GATEWAY, "The destination is no address of this server.")
    if not is_here(url.netloc, environ, site):
        return answers.plain(HTTPStatus.BAD_GATEWAY, "The destination is on another server.")
    segments = path.split("/")
    if (
        "%2f" in url.path.lower()  # as in a request target, whose readers could take it apart differently
        or not path.startswith(f"{PREFIX}/")
        or "." in segments
        or ".." in segments
        or _CONTROL.search(path)
    ):
        return answers.plain(HTTPStatus.FORBIDDEN, "The destination is not an address of calendars or contacts.")
    return path


def is_here(host: str, environ: Mapping[str, Any], site: Site) -> bool:
    """Whether an address with this host, or with none, is one of ours: that of Host or the public one."""
    # In any case (RFC 9110 section 4.2.3): nginx passes Host on in small letters, the client wrote what was typed.
    return host.lower() in ("", environ.get("HTTP_HOST", "").lower(), urlsplit(site.public_url).netloc.lower())


def overwrites(environ: Mapping[str, Any]) -> bool:
    """Whether what is at the destination may be replaced. Without the header it may (section 10.6)."""
    return str(environ.get("HTTP_OVERWRITE", "T")).strip().upper() == "T"


def depth(environ: Mapping[str, Any]) -> str | None:
    """`0` or `infinity`, which is meant where the header is missing (section 9.8.3); None for anything else."""
    asked = str(environ.get("HTTP_DEPTH", "infinity")).strip().lower()
    return asked if asked in ("0", "infinity") else None


def transferred(environ: Mapping[str, Any], *, replaced: bool) -> Own:
    """201 with the Location of what is new, as the Destination header named it (RFC 9110 section 15.3.2); 204 where it
    took the place of another."""
    if replaced:
        return answers.empty(HTTPStatus.NO_CONTENT)
    return answers.empty(HTTPStatus.CREATED, {"Location": environ["HTTP_DESTINATION"]})


def occupied() -> Own:
    """412: something is at the destination, and it may not be overwritten."""
    return answers.plain(HTTPStatus.PRECONDITION_FAILED, "There is something at the destination already.")
