"""`D:response` elements of a collection's objects: prepared once for what was asked, filled in for each object.

A listing has thousands of them. What differs from object to object is its name, its entity tag, its size, its date, its
type and its octets; everything else that an object tells is that of its collection (see `properties`).
"""

from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import quote

from dav_gateway.core.moment import EPOCH
from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Kind, Scope
from dav_gateway.dav import properties, view
from dav_gateway.dav.multistatus import propstat, status_line
from dav_gateway.dav.names import clark, element, octets_text, tags
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.dav.wanted import Wanted
from dav_gateway.store.objects import StoredObject

DATA = {Scope.CALENDARS: clark("C:calendar-data"), Scope.CONTACTS: clark("CR:address-data")}

_SAMPLE = StoredObject("", "", '""', "", 0, None, None, 0, EPOCH)
Value = Callable[[StoredObject], str]


@lru_cache(maxsize=4096)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _data(stored: StoredObject) -> str:
    try:
        return octets_text(stored.octets)
    except UnicodeDecodeError:
        return octets_text(as_text(stored.octets).encode())


def _content_type(home: Scope) -> Value:
    if home is Scope.CALENDARS:
        return lambda stored: f"text/calendar;charset=utf-8;component={stored.component}"
    return lambda _stored: "text/vcard;charset=utf-8"


class ObjectResponses:
    """The responses of the objects of one collection to one request.

    `octets`: whether an object's octets are among what was asked for, so that they have to be read.
    """

    def __init__(self, looked: View, site: Site, wanted: Wanted, *, brief: bool, with_data: bool = False) -> None:
        """`looked` is the collection, or one object of it; `brief` leaves out what an object does not have.

        Only reports have the data of objects among the properties (RFC 4791 section 9.6): `with_data`.
        """
        assert looked.home is not None
        self._folder = looked.path if looked.kind is Kind.COLLECTION else looked.path.rpartition("/")[0] + "/"
        sample = view.member(looked, _SAMPLE)
        own: dict[str, Value] = {
            clark("D:getetag"): lambda stored: stored.etag,
            clark("D:getcontenttype"): _content_type(looked.home),
            clark("D:getcontentlength"): lambda stored: str(stored.size),
            clark("D:getlastmodified"): lambda stored: _date(stored.modified_at // 1000),
        }
        data = DATA[looked.home]
        self.octets = with_data and not wanted.names_only and data in wanted.names
        found: list[str] = []
        missing: list[str] = []
        self._values: list[Value] = []
        for name in properties.asked_of(sample, site, wanted):
            if wanted.names_only:
                found.append(_literal(element(name)))
            elif name in own or (name == data and with_data):
                opening, closing = tags(name)
                found.append(f"{_literal(f'<{opening}>')}%s{_literal(f'</{closing}>')}")
                self._values.append(_data if name == data else own[name])
            else:
                value = properties.value(sample, site, name)
                if value is not None:
                    found.append(_literal(value))
                elif not brief:
                    missing.append(_literal(element(name)))
        self._data_at = self._values.index(_data) if self.octets else None
        told = propstat(HTTPStatus.OK, found) + propstat(HTTPStatus.NOT_FOUND, missing)
        # A response needs a propstat, if only an empty one (RFC 4918 section 14.24).
        told = told or f"<D:propstat><D:prop/>{status_line(HTTPStatus.OK)}</D:propstat>"
        self._form = f"<D:response><D:href>{_literal(quote(self._folder))}%s</D:href>{told}</D:response>"

    def one(self, stored: StoredObject, data: str | None = None) -> str:
        """The response of an object. `data`: what is sent of it, where that is not what is stored."""
        values = [value(stored) for value in self._values] if data is None else self._with_data(stored, data)
        return self._form % (quote(stored.name), *values)

    def many(self, found: Iterable[StoredObject]) -> Iterator[str]:
        """The responses of objects, in their order."""
        form, values = self._form, self._values
        if len(values) == 1:
            value = values[0]
            return (form % (quote(stored.name), value(stored)) for stored in found)
        return (form % (quote(stored.name), *[value(stored) for value in values]) for stored in found)

    def _with_data(self, stored: StoredObject, data: str) -> list[str]:
        return [
            octets_text(data.encode()) if place == self._data_at else value(stored)
            for place, value in enumerate(self._values)
        ]


def _literal(text: str) -> str:
    return text.replace("%", "%%")
