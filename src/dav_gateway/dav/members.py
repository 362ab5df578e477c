"""What a report asks of each object: properties, and how much of the object itself."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from dav_gateway.core.scope import Scope
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.names import clark
from dav_gateway.dav.object_responses import ObjectResponses
from dav_gateway.dav.properties import DATA
from dav_gateway.dav.query.address_data import AddressData
from dav_gateway.dav.query.calendar_data import CalendarData
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.dav.wanted import MAX_NAMES, Wanted


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report asks of each object: properties in Clark notation, without those missing when `brief`; or, in
    `wanted`, all of them or their names. The other two say how much of the object itself."""

    names: tuple[str, ...] = ()
    brief: bool = False
    wanted: Wanted | None = None
    calendar_data: CalendarData = field(default_factory=CalendarData)
    address_data: AddressData = field(default_factory=AddressData)

    @classmethod
    def read(cls, body: Element, *, brief: bool) -> "Asked":
        """From the body of a report. Raises BadXML, InvalidFilter."""
        props = body.findall(clark("D:prop"))
        if body.find(clark("D:allprop")) is not None:
            return cls(brief=brief, wanted=Wanted(everything=True))
        if body.find(clark("D:propname")) is not None:
            return cls(brief=brief, wanted=Wanted(names_only=True))
        names = tuple(dict.fromkeys(each.tag for prop in props for each in prop))
        if len(props) > 1 or len(names) > MAX_NAMES:
            raise BadXML(f"A request has one DAV:prop, which may name {MAX_NAMES} properties.")
        events, cards = (body.find(f"{clark('D:prop')}/{DATA[home]}") for home in (Scope.CALENDARS, Scope.CONTACTS))
        return cls(
            names,
            brief,
            calendar_data=CalendarData() if events is None else CalendarData.read(events),
            address_data=AddressData() if cards is None else AddressData.read(cards),
        )

    @property
    def octets(self) -> bool:
        """Whether the objects themselves are asked for."""
        return any(name in self.names for name in DATA.values())

    @property
    def is_whole(self) -> bool:
        """Whether objects are sent as they are stored, if at all."""
        return not self.octets or (self.calendar_data.is_whole and self.address_data.is_whole)

    def data_of(self, calendar: CalendarObject) -> str | None:
        """What is sent of a calendar object, None when it is as stored. Raises ValueError, TooManyOccurrences."""
        if DATA[Scope.CALENDARS] not in self.names or self.calendar_data.is_whole:
            return None
        return self.calendar_data.text(calendar)

    def data_of_card(self, stored: str) -> str | None:
        """What is sent of a card, None when that is what is stored. Raises ValueError."""
        if DATA[Scope.CONTACTS] not in self.names or self.address_data.is_whole:
            return None
        return self.address_data.text(stored)


def responses(looked: View, site: Site, asked: Asked) -> ObjectResponses:
    """What writes the response of each object of the collection (or of the object) in `looked`."""
    wanted = asked.wanted or Wanted(names=asked.names)
    return ObjectResponses(looked, site, wanted, brief=asked.brief, with_data=True)
