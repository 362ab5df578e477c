"""The index of objects, written with them: `occurrence_rows` for calendars, `card_lines` for address books.

What was stored without it, by an older version or by a writer that reads no objects, is looked at by the first query
that meets it, which then teaches the index what it saw.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from dav_gateway.store import card_lines, collections, occurrence_rows
from dav_gateway.store.object_reads import get_many
from dav_gateway.store.object_rows import CardLine, NewObject, OccurrenceRow


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a query found out about an object as it was when it had this etag; None is not of its kind."""

    name: str
    etag: str
    occurrences: tuple[OccurrenceRow, ...] | None = None
    lines: tuple[CardLine, ...] | None = None


def write(c: Connection, collection_id: int, new: Iterable[NewObject], *, new_names: bool = False) -> None:
    """Index objects that are stored now: one statement for those of a calendar or address book where all are new under
    their names, two where they may replace others."""
    stored = list(new)
    events = {one.name: occurrence_rows.of_new(one) for one in stored if one.component != "VCARD"}
    cards = {one.name: card_lines.of_new(one) for one in stored if one.component == "VCARD"}
    occurrence_rows.replace(c, collection_id, events, new_names=new_names)
    card_lines.replace(c, collection_id, cards, new_names=new_names)


def learn(c: Connection, collection_id: int, lessons: Iterable[Lesson]) -> None:
    """Index what a query found out, except of objects that have changed since. The collection counts no change."""
    # Writers lock it too: none can change an object between the look at its etag and the end of this transaction.
    if not collections.lock(c, [collection_id]):
        return
    wanted = {one.name: one for one in lessons}
    etags = {one.name: one.etag for one in get_many(c, collection_id, wanted, octets=False)}
    still = [one for one in wanted.values() if etags.get(one.name) == one.etag]
    rows_of = {one.name: one.occurrences for one in still if one.occurrences is not None}
    lines_of = {one.name: one.lines for one in still if one.lines is not None}
    occurrence_rows.replace(c, collection_id, rows_of)
    card_lines.replace(c, collection_id, lines_of)


def copy_all(c: Connection, from_collection_id: int, to_collection_id: int) -> None:
    """Index the objects of a collection that was just copied as the originals are."""
    occurrence_rows.copy_all(c, from_collection_id, to_collection_id)
    card_lines.copy_all(c, from_collection_id, to_collection_id)
