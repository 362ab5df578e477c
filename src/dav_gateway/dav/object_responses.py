"""`D:response` elements of a collection's objects: prepared once for what was asked, filled in for each object.

A listing has thousands of them. What differs from object to object is its name, its entity tag, its size, its date, its
type and its octets; everything else that an object tells is that of its collection (see `properties`). The few that
have dead properties get a form of their own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import quote

from dav_gateway.core.moment import EPOCH
from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Kind, Scope
from dav_gateway.dav import dead, properties, view
from dav_gateway.dav.multistatus import LONGEST_PIECE, propstat, status_line
from dav_gateway.dav.names import clark, element, octets_text, tags
from dav_gateway.dav.properties import DATA
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.dav.wanted import Wanted
from dav_gateway.store import object_properties, objects
from dav_gateway.store.objects import KEPT, StoredObject

_SAMPLE = StoredObject("", "", '""', "", 0, None, None, 0, EPOCH)
TOGETHER = 100
"""Objects whose dead properties are read, and held in memory, at once."""


LINES_OF_ONE = 4
"""So many lines of a listing take as long as a resource is counted for."""


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

    `columns`: the fields of StoredObject that they tell of, beside its name, and KEPT for dead properties. `octets`:
    whether the object itself is among them.
    """

    def __init__(self, looked: View, site: Site, wanted: Wanted, *, brief: bool, with_data: bool = False) -> None:
        """`looked` is the collection, or one object of it; `brief` leaves out what an object does not have.

        Only reports have the data of objects among the properties (RFC 4791 section 9.6): `with_data`.
        """
        assert looked.home is not None
        self._folder = looked.path if looked.kind is Kind.COLLECTION else looked.path.rpartition("/")[0] + "/"
        self._looked, self._site, self._wanted, self._brief = looked, site, wanted, brief
        self._sample = replace(view.member(looked, _SAMPLE), known={})
        self._own = {
            clark("D:getetag"): _Value("etag"),
            clark("D:getcontenttype"): _Value("component", _CONTENT_TYPES[looked.home]),
            clark("D:getcontentlength"): _Value("size"),
            clark("D:getlastmodified"): _Value("modified_at", lambda moment: _date(moment // 1000)),
        }
        if with_data:
            self._own[DATA[looked.home]] = _Value("octets", _data)
        self._live = self._own.keys() | properties.TABLES[Kind.OBJECT].keys()
        self._templates: dict[str, str | None] = {}
        asked = list(properties.asked_of(self._sample, site, wanted))
        self._values = [] if wanted.names_only else [self._own[name] for name in asked if name in self._own]
        self._asks_kept = wanted.everything or wanted.names_only or not self._live.issuperset(asked)
        self.columns = (*(value.field for value in self._values), *([KEPT] if self._asks_kept else []))
        self.octets = "octets" in self.columns
        self._form = self._form_with({})

    def _form_with(self, kept: Mapping[str, str]) -> str:
        """The response of an object that has these dead properties, with places for what is its own."""
        found: list[str] = []
        missing: list[str] = []
        for name in properties.asked_of(replace(self._sample, known=kept), self._site, self._wanted):
            template = _literal(element(name)) if self._wanted.names_only else self._template(name, kept)
            if template is not None:
                found.append(template)
            elif not self._brief:
                missing.append(_literal(element(name)))
        told = propstat(HTTPStatus.OK, found) + propstat(HTTPStatus.NOT_FOUND, missing)
        # A response needs a propstat, if only an empty one (RFC 4918 section 14.24).
        told = told or f"<D:propstat><D:prop/>{status_line(HTTPStatus.OK)}</D:propstat>"
        return f"<D:response><D:href>{_literal(quote(self._folder))}%s</D:href>{told}</D:response>"

    def _template(self, name: str, kept: Mapping[str, str]) -> str | None:
        if name not in self._live:
            value = dead.read(kept, name)
            return None if value is None else _literal(value)
        if name not in self._templates:
            if name in self._own:
                opening, closing = tags(name)
                self._templates[name] = f"{_literal(f'<{opening}>')}%s{_literal(f'</{closing}>')}"
            else:
                value = properties.value(self._sample, self._site, name)
                self._templates[name] = None if value is None else _literal(value)
        return self._templates[name]

    def some(self, given: Iterable[tuple[StoredObject, str | None]]) -> Iterator[str]:
        """The responses of objects, in their order; beside each, what is sent of it where that is not what is stored.

        Dead properties that are asked for are read for many objects at once.
        """
        if not self._asks_kept:
            yield from (self._filled(self._form, stored, data) for stored, data in given)
            return
        assert self._looked.collection is not None
        left, number = iter(given), self._looked.collection.id
        while together := _together(left):
            names = [stored.name for stored, _ in together]
            request = self._looked.request
            kept = object_properties.of_many(request.connection, number, names)
            request.expect_octets(sum(map(object_properties.size, kept.values())))
            for stored, data in together:
                form = self._form_with(kept[stored.name]) if stored.name in kept else self._form
                yield self._filled(form, stored, data)

    def _filled(self, form: str, stored: StoredObject, data: str | None) -> str:
        if data is not None:
            stored = stored._replace(octets=data.encode())
        return form % (quote(stored.name), *self._told(getattr(stored, value.field) for value in self._values))

    def every(self) -> Iterator[str]:
        """The responses of all objects of the collection, by name. Raises TooMuch."""
        request, collection = self._looked.request, self._looked.collection
        assert collection is not None
        if request.most_resources is None:
            return self.many(objects.listing(request.connection, collection.id, self.columns))
        if self._asks_kept:
            request.expect(None)
        request.expect_together(collection.size)
        most = request.most_resources * LINES_OF_ONE
        rows = objects.short_listing(request.connection, collection.id, self.columns, most + 1)
        request.expect(-(-len(rows) // LINES_OF_ONE))
        return self.many(rows)

    def many(self, rows: Iterable[Sequence[Any]]) -> Iterator[str]:
        """The responses of objects given by their names and `columns`, in their order."""
        form = self._form
        if not self._asks_kept:
            if any(value.told for value in self._values):
                return (form % (quote(name), *self._told(rest)) for name, *rest in rows)
            return (form % (quote(name), *rest) for name, *rest in rows)
        return (
            (form if kept is None else self._form_with(object_properties.read(kept))) % (quote(name), *self._told(rest))
            for name, *rest, kept in rows
        )

    def _told(self, fields: Iterable[Any]) -> list[str]:
        return [
            field if value.told is None else value.told(field)
            for value, field in zip(self._values, fields, strict=True)
        ]


def _together(left: Iterator[tuple[StoredObject, str | None]]) -> list[tuple[StoredObject, str | None]]:
    """The next of them, so many that what is held of them at once is little."""
    found: list[tuple[StoredObject, str | None]] = []
    size = 0
    for stored, data in islice(left, TOGETHER):
        found.append((stored, data))
        size += len(stored.octets) + len(data or "")
        if size > LONGEST_PIECE:
            break
    return found


def _literal(text: str) -> str:
    return text.replace("%", "%%")
