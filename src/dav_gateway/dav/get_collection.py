"""GET of a calendar or address book: all it holds in one file, for whoever keeps a copy or subscribes to it.

Written while it is read: Radicale's has it whole in memory several times, eight of a hundred megabytes were gigabytes.
"""

from collections.abc import Iterator
from http import HTTPStatus
from itertools import islice
from urllib.parse import quote

from dav_gateway.core.folding import folded_lines
from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Resource, Scope
from dav_gateway.dav import answers, properties
from dav_gateway.dav.answers import Long, Pieces
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View, look_up
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects

_LINES = 500
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": ""})


def answer(request: DavRequest, site: Site, resource: Resource) -> Long:
    """The file with the headers that the collection's properties tell too."""
    looked = look_up(request, resource)
    if looked is None or looked.collection is None:
        return answers.nothing()
    request.expect(None)
    collection = looked.collection
    suffix = ".ics" if looked.home is Scope.CALENDARS else ".vcf"
    name = quote(collection.properties.get("D:displayname") or collection.name, safe="")
    headers = {
        "Content-Type": f"{properties.content_type(looked, site)};charset=utf-8",
        "Content-Disposition": f"attachment; filename*=utf-8''{name}{suffix}",
        "ETag": collection.etag,
        "Last-Modified": properties.last_modified(looked, site) or "",
    }
    texts = (as_text(each.octets) for each in objects.every(request.connection, collection.id))
    pieces = _calendar(looked, texts) if looked.home is Scope.CALENDARS else map(_ended, texts)
    return HTTPStatus.OK, headers, Pieces(piece.encode() for piece in pieces), None


def _calendar(looked: View, texts: Iterator[str]) -> Iterator[str]:
    """One iCalendar object with the components of all; of time zones with one TZID the first."""
    assert looked.collection is not None
    told = {"X-WR-CALNAME": "D:displayname", "X-WR-CALDESC": "C:calendar-description"}
    known = {name: looked.collection.properties.get(key) for name, key in told.items()}
    lines = [f"{name}:{value.translate(_ESCAPED)}" for name, value in known.items() if value]
    yield "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//dav-gateway//EN", *lines, ""])
    zones: set[str] = set()
    for text in texts:
        yield from _in_pieces(_inside(text, zones))
    yield "END:VCALENDAR\r\n"


def _inside(text: str, zones: set[str]) -> Iterator[str]:
    """The components of an object, line by line."""
    depth = 0
    zone: list[str] | None = None
    tzid = ""
    for raw in folded_lines(text):
        line = _ended(raw)
        word = line[:64].strip().upper()
        depth += word.startswith("BEGIN:")
        if depth == 2 and word == "BEGIN:VTIMEZONE":  # noqa: PLR2004 - inside of the object
            zone, tzid = [], ""
        if zone is not None:
            zone.append(line)
            if word.startswith(("TZID:", "TZID;")):
                tzid = line.partition(":")[2].strip()
        elif depth > 1:
            yield line
        depth -= word.startswith("END:")
        if zone is not None and depth == 1:
            if tzid not in zones:
                zones.add(tzid)
                yield from zone
            zone = None


def _in_pieces(lines: Iterator[str]) -> Iterator[str]:
    """Some hundred lines at a time: neither an object of megabytes at once, nor a write for each line."""
    while piece := "".join(islice(lines, _LINES)):
        yield piece


def _ended(text: str) -> str:
    """With line ends that others may follow."""
    if text.endswith("\r\n"):
        return text
    return text.rstrip("\r\n").replace("\r\n", "\n").replace("\n", "\r\n") + "\r\n"
