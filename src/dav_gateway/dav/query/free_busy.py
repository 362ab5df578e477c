"""free-busy-query (RFC 4791 section 7.10): when a calendar's account is busy, without what with."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo

from dav_gateway.core.moment import Moment
from dav_gateway.core.octets import as_text
from dav_gateway.dav.query import overlap
from dav_gateway.dav.query.calendar_index import UNREADABLE
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.expansion import MAX_OCCURRENCES, Room, TooManyOccurrences, occurrences_in
from dav_gateway.dav.query.occurrences import Occurrence, Range
from dav_gateway.dav.query.times import DAY, utc_text
from dav_gateway.dav.query.tree import Component
from dav_gateway.store.objects import StoredObject

Period = tuple[str, int, int]
_TYPES = {"BUSY": "BUSY", "BUSY-UNAVAILABLE": "BUSY-UNAVAILABLE", "BUSY-TENTATIVE": "BUSY-TENTATIVE", "FREE": ""}


def periods(rows: Iterable[StoredObject], floating: tzinfo, asked: Range, room: Room) -> list[Period]:
    """Type, start and end of every busy time in the range; those of a type that touch are one. An object whose times
    cannot be read says nothing. Raises TooManyOccurrences."""
    found: list[Period] = []
    for row in rows:
        try:
            for period in _of_object(CalendarObject(as_text(row.octets), floating), asked, room):
                found.append(period)
                if len(found) > MAX_OCCURRENCES:
                    raise TooManyOccurrences
        except UNREADABLE:
            continue
    return merged(found)


def _of_object(calendar: CalendarObject, asked: Range, room: Room) -> Iterator[Period]:
    room.take_walk(calendar.occurrences("VEVENT"), asked)
    for found in occurrences_in(calendar, "VEVENT", asked):
        kind = _kind(found.component)
        start, end = _bounds(found, calendar)
        if kind and end > start:
            yield kind, max(start, asked.start), min(end, asked.end)
    for component in calendar.root.inside("VFREEBUSY"):
        for start, end, named in overlap.busy_periods(component, calendar.occurrences("VFREEBUSY")):
            kind = _TYPES.get(named, "BUSY")
            if kind and asked.start < end and asked.end > start:
                yield kind, max(start, asked.start), min(end, asked.end)


def _kind(component: Component) -> str:
    status, transparency = (component.get(name) for name in ("STATUS", "TRANSP"))
    if transparency is not None and transparency.value.strip().upper() == "TRANSPARENT":
        return ""
    match status.value.strip().upper() if status else "":
        case "CANCELLED":
            return ""
        case "TENTATIVE":
            return "BUSY-TENTATIVE"
        case _:
            return "BUSY"


def _bounds(found: Occurrence, calendar: CalendarObject) -> tuple[int, int]:
    floating = calendar.zones.floating
    assert found.start is not None, "an event without a start meets no range"
    start = found.start.seconds(floating)
    if found.end is not None:
        return start, found.end.seconds(floating)
    return start, start + (DAY if found.start.is_date else 0)


def merged(found: list[Period]) -> list[Period]:
    """The same periods by their start; those of a type that touch are one."""
    result: list[Period] = []
    for kind, start, end in sorted(found):
        if result and result[-1][0] == kind and start <= result[-1][2]:
            result[-1] = (kind, result[-1][1], max(end, result[-1][2]))
        else:
            result.append((kind, start, end))
    return sorted(result, key=lambda each: each[1:])


def answer(found: list[Period], asked: Range, now: Moment) -> bytes:
    """The VFREEBUSY as an iCalendar object."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//dav-gateway//EN",
        "BEGIN:VFREEBUSY",
        f"UID:{utc_text(asked.start)}-{utc_text(asked.end)}",
        f"DTSTAMP:{utc_text(now // 1000)}",
        f"DTSTART:{utc_text(asked.start)}",
        f"DTEND:{utc_text(asked.end)}",
        *(f"FREEBUSY;FBTYPE={kind}:{utc_text(start)}/{utc_text(end)}" for kind, start, end in found),
        "END:VFREEBUSY",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(lines).encode()
