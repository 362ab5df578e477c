"""Bodies that we write: multistatus (RFC 4918 section 13) and errors with a precondition element (section 16).

Text is put together as it goes out: for answers whose shape is known a tree would only be walked to become this text.
"""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from urllib.parse import quote

from dav_gateway.dav.names import DECLARATIONS, clark, element, text

XML_TYPE = "application/xml; charset=utf-8"
DESCRIPTION = "{http://twistedmatrix.com/xml_namespace/dav/}error-description"
"""Where Apple's Calendar Server puts its sentence. CalDAVTester passes over it, and takes any other element beside the
precondition for a second precondition."""

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
RESPONSES_OF_A_PIECE = 256
LONGEST_PIECE = 256 * 1024
"""Characters of responses that end a piece, and objects that are held at once."""
HREF = re.compile(r"<D:href>([^<]*)</D:href>")
"""An href in a property as we write it."""


def href(path: str) -> str:
    """A path as the content of `D:href`: percent-encoded, the slashes kept."""
    return f"<D:href>{quote(path)}</D:href>"


def status_line(status: int) -> str:
    """`D:status` with an HTTP status line."""
    return f"<D:status>HTTP/1.1 {status} {HTTPStatus(status).phrase}</D:status>"


def propstat(status: int, properties: Iterable[str], error: str = "") -> str:
    """One `D:propstat`; `properties` are finished elements. Empty text when there are none."""
    content = "".join(properties)
    if not content:
        return ""
    return f"<D:propstat><D:prop>{content}</D:prop>{status_line(status)}{error}</D:propstat>"


def response(path: str, *propstats: str) -> str:
    """One `D:response` about properties. A response needs a propstat, if only an empty one (RFC 4918 section 14.24)."""
    body = "".join(propstats) or f"<D:propstat><D:prop/>{status_line(HTTPStatus.OK)}</D:propstat>"
    return f"<D:response>{href(path)}{body}</D:response>"


def gone(path: str, status: int = HTTPStatus.NOT_FOUND, error: str = "") -> str:
    """One `D:response` about a resource as a whole, as for a member that was removed (RFC 6578 section 3.6)."""
    return f"<D:response>{href(path)}{status_line(status)}{error}</D:response>"


def multistatus(responses: Iterable[str], trailer: str = "") -> bytes:
    """The whole body. `trailer` follows the responses (`D:sync-token`)."""
    return f"{DECLARATION}<D:multistatus {DECLARATIONS}>{''.join(responses)}{trailer}</D:multistatus>".encode()


def pieces(responses: Iterable[str], trailer: str = "") -> Iterator[bytes]:
    """The whole body as `multistatus` makes it, a few hundred responses at a time, or fewer long ones."""
    yield f"{DECLARATION}<D:multistatus {DECLARATIONS}>".encode()
    some: list[str] = []
    length = 0
    for each in responses:
        some.append(each)
        length += len(each)
        if len(some) == RESPONSES_OF_A_PIECE or length > LONGEST_PIECE:
            yield "".join(some).encode()
            some, length = [], 0
    yield f"{''.join(some)}{trailer}</D:multistatus>".encode()


def error(condition: str, content: str = "", sentence: str = "") -> bytes:
    """A `D:error` body: the precondition by its name (`C:valid-calendar-data`) and a sentence for people."""
    said = element(DESCRIPTION, text(sentence)) if sentence else ""
    return f"{DECLARATION}<D:error {DECLARATIONS}>{element(clark(condition), content)}{said}</D:error>".encode()
