"""The filter of a calendar-query (RFC 4791 section 9.7), read once and held against one object after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple
from xml.etree.ElementTree import Element

from dav_gateway.dav.names import clark
from dav_gateway.dav.query import alarms, overlap, times
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.occurrences import Range
from dav_gateway.dav.query.ranges import time_range
from dav_gateway.dav.query.text import InvalidFilter, ParameterFilter, TextMatch, invalid
from dav_gateway.dav.query.tree import Component, Line

TIMED = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VALARM")
INDEXED = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY")
ZONES = ("VTIMEZONE", "STANDARD", "DAYLIGHT")
TIMED_PROPERTIES = (
    "COMPLETED", "CREATED", "DTEND", "DTSTAMP", "DTSTART", "DUE", "LAST-MODIFIED", "RECURRENCE-ID",
)  # fmt: skip
WHOLE = "VCALENDAR"
PLACES = {
    WHOLE: ("",),
    **dict.fromkeys((*INDEXED, "VTIMEZONE", "VAVAILABILITY"), (WHOLE,)),
    "VALARM": ("VEVENT", "VTODO"),
    **dict.fromkeys(("STANDARD", "DAYLIGHT"), ("VTIMEZONE",)),
}
"""What each component can be in (RFC 5545 section 3.6): a filter that looks for it elsewhere is not valid (RFC 4791
section 7.8). Components that are not listed may be anywhere."""

OF_WHOLE = ("PRODID", "VERSION", "CALSCALE", "METHOD", "NAME")
"""Properties that only the object as a whole has. Others are looked for in its components too, and so are its times:
strictly nothing would be found, but python-caldav asks so for components of any type, and Radicale answers."""

MAX_PARTS = 200


class Shape(NamedTuple):
    """The objects that match are of this component type, if one is given, and something of them meets the range, if one
    is given; when `alone`, that is all that is asked."""

    component: str | None
    asked: Range | None
    alone: bool


@dataclass(frozen=True, slots=True)
class PropertyFilter:
    """One prop-filter: a property that is there or not, or one line of it that fulfils every condition."""

    name: str
    defined: bool = True
    asked: Range | None = None
    match: TextMatch | None = None
    parameters: tuple[ParameterFilter, ...] = ()

    @classmethod
    def read(cls, element: Element) -> "PropertyFilter":
        """Raises InvalidFilter."""
        name = _name(element)
        defined, asked, match, parameters = True, None, None, []
        for child in element:
            if child.tag == clark("C:is-not-defined") and len(element) == 1:
                defined = False
            elif child.tag == clark("C:time-range") and asked is None:
                if name not in TIMED_PROPERTIES:
                    # RFC 4791 section 7.8 names a time-range in SUMMARY; of what X- properties hold nothing is known.
                    condition = "C:supported-filter" if name.startswith("X-") else "C:valid-filter"
                    raise InvalidFilter(condition, f"{name[:40]} is no property with a time.")
                asked = time_range(child)
            elif child.tag == clark("C:text-match") and match is None:
                match = TextMatch.read(child, "C")
            elif child.tag == clark("C:param-filter"):
                parameters.append(ParameterFilter.read(child, "C"))
            else:
                raise invalid("C", "A prop-filter holds is-not-defined alone, or time-range, text-match, param-filter.")
        return cls(name, defined, asked, match, tuple(parameters))

    def matches(self, component: Component, calendar: CalendarObject) -> bool:
        """Whether the component's property is as asked for."""
        lines = list(component.named(self.name))
        if component.name == WHOLE and self.name not in OF_WHOLE:
            lines += [line for each in component.components for line in each.named(self.name)]
        if not self.defined:
            return not lines
        return any(self._fits(line, calendar) for line in lines)

    def _fits(self, line: Line, calendar: CalendarObject) -> bool:
        if self.asked is not None and not self._in_range(line, self.asked, calendar):
            return False
        if self.match is not None and not self.match.matches_line(line):
            return False
        return all(each.matches(line) for each in self.parameters)

    @staticmethod
    def _in_range(line: Line, asked: Range, calendar: CalendarObject) -> bool:
        when = times.of(line, calendar.zones)
        start = when.seconds(calendar.zones.floating)
        if when.is_date:
            return asked.start < start + times.DAY and asked.end > start
        return asked.start <= start < asked.end


@dataclass(frozen=True, slots=True)
class ComponentFilter:
    """One comp-filter: a component that is there or not, or one of its name that fulfils every condition, or any."""

    name: str
    defined: bool = True
    asked: Range | None = None
    properties: tuple[PropertyFilter, ...] = ()
    components: tuple["ComponentFilter", ...] = ()
    any_of: bool = False

    @classmethod
    def read(cls, element: Element, inside: str = "") -> "ComponentFilter":
        """Raises InvalidFilter."""
        name, test = _name(element), element.get("test", "allof")
        if test not in ("allof", "anyof"):
            raise invalid("C", "The test of a comp-filter is allof or anyof.")
        if inside not in PLACES.get(name, (inside,)):
            raise invalid("C", f"There is no {name} in {inside[:40] or 'a filter'}.")
        defined, asked, properties, components = True, None, [], []
        for child in element:
            if child.tag == clark("C:is-not-defined") and len(element) == 1:
                defined = False
            elif child.tag == clark("C:time-range") and asked is None:
                if name not in (*TIMED, WHOLE):
                    condition = "C:valid-filter" if name in ZONES else "C:supported-filter"
                    raise InvalidFilter(condition, f"{name[:40]} has no times to be asked for.")
                asked = time_range(child)
            elif child.tag == clark("C:prop-filter"):
                properties.append(PropertyFilter.read(child))
            elif child.tag == clark("C:comp-filter"):
                components.append(cls.read(child, name))
            else:
                raise invalid(
                    "C", "A comp-filter holds is-not-defined alone, or time-range, prop-filter and comp-filter."
                )
        return cls(name, defined, asked, tuple(properties), tuple(components), test == "anyof")

    @property
    def is_plain(self) -> bool:
        """Whether it only asks that such a component is there."""
        return self.defined and self.asked is None and not self.properties and not self.components

    def shape(self) -> "Shape":
        """What the index can tell of the objects that match."""
        component, reach = self._candidates()
        asked = None if reach == Range() else reach
        alone = self.defined and not self.properties and not self.any_of
        if asked is not None and self.asked is not None:
            alone &= not self.components
        elif self.components:
            [first, *others] = self.components
            bare = first.is_plain or (
                first.asked is not None and not first.properties and not first.components and not first.any_of
            )
            alone &= not others and first.name in INDEXED and first.defined and bare
        return Shape(component, asked, alone)

    def _candidates(self) -> tuple[str | None, Range]:
        """The component type of objects that match, and the range that something of them meets."""
        if self.any_of or not self.defined:
            return None, Range()
        if self.asked is not None:
            return None, self.asked
        timed = [each for each in self.components if each.name in INDEXED and each.defined]
        if not timed:
            return None, Range()
        [best, *_] = sorted(timed, key=lambda each: each.asked is None or each.any_of)
        return best.name, Range() if best.asked is None or best.any_of else best.asked

    def matches(self, parent: Component | None, calendar: CalendarObject) -> bool:
        """Whether the object has such a component in `parent`; None is outside of the object itself. Raises ValueError
        for times that cannot be read."""
        found = [calendar.root] if parent is None else list(parent.components)
        found = [each for each in found if each.name == self.name]
        if not self.defined:
            return not found
        return any(self._fits(each, parent, calendar) for each in found)

    def _fits(self, component: Component, parent: Component | None, calendar: CalendarObject) -> bool:
        return self.is_plain or (any if self.any_of else all)(self._conditions(component, parent, calendar))

    def _conditions(self, component: Component, parent: Component | None, calendar: CalendarObject) -> Iterator[bool]:
        yield from (each.matches(component, calendar) for each in self.properties)
        yield from (each.matches(component, calendar) for each in self.components)
        if self.asked is not None:
            yield self._in_range(component, parent, calendar, self.asked)

    @staticmethod
    def _in_range(component: Component, parent: Component | None, calendar: CalendarObject, asked: Range) -> bool:
        if component.name == WHOLE:
            inside = [each for each in component.components if each.name in INDEXED]
            return any(ComponentFilter._in_range(each, component, calendar, asked) for each in inside)
        if component.name == "VALARM" and parent is not None:
            occurrences = calendar.occurrences(parent.name)
            near = occurrences.near(asked, of=parent, alarm=alarms.reach(component))
            if alarms.is_absolute(component) or component.get("TRIGGER") is None:
                near = islice(near, 1)  # the others tell the same
            return any(alarms.meets(component, found, occurrences, calendar.zones, asked) for found in near)
        occurrences = calendar.occurrences(component.name)
        return any(overlap.meets(found, asked, occurrences) for found in occurrences.near(asked, of=component))


def read(body: Element) -> ComponentFilter:
    """The filter of a calendar-query. Raises InvalidFilter."""
    filters = body.findall(clark("C:filter"))
    if len(filters) != 1 or len(filters[0]) != 1 or filters[0][0].tag != clark("C:comp-filter"):
        raise invalid("C", "A calendar-query has one filter, which holds one comp-filter.")
    if sum(1 for _ in filters[0].iter()) > MAX_PARTS:
        raise InvalidFilter("C:supported-filter", f"A filter has at most {MAX_PARTS} parts.")
    found = ComponentFilter.read(filters[0][0])
    if found.name != WHOLE:
        raise invalid("C", "The outer comp-filter is for VCALENDAR.")
    return found


def _name(element: Element) -> str:
    name = element.get("name", "").upper()
    if not name:
        raise invalid("C", "Every comp-filter and prop-filter has a name.")
    return name
