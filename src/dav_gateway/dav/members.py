"""Objects of a collection as reports tell them: one `D:response` each, with the properties that were asked for."""

from dataclasses import dataclass, field
from http import HTTPStatus
from xml.etree.ElementTree import Element

from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Scope
from dav_gateway.dav import properties, propfind, view
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.multistatus import propstat, response
from dav_gateway.dav.names import clark, element, text
from dav_gateway.dav.propfind import MAX_NAMES, Wanted
from dav_gateway.dav.query.address_data import AddressData
from dav_gateway.dav.query.calendar_data import CalendarData
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.store.objects import StoredObject

DATA = {Scope.CALENDARS: clark("C:calendar-data"), Scope.CONTACTS: clark("CR:address-data")}


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


def member(looked: View, site: Site, stored: StoredObject, asked: Asked, data: str | None = None) -> str:
    """One `D:response` with what was asked of an object; its data as stored, or `data` when a part was asked for."""
    each = view.member(looked, stored)
    if asked.wanted is not None:
        return propfind.described(each, site, asked.wanted, brief=asked.brief)
    found: list[str] = []
    missing: list[str] = []
    for name in asked.names:
        if looked.home is not None and name == DATA[looked.home]:
            found.append(element(name, text(as_text(stored.octets) if data is None else data)))
            continue
        value = properties.value(each, site, name)
        if value is None and not asked.brief:
            missing.append(element(name))
        elif value is not None:
            found.append(value)
    # Without asked properties the response still has a propstat (RFC 6578 section 3.5.1, RFC 4918 section 14.24).
    return response(each.path, propstat(HTTPStatus.OK, found), propstat(HTTPStatus.NOT_FOUND, missing))
