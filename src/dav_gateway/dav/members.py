"""What a report asks of each object: properties, and how much of the object itself."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from dav_gateway.core.scope import Scope
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.object_responses import ObjectResponses
from dav_gateway.dav.properties import DATA
from dav_gateway.dav.query.address_data import AddressData
from dav_gateway.dav.query.calendar_data import CalendarData
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.dav.wanted import PROP, Wanted, asked_in

MAX_PARTS = 400
"""Elements inside of calendar-data or address-data: each object is held against them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report asks of each object: properties, without those missing when `brief`; the other two say how much of
    the object itself."""

    wanted: Wanted = field(default_factory=Wanted)
    brief: bool = False
    calendar_data: CalendarData = field(default_factory=CalendarData)
    address_data: AddressData = field(default_factory=AddressData)

    @classmethod
    def read(cls, body: Element, *, brief: bool) -> "Asked":
        """From the body of a report. Raises BadXML, InvalidFilter."""
        events, cards = (body.find(f"{PROP}/{DATA[home]}") for home in (Scope.CALENDARS, Scope.CONTACTS))
        for each in (events, cards):
            if each is not None and sum(1 for _ in each.iter()) > MAX_PARTS:
                raise BadXML(f"A request may ask for {MAX_PARTS} parts of objects.")
        return cls(
            asked_in(body) or Wanted(),
            brief,
            calendar_data=CalendarData() if events is None else CalendarData.read(events),
            address_data=AddressData() if cards is None else AddressData.read(cards),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The properties that are named."""
        return self.wanted.names

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
    return ObjectResponses(looked, site, asked.wanted, brief=asked.brief, with_data=True)
