"""Multiget: objects by their hrefs (RFC 4791 section 7.9, RFC 6352 section 8.7)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import tzinfo
from functools import partial
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Scope
from dav_gateway.dav import answers, members, view
from dav_gateway.dav.answers import Long
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.members import Asked
from dav_gateway.dav.multistatus import gone
from dav_gateway.dav.names import clark
from dav_gateway.dav.object_responses import ObjectResponses
from dav_gateway.dav.query.calendar_index import UNREADABLE
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.expansion import TooManyOccurrences
from dav_gateway.dav.query_report import floating_zone, too_many
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects
from dav_gateway.store.objects import StoredObject

_PLAIN = re.compile(r"(?:/[\w.~@!$&'()*+,;=-]+)+/?", re.ASCII)
"""A path as most clients write hrefs: nothing to take apart and nothing to decode."""
TOGETHER = 100
"""Objects that are read, and held in memory, at once."""


class Place(NamedTuple):
    """A collection (or an object) whose objects are told; `told` writes them, with what `part` makes of each where they
    are not sent as they are stored."""

    looked: View
    told: ObjectResponses
    part: Callable[[StoredObject], str | None] | None

    def data(self, stored: StoredObject) -> str | None:
        """What is sent of an object, None when it is as stored."""
        return None if self.part is None else self.part(stored)


def answer(request: DavRequest, site: Site, looked: View, body: Element, asked: Asked) -> Long:
    """One `D:response` for each href, in their order. Raises BadXML, InvalidFilter."""
    paths = dict.fromkeys(_path(each.text or "") for each in body.findall(clark("D:href")))
    if not paths:
        raise BadXML("A multiget names at least one href.")
    request.expect(len(paths) if asked.is_whole else None)
    places = {
        each.path: Place(
            each,
            members.responses(each, site, asked),
            None if asked.is_whole else partial(_part, each, asked, floating_zone(each, body)),
        )
        for each in view.holders(request, looked)
    }
    return answers.in_pieces(_told(_responses(request, paths, places)))


def _told(responses: Iterator[str]) -> Iterator[str]:
    try:
        yield from responses
    except TooManyOccurrences as error:
        raise answers.Instead(too_many()) from error


def _responses(request: DavRequest, paths: Iterable[str], places: Mapping[str, Place]) -> Iterator[str]:
    left, octets = iter(paths), 0
    while some := list(islice(left, TOGETHER)):
        found: dict[str, str] = {}
        large: dict[str, tuple[Place, StoredObject]] = {}
        for place, wanted in _by_place(some, places):
            assert place.looked.collection is not None
            number = place.looked.collection.id
            stored = objects.get_many(
                request.connection, number, wanted, octets=place.told.octets, most_octets=request.most_octets
            )
            for each in stored if place.told.octets else ():
                request.expect_octets(each.size)
                octets += each.size
            request.expect_together(octets)
            if place.told.octets:
                large |= {wanted[each.name]: (place, each) for each in stored if not each.octets}
                stored = [each for each in stored if each.octets]
            told = place.told.some((each, place.data(each)) for each in stored)
            found.update(zip((wanted[each.name] for each in stored), told, strict=True))
        for path in some:
            whole = _whole(request, *large[path]) if path in large else None
            yield whole or found.get(path) or gone(path)


def _whole(request: DavRequest, place: Place, found: StoredObject) -> str | None:
    """The response of a large object, which is read when it is told; None when it is gone."""
    assert place.looked.collection is not None
    stored = objects.whole(request.connection, place.looked.collection.id, found)
    return None if stored is None else next(place.told.some([(stored, place.data(stored))]))


def _path(reference: str) -> str:
    if _PLAIN.fullmatch(reference):
        return reference
    try:
        return unquote(urlsplit(reference.strip()).path, errors="strict")
    except ValueError as error:
        raise BadXML("An href of the request is not a URI.") from error


def _by_place(paths: Iterable[str], places: Mapping[str, Place]) -> Iterator[tuple[Place, dict[str, str]]]:
    """The paths of each place by the names of the objects there: those that lie directly in the collection; hrefs that
    point elsewhere find nothing. The multiget of an object finds that object only."""
    named: dict[str, dict[str, str]] = {}
    for path in paths:
        folder = path if path in places else path[: path.rfind("/") + 1]
        named.setdefault(folder, {})[path[path.rfind("/") + 1 :]] = path
    for folder, wanted in named.items():
        if folder in places:
            yield places[folder], wanted


def _part(looked: View, asked: Asked, zone: tzinfo, stored: StoredObject) -> str | None:
    text = as_text(stored.octets)
    try:
        return asked.data_of(CalendarObject(text, zone)) if looked.home is Scope.CALENDARS else asked.data_of_card(text)
    except UNREADABLE:
        return None
