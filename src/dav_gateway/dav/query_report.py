"""calendar-query and addressbook-query (RFC 4791 section 7.8, RFC 6352 section 8.6), free-busy-query (RFC 4791
section 7.10).

Which objects a filter means is the matter of `calendar_search` and `card_search`; here is what is told of them.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from http import HTTPStatus
from itertools import chain, islice
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from dav_gateway.core.errors import GatewayError
from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Kind, Scope
from dav_gateway.dav import answers, members, view
from dav_gateway.dav.answers import Long, Own, Response
from dav_gateway.dav.calendar_search import CalendarSearch
from dav_gateway.dav.card_search import CardSearch
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.members import Asked
from dav_gateway.dav.multistatus import gone
from dav_gateway.dav.names import PREFIX_OF, clark
from dav_gateway.dav.patience import Patience
from dav_gateway.dav.query import calendar_filter, card_filter, expansion, free_busy, zones
from dav_gateway.dav.query.calendar_filter import ComponentFilter
from dav_gateway.dav.query.calendar_index import UNREADABLE
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.card_filter import CardFilter
from dav_gateway.dav.query.expansion import TooManyOccurrences
from dav_gateway.dav.query.free_busy import Period
from dav_gateway.dav.query.occurrences import Range
from dav_gateway.dav.query.ranges import closed_range
from dav_gateway.dav.query.text import InvalidFilter
from dav_gateway.dav.site import Site
from dav_gateway.dav.sync import WITHIN_LIMITS, wanted_limit
from dav_gateway.dav.view import View
from dav_gateway.service.request import DavRequest
from dav_gateway.store import object_index
from dav_gateway.store.object_index import Lesson
from dav_gateway.store.objects import StoredObject

log = logging.getLogger("dav_gateway.dav")
Found = tuple[StoredObject, str | None]
Learnt = dict[int, list[Lesson]]
"""What is to be told to the index, by the collection."""


def answer(  # noqa: PLR0917 - what every report gets
    request: DavRequest, site: Site, looked: View, environ: Mapping[str, Any], body: Element, asked: Asked
) -> Long:
    """The matching objects with what was asked of them. Raises BadXML, InvalidFilter."""
    # Without Depth the collection is meant as well, as most servers take it; with Depth 0 its objects are not.
    if environ.get("HTTP_DEPTH", "1").strip().lower() not in ("1", "infinity") and looked.kind is not Kind.OBJECT:
        return answers.plain(HTTPStatus.BAD_REQUEST, "A query of a collection has Depth 1.")
    assert looked.home is not None
    prefix = PREFIX_OF[looked.home]
    limit = wanted_limit(body, clark(f"{prefix}:limit"), clark(f"{prefix}:nresults"))
    search = Search(asked, {}, Patience())
    # What is wrong with the request is found here; behind this the answer has begun.
    told = [_told(request, site, each, body, search) for each in view.holders(request, looked)]
    return answers.in_pieces(_limited(request, looked, chain.from_iterable(told), limit, search.learnt))


def _limited(
    request: DavRequest, looked: View, told: Iterator[str], limit: int | None, learnt: Learnt
) -> Iterator[str]:
    """The responses, not more than `limit`; when they are told, the index is told too. Raises Instead."""
    try:
        yield from islice(told, limit)
        if limit is not None and next(told, None) is not None:
            # RFC 6352 section 8.6.2: the request URI with 507 says that there are more.
            yield gone(looked.path, HTTPStatus.INSUFFICIENT_STORAGE, WITHIN_LIMITS)
    except TooManyOccurrences as error:
        raise answers.Instead(too_many()) from error
    _teach(request, learnt)


class Search(NamedTuple):
    """What is asked of every object, what the index is to be told afterwards, and how long all of it may take."""

    asked: Asked
    learnt: Learnt
    patience: Patience


def _told(request: DavRequest, site: Site, looked: View, body: Element, search: Search) -> Iterator[str]:
    """The responses of one collection, which is searched as they are taken. Raises BadXML, InvalidFilter."""
    assert looked.collection is not None
    number, asked = looked.collection.id, search.asked
    if looked.home is Scope.CALENDARS:
        events = CalendarSearch(request.connection, number, floating_zone(looked, body), search.patience)
        found, search.learnt[number] = _events(events, looked, calendar_filter.read(body), asked), events.lessons
    else:
        cards = CardSearch(request.connection, number, search.patience)
        found, search.learnt[number] = _cards(cards, looked, card_filter.read(body), asked), cards.lessons
    return members.responses(looked, site, asked).some(found)


def _events(search: CalendarSearch, looked: View, wanted: ComponentFilter, asked: Asked) -> Iterator[Found]:
    in_parts = asked.octets and not asked.calendar_data.is_whole
    if looked.object is None:
        found = search.matching(wanted, octets=asked.octets)
    else:
        found = filter(None, [search.look(looked.object, wanted)])
    for stored, calendar in found:
        try:
            yield (
                stored,
                asked.data_of(calendar or CalendarObject(as_text(stored.octets), search.floating))
                if in_parts
                else None,
            )
        except UNREADABLE as error:
            log.debug("an object was sent as it is: %s", type(error).__name__)
            yield stored, None


def _cards(search: CardSearch, looked: View, wanted: CardFilter, asked: Asked) -> Iterator[Found]:
    in_parts = asked.octets and not asked.address_data.is_whole
    if looked.object is None:
        found = search.matching(wanted, octets=asked.octets)
    else:
        found = (each for each in [looked.object] if search.matches(each, wanted))
    for stored in found:
        try:
            yield stored, asked.data_of_card(as_text(stored.octets)) if in_parts else None
        except UNREADABLE as error:
            log.debug("a card was sent as it is: %s", type(error).__name__)
            yield stored, None


def _teach(request: DavRequest, learnt: Learnt) -> None:
    """Tell the index what the request found out. What it cannot be told now it will be by a later request."""
    if not any(learnt.values()):
        return
    fence = request.services.verification.fence(request.granted)
    request.finish(commit=False)
    try:
        for collection_id, lessons in learnt.items():
            if lessons:
                with request.services.database.write(fence) as connection:
                    object_index.learn(connection, collection_id, lessons)
    except GatewayError as error:
        log.debug("the index was not told: %s", type(error).__name__)


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
    """The VFREEBUSY of a calendar, or of all in a home. Raises BadXML, TooManyOccurrences."""
    element = body.find(clark("C:time-range"))
    if element is None:
        raise BadXML("A free-busy-query has a time-range.")
    try:
        asked: Range = closed_range(element)
    except InvalidFilter as error:
        raise BadXML(str(error)) from error
    expansion.refuse_long(asked)
    learnt: Learnt = {}
    room, patience = expansion.Room(), Patience()
    found: list[Period] = []
    for calendar in view.holders(request, looked):
        assert calendar.collection is not None
        floating = floating_zone(calendar, body)
        search = CalendarSearch(request.connection, calendar.collection.id, floating, patience)
        learnt[calendar.collection.id] = search.lessons
        rows = (each.stored for each in search.between(asked, None, octets=True))
        found = free_busy.merged(found + free_busy.periods(rows, floating, asked, room))
    _teach(request, learnt)
    text = free_busy.answer(found, asked, request.services.clock())
    return HTTPStatus.OK, {"Content-Type": "text/calendar; charset=utf-8"}, text, None


def too_many() -> Own:
    """507 for a query whose answer would take more room or time than one answer has (RFC 4791 section 7.8)."""
    return answers.precondition(
        HTTPStatus.INSUFFICIENT_STORAGE, "D:number-of-matches-within-limits", "Ask for less, or for a shorter time."
    )
