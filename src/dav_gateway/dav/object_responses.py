"""`D:response` elements of a collection's objects: prepared once for what was asked, filled in for each object.

A listing has thousands of them. What differs from object to object is its name, its entity tag, its size, its date, its
type and its octets; everything else that an object tells is that of its collection (see `properties`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple
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


class _Value(NamedTuple):
    """What fills a place of the form: a field of StoredObject, and how it is told where it is not told as it is."""

    field: str
    told: Callable[[Any], str] | None = None


@lru_cache(maxsize=4096)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _data(octets: bytes) -> str:
    try:
        return octets_text(octets)
    except UnicodeDecodeError:
        return octets_text(as_text(octets).encode())


_CONTENT_TYPES: Mapping[Scope, Callable[[str], str]] = {
    Scope.CALENDARS: lambda component: f"text/calendar;charset=utf-8;component={component}",
    Scope.CONTACTS: lambda _component: "text/vcard;charset=utf-8",
}


class ObjectResponses:
    """The responses of the objects of one collection to one request.

    `columns`: the fields of StoredObject that they tell of, beside its name. `octets`: whether those are among them.
    """

    def __init__(self, looked: View, site: Site, wanted: Wanted, *, brief: bool, with_data: bool = False) -> None:
        """`looked` is the collection, or one object of it; `brief` leaves out what an object does not have.

        Only reports have the data of objects among the properties (RFC 4791 section 9.6): `with_data`.
        """
        assert looked.home is not None
        self._folder = looked.path if looked.kind is Kind.COLLECTION else looked.path.rpartition("/")[0] + "/"
        sample = view.member(looked, _SAMPLE)
        own = {
            clark("D:getetag"): _Value("etag"),
            clark("D:getcontenttype"): _Value("component", _CONTENT_TYPES[looked.home]),
            clark("D:getcontentlength"): _Value("size"),
            clark("D:getlastmodified"): _Value("modified_at", lambda moment: _date(moment // 1000)),
        }
        if with_data:
            own[DATA[looked.home]] = _Value("octets", _data)
        found: list[str] = []
        missing: list[str] = []
        self._values: list[_Value] = []
        for name in properties.asked_of(sample, site, wanted):
            if wanted.names_only:
                found.append(_literal(element(name)))
            elif name in own:
                opening, closing = tags(name)
                found.append(f"{_literal(f'<{opening}>')}%s{_literal(f'</{closing}>')}")
                self._values.append(own[name])
            else:
                value = properties.value(sample, site, name)
                if value is not None:
                    found.append(_literal(value))
                elif not brief:
                    missing.append(_literal(element(name)))
        self.columns = tuple(value.field for value in self._values)
        self.octets = "octets" in self.columns
        told = propstat(HTTPStatus.OK, found) + propstat(HTTPStatus.NOT_FOUND, missing)
        # A response needs a propstat, if only an empty one (RFC 4918 section 14.24).
        told = told or f"<D:propstat><D:prop/>{status_line(HTTPStatus.OK)}</D:propstat>"
        self._form = f"<D:response><D:href>{_literal(quote(self._folder))}%s</D:href>{told}</D:response>"

    def one(self, stored: StoredObject, data: str | None = None) -> str:
        """The response of an object. `data`: what is sent of it, where that is not what is stored."""
        if data is not None:
            stored = stored._replace(octets=data.encode())
        values = [
            getattr(stored, field) if told is None else told(getattr(stored, field)) for field, told in self._values
        ]
        return self._form % (quote(stored.name), *values)

    def many(self, rows: Iterable[Sequence[Any]]) -> Iterator[str]:
        """The responses of objects given by their names and `columns`, in their order."""
        form = self._form
        if any(value.told for value in self._values):
            tell = [value.told or str for value in self._values]
            return (
                form % (quote(name), *[one(value) for one, value in zip(tell, rest, strict=True)])
                for name, *rest in rows
            )
        return (form % (quote(name), *rest) for name, *rest in rows)


def _literal(text: str) -> str:
    return text.replace("%", "%%")
