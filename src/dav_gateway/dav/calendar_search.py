"""Which objects of a calendar a filter means (RFC 4791 section 9.7), from the occurrence index as far as it knows.

A filter that asks for components of one type, in a time range or not, is answered by the index alone. For any other it
gives the candidates, which are read and held against the filter; so are objects that the index does not describe.
"""

import logging
from collections.abc import Iterator
from datetime import tzinfo
from time import thread_time
from typing import NamedTuple

from sqlalchemy import Connection

from dav_gateway.core.octets import as_text
from dav_gateway.dav.patience import Patience
from dav_gateway.dav.query import calendar_index, index_rows
from dav_gateway.dav.query.calendar_filter import ComponentFilter
from dav_gateway.dav.query.calendar_index import UNREADABLE
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.index_rows import MARGIN
from dav_gateway.dav.query.occurrences import Range
from dav_gateway.dav.query.times import DAY
from dav_gateway.store import objects, occurrence_rows
from dav_gateway.store.object_index import Lesson
from dav_gateway.store.object_rows import UNKNOWN
from dav_gateway.store.objects import StoredObject

log = logging.getLogger("dav_gateway.dav")
MOST_LESSONS = 500
"""So many objects at most are indexed behind one request: a tenth of a second where nobody means harm."""
MOST_SECONDS = 0.3
"""So much of the processor's time at most is spent on rules that are hard to follow."""
_BEFORE = 40 * DAY


class Found(NamedTuple):
    """An object that matches; `calendar` is what was read of it, if anything was."""

    stored: StoredObject
    calendar: CalendarObject | None = None


class CalendarSearch:
    """Searches one calendar; floating times are those of `floating`. `lessons` is what to tell the index afterwards."""

    def __init__(self, c: Connection, collection_id: int, floating: tzinfo, patience: Patience) -> None:
        self._c = c
        self._collection_id = collection_id
        self._patience = patience
        self.floating = floating
        self.lessons: list[Lesson] = []
        self._spent = 0.0

    def matching(self, wanted: ComponentFilter, *, octets: bool) -> Iterator[Found]:
        """The objects that the filter means; their octets too when they are asked for."""
        shape = wanted.shape()
        if shape.asked is not None:
            yield from self.between(shape.asked, shape.component, None if shape.alone else wanted, octets=octets)
            return
        for stored in objects.every(self._c, self._collection_id, octets=octets or not shape.alone):
            if shape.component in (None, stored.component):
                found = Found(stored) if shape.alone else self.look(stored, wanted)
                if found is not None:
                    yield found

    def between(
        self, asked: Range, component: str | None, wanted: ComponentFilter | None = None, *, octets: bool
    ) -> Iterator[Found]:
        """The objects, of one component type or of any, of which something meets the range, and that match `wanted`."""
        unsure: dict[str, str] = {}
        sure: set[str] = set()
        for stored in self._indexed(asked, component, sure, unsure, octets=octets or wanted is not None):
            found = Found(stored) if wanted is None else self.look(stored, wanted)
            if found is not None:
                yield found
        since = max(asked.start - _BEFORE, -(2**36))
        looked_at = (name for name in unsure if name not in sure)
        for stored in objects.each_of(self._c, self._collection_id, looked_at):
            self._learn(stored, unsure[stored.name], since)
            found = self.look(stored, wanted or _in_range(component, asked))
            if found is not None:
                yield found

    def look(self, stored: StoredObject, wanted: ComponentFilter) -> Found | None:
        """An object that was read, if it matches. One that cannot be understood is told as it is: a client would rather
        look at one object itself than lose sight of its calendar. Raises TooManyOccurrences."""
        try:
            with self._patience:
                calendar = CalendarObject(as_text(stored.octets), self.floating)
                return Found(stored, calendar) if wanted.matches(None, calendar) else None
        except UNREADABLE as error:
            log.debug("an object was sent as it is: %s", type(error).__name__)
            return Found(stored)

    def _indexed(
        self, asked: Range, component: str | None, sure: set[str], unsure: dict[str, str], *, octets: bool
    ) -> Iterator[StoredObject]:
        """Objects that are known to meet the range, whose names are then in `sure`. Of those that have to be looked at
        unless another row makes them sure, `unsure` has what the index says."""
        start, end, floating = asked.start - MARGIN, asked.end + MARGIN, self.floating
        seasons = index_rows.seasons(asked)
        rows = occurrence_rows.touching(self._c, self._collection_id, start, end, seasons, octets=octets)
        for starts, ends, detail, *rest in rows:
            stored = StoredObject(*rest)
            if stored.name in sure or component not in (None, stored.component):
                continue
            meets = index_rows.meets(starts, ends, detail, asked, floating)
            if meets:
                sure.add(stored.name)
                found = objects.whole(self._c, self._collection_id, stored) if octets else stored
                if found is not None:
                    yield found
            elif meets is None:
                unsure[stored.name] = detail or ""

    def _learn(self, stored: StoredObject, detail: str, since: int) -> None:
        if len(self.lessons) == MOST_LESSONS or self._spent > MOST_SECONDS:
            return
        if index_rows.is_to_learn(detail, since):
            began = thread_time()
            begin = None if detail == UNKNOWN else since
            rows = calendar_index.rows(as_text(stored.octets), begin)
            self.lessons.append(Lesson(stored.name, stored.etag, occurrences=rows))
            self._spent += thread_time() - began


def _in_range(component: str | None, asked: Range) -> ComponentFilter:
    if component is None:
        return ComponentFilter("VCALENDAR", asked=asked)
    return ComponentFilter("VCALENDAR", components=(ComponentFilter(component, asked=asked),))
