"""A recurring object as one component for each occurrence in a range (RFC 4791 section 9.6.5).

Times are told in UTC and no time zone is sent; dates and floating times stay what they are.
"""

from collections.abc import Iterator

from dav_gateway.dav.query import overlap, times
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.occurrences import Occurrence, Occurrences, Range
from dav_gateway.dav.query.series import LONGEST
from dav_gateway.dav.query.times import When
from dav_gateway.dav.query.tree import Component, Line
from dav_gateway.dav.query.zones import Zones

RECURRENCE = ("RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID")
MAX_OCCURRENCES = 10_000


MAX_CHARACTERS = 16 * 1024 * 1024
"""Of one object's occurrences, which are in memory together."""
MAX_OF_ANSWER = 250_000
MAX_CHARACTERS_OF_ANSWER = 256 * 1024 * 1024
DAYS_AS_ONE = 30
"""So many days of the range count as an occurrence too: a rule may walk over all of them and strike on none."""


class TooManyOccurrences(Exception):
    """There are more occurrences in the range than one answer has room for."""


class Room:
    """What is left of an answer for occurrences. An object takes of it what it has beyond one occurrence: a calendar
    of any size can be asked for as it is stored."""

    def __init__(self) -> None:
        self._occurrences, self._characters = MAX_OF_ANSWER, MAX_CHARACTERS_OF_ANSWER

    def take(self, occurrences: int, characters: int) -> None:
        """For one object. Raises TooManyOccurrences."""
        self._occurrences -= occurrences
        self._characters -= characters
        if min(self._occurrences, self._characters) < 0:
            raise TooManyOccurrences

    def take_walk(self, occurrences: Occurrences, asked: Range) -> None:
        """For the days that the rules of one object are followed. Raises TooManyOccurrences, and ValueError."""
        if any(occurrences.series(each) for each in occurrences.masters):
            self.take((asked.end - asked.start) // (DAYS_AS_ONE * times.DAY), 0)


def expanded(calendar: CalendarObject, asked: Range, room: Room) -> Component:
    """The VCALENDAR with the occurrences that meet the range; without any when there are none. Raises ValueError, and
    TooManyOccurrences."""
    root = calendar.root
    components: list[Component] = []
    for name in dict.fromkeys(each.name for each in root.components if each.name != "VTIMEZONE"):
        components += _occurrences(calendar, name, asked, room)
    return Component(root.name, root.opening, root.lines, components, root.closing)


def refuse_long(asked: Range) -> None:
    """A rule is not followed for longer than `series.LONGEST`. Raises TooManyOccurrences."""
    if asked.end - asked.start > LONGEST:
        raise TooManyOccurrences


def _occurrences(calendar: CalendarObject, name: str, asked: Range, room: Room) -> list[Component]:
    occurrences = calendar.occurrences(name)
    room.take_walk(occurrences, asked)
    sizes = {id(each): sum(map(len, each.pieces())) for each in calendar.root.inside(name)}
    found: list[Occurrence] = []
    characters = -sum(sizes.values())
    for each in occurrences.near(asked):
        if overlap.meets(each, asked, occurrences):
            found.append(each)
            characters += sizes[id(each.component)]
            if len(found) > MAX_OCCURRENCES or characters > MAX_CHARACTERS:
                raise TooManyOccurrences
    room.take(max(0, len(found) - len(sizes)), max(0, characters))
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
