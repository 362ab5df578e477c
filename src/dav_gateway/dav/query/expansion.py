"""A recurring object as one component for each occurrence in a range (RFC 4791 section 9.6.5).

Times are told in UTC and no time zone is sent; dates and floating times stay what they are.
"""

from collections.abc import Iterator

from dav_gateway.dav.query import overlap, times
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.occurrences import Occurrence, Range
from dav_gateway.dav.query.times import When
from dav_gateway.dav.query.tree import Component, Line
from dav_gateway.dav.query.zones import Zones

RECURRENCE = ("RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID")
MAX_OCCURRENCES = 10_000


class TooManyOccurrences(Exception):
    """One object has more occurrences in the range than one answer has room for."""


def expanded(calendar: CalendarObject, asked: Range) -> Component:
    """The VCALENDAR with the occurrences that meet the range; without any when there are none. Raises ValueError."""
    root = calendar.root
    components: list[Component] = []
    for name in dict.fromkeys(each.name for each in root.components if each.name != "VTIMEZONE"):
        components += _occurrences(calendar, name, asked)
    return Component(root.name, root.opening, root.lines, components, root.closing)


def _occurrences(calendar: CalendarObject, name: str, asked: Range) -> list[Component]:
    occurrences = calendar.occurrences(name)
    found: list[Occurrence] = []
    for each in occurrences.near(asked):
        if overlap.meets(each, asked, occurrences):
            found.append(each)
            if len(found) > MAX_OCCURRENCES:
                raise TooManyOccurrences
    floating = calendar.zones.floating
    found.sort(key=lambda each: (each.start or each.end or _NEVER).seconds(floating))
    return [_component(each, calendar.zones) for each in found]


_NEVER = When(times.EPOCH, None)


def _component(found: Occurrence, zones: Zones) -> Component:
    """The component with the times of one occurrence."""
    source = found.component
    lines = []
    for line in source.lines:
        if line.name in RECURRENCE:
            continue
        moved = _moved(line, found)
        lines.append(_line(line.name, moved) if moved is not None else _in_utc(line, zones))
    if found.original is not None:
        lines.append(_line("RECURRENCE-ID", found.original))
    return Component(source.name, source.opening, lines, source.components, source.closing)


def _moved(line: Line, found: Occurrence) -> When | None:
    if line.name == "DTSTART":
        return found.start
    if line.name == ("DUE" if found.component.name == "VTODO" else "DTEND"):
        return found.end
    return None


def _line(name: str, when: When) -> Line:
    said = when.parameters_and_value()
    return Line(name, "", "", said, f"{name}{said}\r\n")


def _in_utc(line: Line, zones: Zones) -> Line:
    """Another property whose time has a zone, which the answer does not define."""
    if not line.first("TZID"):
        return line
    try:
        return _line(line.name, times.of(line, zones))
    except ValueError:
        return line


def occurrences_in(calendar: CalendarObject, name: str, asked: Range) -> Iterator[Occurrence]:
    """The occurrences of the components of this name that meet the range. Raises ValueError."""
    occurrences = calendar.occurrences(name)
    return (each for each in occurrences.near(asked) if overlap.meets(each, asked, occurrences))
