"""Objects of a collection as reports tell them: one `D:response` each, with the properties that were asked for."""

from dataclasses import dataclass
from http import HTTPStatus

from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Scope
from dav_gateway.dav import properties, view
from dav_gateway.dav.multistatus import propstat, response
from dav_gateway.dav.names import clark, element, text
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.store.objects import StoredObject

DATA = {Scope.CALENDARS: clark("C:calendar-data"), Scope.CONTACTS: clark("CR:address-data")}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report asks of each object: properties in Clark notation, without those missing when `brief`."""

    names: tuple[str, ...]
    brief: bool = False

    @property
    def octets(self) -> bool:
        """Whether the objects themselves are asked for."""
        return any(name in self.names for name in DATA.values())


def member(looked: View, site: Site, stored: StoredObject, asked: Asked, data: str | None = None) -> str:
    """One `D:response` with what was asked of an object; its data as stored, or `data` when a part was asked for."""
    each = view.member(looked, stored)
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
