"""Multiget: objects by their hrefs (RFC 4791 section 7.9, RFC 6352 section 8.7)."""

from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from functools import partial
from itertools import islice
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Scope
from dav_gateway.dav import answers, members
from dav_gateway.dav.answers import Long
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.members import Asked
from dav_gateway.dav.multistatus import gone, multistatus
from dav_gateway.dav.names import clark
from dav_gateway.dav.object_responses import ObjectResponses
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query_report import UNREADABLE, floating_zone
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects
from dav_gateway.store.objects import StoredObject

TOGETHER = 100
"""Objects that are read, and held in memory, at once."""


def answer(request: DavRequest, site: Site, looked: View, body: Element, asked: Asked) -> Long:
    """One `D:response` for each href, in their order. Raises BadXML, InvalidFilter, TooManyOccurrences."""
    paths = [_path(each.text or "") for each in body.findall(clark("D:href"))]
    if not paths:
        raise BadXML("A multiget names at least one href.")
    wanted = {path: _name_in(looked, path) for path in paths}
    zone = floating_zone(looked, body)
    responses = _responses(
        request, looked, wanted, members.responses(looked, site, asked), partial(_part, looked, asked, zone)
    )
    if asked.is_whole:
        return answers.in_pieces(responses)
    return answers.many(multistatus(responses))


def _responses(
    request: DavRequest,
    looked: View,
    wanted: Mapping[str, str | None],
    told: ObjectResponses,
    part: Callable[[StoredObject], str | None],
) -> Iterator[str]:
    assert looked.collection is not None
    paths = iter(wanted.items())
    while some := list(islice(paths, TOGETHER)):
        names = [name for _, name in some if name]
        found = objects.get_many(request.connection, looked.collection.id, names, octets=told.octets)
        by_name = {stored.name: stored for stored in found}
        for path, name in some:
            stored = by_name.get(name) if name else None
            yield gone(path) if stored is None else told.one(stored, part(stored))


def _path(reference: str) -> str:
    try:
        return unquote(urlsplit(reference.strip()).path, errors="strict")
    except ValueError as error:
        raise BadXML("An href of the request is not a URI.") from error


def _name_in(looked: View, path: str) -> str | None:
    """The object's name when `path` lies directly in the collection; hrefs that point elsewhere find nothing. The
    multiget of an object finds that object only."""
    if looked.object is not None:
        return looked.object.name if path == looked.path else None
    name = path.removeprefix(looked.path)
    return name if name != path and name and "/" not in name else None


def _part(looked: View, asked: Asked, zone: tzinfo, stored: StoredObject) -> str | None:
    if asked.is_whole:
        return None
    text = as_text(stored.octets)
    try:
        return asked.data_of(CalendarObject(text, zone)) if looked.home is Scope.CALENDARS else asked.data_of_card(text)
    except UNREADABLE:
        return None
