"""calendar-query and addressbook-query (RFC 4791 section 7.8, RFC 6352 section 8.6), free-busy-query (RFC 4791
section 7.10).

The index of occurrence bounds gives the candidates; each is read and held against the filter. An object that cannot be
read is sent as it is stored: a client would rather look at one object itself than lose sight of its calendar.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from http import HTTPStatus
from typing import Any
from xml.etree.ElementTree import Element

from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Kind, Scope
from dav_gateway.dav import answers, members
from dav_gateway.dav.answers import Response
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.members import Asked
from dav_gateway.dav.multistatus import gone, multistatus
from dav_gateway.dav.names import clark
from dav_gateway.dav.query import calendar_filter, card_filter, free_busy, tree, zones
from dav_gateway.dav.query.calendar_filter import ComponentFilter
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.occurrences import Range
from dav_gateway.dav.query.ranges import closed_range
from dav_gateway.dav.query.text import InvalidFilter
from dav_gateway.dav.site import Site
from dav_gateway.dav.sync import WITHIN_LIMITS, wanted_limit
from dav_gateway.dav.view import View
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects
from dav_gateway.store.objects import StoredObject

log = logging.getLogger("dav_gateway.dav")
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What dateutil raises for rules and zones that it does not read."""

PREFIX_OF = {Scope.CALENDARS: "C", Scope.CONTACTS: "CR"}
Found = tuple[StoredObject, str | None]


def answer(  # noqa: PLR0917 - what every report gets
    request: DavRequest, site: Site, looked: View, environ: Mapping[str, Any], body: Element, asked: Asked
) -> Response:
    """The matching objects with what was asked of them. Raises BadXML, InvalidFilter, TooManyOccurrences."""
    # Without Depth the collection is meant as well, as most servers take it; with Depth 0 its objects are not.
    if environ.get("HTTP_DEPTH", "1").strip().lower() not in ("1", "infinity") and looked.kind is Kind.COLLECTION:
        return answers.plain(HTTPStatus.BAD_REQUEST, "A query of a collection has Depth 1.")
    assert looked.home is not None
    prefix = PREFIX_OF[looked.home]
    limit = wanted_limit(body, clark(f"{prefix}:limit"), clark(f"{prefix}:nresults"))
    found = (
        _events(request, looked, body, asked)
        if looked.home is Scope.CALENDARS
        else _cards(request, looked, body, asked)
    )
    told = members.responses(looked, site, asked)
    responses: list[str] = []
    for stored, data in found:
        if len(responses) == limit:
            # RFC 6352 section 8.6.2: the request URI with 507 says that there are more.
            responses.append(gone(looked.path, HTTPStatus.INSUFFICIENT_STORAGE, WITHIN_LIMITS))
            break
        responses.append(told.one(stored, data))
    return answers.many(multistatus(responses))


def _events(request: DavRequest, looked: View, body: Element, asked: Asked) -> Iterator[Found]:
    wanted = calendar_filter.read(body)
    floating = floating_zone(looked, body)
    for stored in _candidates(request, looked, wanted):
        try:
            calendar = CalendarObject(as_text(stored.octets), floating)
            if wanted.matches(None, calendar):
                yield stored, asked.data_of(calendar)
        except UNREADABLE as error:
            log.debug("an object was sent as it is: %s", type(error).__name__)
            yield stored, None


def _cards(request: DavRequest, looked: View, body: Element, asked: Asked) -> Iterator[Found]:
    wanted = card_filter.read(body)
    assert looked.collection is not None
    for stored in [looked.object] if looked.object else objects.every(request.connection, looked.collection.id):
        text = as_text(stored.octets)
        try:
            if wanted.matches(tree.parse(text)):
                yield stored, asked.data_of_card(text)
        except UNREADABLE as error:
            log.debug("a card was sent as it is: %s", type(error).__name__)
            yield stored, None


def _candidates(request: DavRequest, looked: View, wanted: ComponentFilter) -> Iterator[StoredObject]:
    if looked.object is not None:
        return iter([looked.object])
    assert looked.collection is not None
    component, reach = wanted.candidates()
    return objects.between(request.connection, looked.collection.id, component, reach.start, reach.end)


def floating_zone(looked: View, body: Element) -> tzinfo:
    """The zone of floating times: the query's, else the calendar's, else UTC (RFC 4791 section 7.3, RFC 7809)."""
    definition, name = body.find(clark("C:timezone")), body.find(clark("C:timezone-id"))
    if definition is not None:
        zone = zones.of_calendar("".join(definition.itertext()))
        if zone is None:
            raise InvalidFilter("C:valid-calendar-data", "The timezone of a query is an object with one VTIMEZONE.")
        return zone
    if name is not None:
        zone = zones.by_name((name.text or "").strip())
        if zone is None:
            raise InvalidFilter("C:valid-timezone", "There is no time zone of this name.")
        return zone
    kept = looked.collection.properties if looked.collection else {}
    own = kept.get("C:calendar-timezone")
    return (own and zones.of_calendar(own)) or zones.by_name(kept.get("C:calendar-timezone-id", "")) or UTC


def busy(request: DavRequest, looked: View, body: Element) -> Response:
    """The VFREEBUSY of a calendar. Raises BadXML, TooManyOccurrences."""
    element = body.find(clark("C:time-range"))
    if element is None:
        raise BadXML("A free-busy-query has a time-range.")
    try:
        asked: Range = closed_range(element)
    except InvalidFilter as error:
        raise BadXML(str(error)) from error
    assert looked.collection is not None
    rows = objects.between(request.connection, looked.collection.id, None, asked.start, asked.end)
    found = free_busy.periods(rows, floating_zone(looked, body), asked)
    text = free_busy.answer(found, asked, request.services.clock())
    return HTTPStatus.OK, {"Content-Type": "text/calendar; charset=utf-8"}, text, None


def too_many() -> Response:
    """507 for a query whose answer would have more occurrences than one answer has room for (RFC 4791 section 7.8)."""
    return answers.precondition(
        HTTPStatus.INSUFFICIENT_STORAGE, "D:number-of-matches-within-limits", "Ask for a shorter time."
    )
