"""Which cards of an address book a filter means (RFC 6352 section 10.5), from the index of their lines where it can."""

import logging
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection

from dav_gateway.core.octets import as_text
from dav_gateway.dav.calendar_search import MOST_LESSONS
from dav_gateway.dav.patience import Patience
from dav_gateway.dav.query import card_index, tree
from dav_gateway.dav.query.calendar_index import UNREADABLE
from dav_gateway.dav.query.card_filter import CardFilter
from dav_gateway.store import card_lines, objects
from dav_gateway.store.object_index import Lesson
from dav_gateway.store.object_rows import LOOK, UNKNOWN
from dav_gateway.store.objects import StoredObject

log = logging.getLogger("dav_gateway.dav")


class CardSearch:
    """Searches one address book; `lessons` is what to tell the index afterwards."""

    def __init__(self, c: Connection, collection_id: int, patience: Patience) -> None:
        self._c = c
        self._collection_id = collection_id
        self._patience = patience
        self.lessons: list[Lesson] = []

    def matching(self, wanted: CardFilter, *, octets: bool) -> Iterator[StoredObject]:
        """The cards that the filter means; their octets too when they are asked for."""
        indexed = card_index.part_of(wanted)
        if indexed is None:
            blind = not wanted.properties
            for stored in objects.every(self._c, self._collection_id, octets=octets or not blind):
                if blind or self.matches(stored, wanted):
                    yield stored
            return
        sure, unsure = self._indexed(indexed.filter)
        if not indexed.whole:
            unsure, sure = {**dict.fromkeys(sure, LOOK), **unsure}, {}
        if octets:
            yield from objects.each_of(self._c, self._collection_id, sure)
        else:
            yield from sure.values()
        for stored in objects.each_of(self._c, self._collection_id, unsure):
            if unsure[stored.name] == UNKNOWN and len(self.lessons) < MOST_LESSONS:
                lines = card_index.lines(as_text(stored.octets))
                self.lessons.append(Lesson(stored.name, stored.etag, lines=lines))
            if self.matches(stored, wanted):
                yield stored

    def matches(self, stored: StoredObject, wanted: CardFilter) -> bool:
        """Whether a card that was read is one that the filter means; one that cannot be understood is. Raises
        TooManyOccurrences."""
        try:
            with self._patience:
                return wanted.matches(tree.parse(as_text(stored.octets)))
        except UNREADABLE as error:
            log.debug("a card was sent as it is: %s", type(error).__name__)
            return True

    def _indexed(self, wanted: CardFilter) -> tuple[dict[str, StoredObject], dict[str, str]]:
        """Cards that are known to match, and the names of those to look at with what the index says."""
        heads: dict[str, StoredObject] = {}
        folded: dict[str, list[tuple[str, str]]] = defaultdict(list)
        unsure: dict[str, str] = {}
        texts = {(each.name, match.text) for each in wanted.properties for match in each.matches_text}
        for line, stored in card_lines.containing(self._c, self._collection_id, sorted(texts)):
            if line.property in (UNKNOWN, LOOK):
                unsure[stored.name] = line.property
            else:
                heads[stored.name] = stored
                folded[stored.name].append(line)
        return {name: heads[name] for name, found in folded.items() if card_index.matches(wanted, found)}, unsure
