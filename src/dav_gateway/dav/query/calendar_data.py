"""What a report wants of calendar objects (RFC 4791 section 9.6): all of it, parts of it, or their occurrences."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.names import clark
from dav_gateway.dav.query import expansion, overlap
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.occurrences import Occurrences, Range
from dav_gateway.dav.query.ranges import closed_range
from dav_gateway.dav.query.text import InvalidFilter
from dav_gateway.dav.query.times import utc_text
from dav_gateway.dav.query.tree import Component, Line

RANGES = {name: clark(f"C:{name}") for name in ("expand", "limit-recurrence-set", "limit-freebusy-set")}


@dataclass(frozen=True, slots=True)
class Part:
    """A C:comp: which properties and components of a component are sent; None is all of them."""

    properties: dict[str, bool] | None = None
    components: dict[str, "Part"] | None = None

    @classmethod
    def read(cls, element: Element) -> "Part":
        """`properties` maps names to whether they are sent with their value. Raises BadXML.

        A comp that names nothing is the whole component, as VTIMEZONE in the example of section 7.8.1.
        """
        if len(element) == 0:
            return cls()
        names = {
            each.get("name", "").upper(): each.get("novalue") != "yes" for each in element.iterfind(clark("C:prop"))
        }
        inner = {each.get("name", "").upper(): cls.read(each) for each in element.iterfind(clark("C:comp"))}
        if "" in names or "" in inner:
            raise BadXML("Every comp and prop has a name.")
        return cls(
            None if element.find(clark("C:allprop")) is not None else names,
            None if element.find(clark("C:allcomp")) is not None else inner,
        )

    def pieces(self, component: Component) -> Iterator[str]:
        """The text of the component, as far as it is wanted."""
        yield component.opening
        for line in component.lines:
            with_value = True if self.properties is None else self.properties.get(line.name)
            if with_value is not None:
                yield line.raw if with_value else f"{line.name}:\r\n"
        for each in component.components:
            if self.components is None:
                yield from each.pieces()
            elif each.name in self.components:
                yield from self.components[each.name].pieces(each)
        yield component.closing


@dataclass(frozen=True, slots=True)
class CalendarData:
    """A C:calendar-data element of a request."""

    part: Part | None = None
    expand: Range | None = None
    overrides: Range | None = None
    busy: Range | None = None
    room: expansion.Room = field(default_factory=expansion.Room, compare=False)

    @classmethod
    def read(cls, element: Element) -> "CalendarData":
        """Raises InvalidFilter and BadXML."""
        kind = element.get("content-type", "text/calendar").partition(";")[0].strip().lower()
        if kind != "text/calendar" or element.get("version", "2.0") != "2.0":
            raise InvalidFilter("C:supported-calendar-data", "Objects are sent as text/calendar, version 2.0.")
        found: dict[str, Range] = {}
        part = None
        for child in element:
            name = next((name for name, tag in RANGES.items() if tag == child.tag), "")
            if name and name not in found:
                found[name] = closed_range(child)
                if name == "expand":
                    expansion.refuse_long(found[name])
            elif child.tag == clark("C:comp") and part is None and child.get("name", "").upper() == "VCALENDAR":
                part = Part.read(child)
            else:
                raise BadXML(
                    "calendar-data holds comp for VCALENDAR, expand, limit-recurrence-set, limit-freebusy-set."
                )
        if "expand" in found and "limit-recurrence-set" in found:
            raise BadXML("calendar-data has expand or limit-recurrence-set, not both.")
        return cls(part, found.get("expand"), found.get("limit-recurrence-set"), found.get("limit-freebusy-set"))

    @property
    def is_whole(self) -> bool:
        """Whether objects are sent as they are stored."""
        return self == CalendarData()

    def text(self, calendar: CalendarObject) -> str:
        """What is sent of one object. Raises ValueError for times that cannot be read, TooManyOccurrences."""
        root = calendar.root
        if self.expand is not None:
            root = expansion.expanded(calendar, self.expand, self.room)
        elif self.overrides is not None:
            root = _with(root, _limited(calendar, self.overrides))
        if self.busy is not None:
            root = _with(root, (_busy_inside(each, calendar, self.busy) for each in root.components))
        return "".join(root.pieces() if self.part is None else self.part.pieces(root))


def _with(component: Component, components: Iterable[Component]) -> Component:
    return Component(component.name, component.opening, component.lines, list(components), component.closing)


def _limited(calendar: CalendarObject, asked: Range) -> Iterator[Component]:
    """Masters, and overrides that are in the range or would have been (section 9.6.6)."""
    for each in calendar.root.components:
        line = each.get("RECURRENCE-ID")
        if line is None:
            yield each
            continue
        if _is_concerned(each, calendar.occurrences(each.name), asked):
            yield each


def _is_concerned(override: Component, occurrences: Occurrences, asked: Range) -> bool:
    found = occurrences.overrides[id(override)]
    assert found.original is not None
    original = occurrences.seconds(found.original)
    return asked.start <= original < asked.end or overlap.meets(found, asked, occurrences)


def _busy_inside(component: Component, calendar: CalendarObject, asked: Range) -> Component:
    """A VFREEBUSY with the FREEBUSY periods that meet the range (section 9.6.7); other components as they are."""
    if component.name != "VFREEBUSY":
        return component
    lines = [line for line in component.lines if line.name != "FREEBUSY"]
    for start, end, kind in overlap.busy_periods(component, calendar.occurrences("VFREEBUSY")):
        if asked.start < end and asked.end > start:
            value = f"{utc_text(start)}/{utc_text(end)}"
            lines.append(Line("FREEBUSY", "", f";FBTYPE={kind}", value, f"FREEBUSY;FBTYPE={kind}:{value}\r\n"))
    return Component(component.name, component.opening, lines, component.components, component.closing)
