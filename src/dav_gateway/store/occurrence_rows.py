"""Rows of `occurrence`: when the objects of a calendar take place, so that a time range is answered from them alone.

A row says of one object that something of it lies between `starts` and `ends`, in seconds since 1970; `detail` says
more to who wrote it, and is nothing where the row is exactly that. An object whose times nobody has looked at yet has
one row for all of time with the detail UNKNOWN. Rows belong to their object: they go, and change their name, with it.

Rows are sorted by how long they are. Those of one length are found by when they start, from a length before the range
on: what is read does not grow with the calendar.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, and_, bindparam, literal, select, union_all

from dav_gateway.store.index_table import IndexTable
from dav_gateway.store.object_reads import HEAD, ROWS_PER_FETCH, UNLESS_LARGE
from dav_gateway.store.object_rows import ALWAYS, UNKNOWN, NewObject, OccurrenceRow
from dav_gateway.store.object_tables import object_, occurrence

DAY = 86_400
LENGTHS = (DAY, 8 * DAY, 64 * DAY, 512 * DAY)
"""The longest row of each class; longer ones, and those without an end, are of a class of their own."""
ENDLESS = len(LENGTHS)
YEARLY = ENDLESS + 1
"""The class of rows that come back every year: `starts` counts from the 1st of January of a leap year."""

_TABLE = IndexTable(occurrence)
_ROW = [occurrence.c.name, occurrence.c.starts, occurrence.c.ends, occurrence.c.detail]
_INSIDE = occurrence.c.collection_id == bindparam("collection_id")
_OF_LENGTH = [
    select(*_ROW).where(
        _INSIDE,
        occurrence.c.reach == literal(reach, literal_execute=True),
        occurrence.c.starts > bindparam(f"since_{reach}"),
        occurrence.c.starts < bindparam("end"),
        occurrence.c.ends > bindparam("start"),
    )
    for reach in range(len(LENGTHS))
]
_LONGER = select(*_ROW).where(
    _INSIDE,
    occurrence.c.reach == literal(ENDLESS, literal_execute=True),
    occurrence.c.starts < bindparam("end"),
    occurrence.c.ends > bindparam("start"),
)
_EVERY_YEAR = [
    select(*_ROW).where(
        _INSIDE,
        occurrence.c.reach == literal(YEARLY, literal_execute=True),
        occurrence.c.starts.between(bindparam(f"{side}_from"), bindparam(f"{side}_to")),
    )
    for side in ("first", "second")
]
_TOUCHED = union_all(*_OF_LENGTH, _LONGER, *_EVERY_YEAR).subquery()
_OWN = and_(object_.c.collection_id == bindparam("collection_id"), object_.c.name == _TOUCHED.c.name)
_WHAT = [_TOUCHED.c.starts, _TOUCHED.c.ends, _TOUCHED.c.detail]
_TOUCHING = select(*_WHAT, *HEAD).join(object_, _OWN)
_TOUCHING_WITH_OCTETS = select(*_WHAT, *HEAD, UNLESS_LARGE).join(object_, _OWN)


def touching(
    c: Connection, collection_id: int, start: int, end: int, seasons: Iterable[tuple[int, int]], *, octets: bool
) -> Iterator[Sequence[Any]]:
    """The rows of a calendar that lie between `start` and `end`, in one statement; `seasons` are the parts of a year,
    one or two, in which those that come back every year are looked for. An object may have several rows.

    Each is `starts`, `ends`, `detail` and what a StoredObject is made of, large ones without their octets (`whole`): it
    comes with every row of the object. They are fetched a few at a time: use it up
    before the connection writes or closes.
    """
    (first_from, first_to), (second_from, second_to) = [*seasons, (0, -1)][:2]
    values: dict[str, object] = {
        "collection_id": collection_id,
        "start": start,
        "end": end,
        "first_from": first_from,
        "first_to": first_to,
        "second_from": second_from,
        "second_to": second_to,
        **{f"since_{reach}": start - length - 1 for reach, length in enumerate(LENGTHS)},
    }
    if octets:
        found = c.execute(_TOUCHING_WITH_OCTETS, values, execution_options={"yield_per": ROWS_PER_FETCH})
    else:
        found = c.execute(_TOUCHING, values)
    return chain.from_iterable(found.partitions(ROWS_PER_FETCH))


def replace(
    c: Connection, collection_id: int, rows_of: Mapping[str, Iterable[OccurrenceRow]], *, new_names: bool = False
) -> None:
    """Give objects, by their names, other rows than they had. See `IndexTable.replace`."""
    values_of = {name: [_values(row) for row in rows] for name, rows in rows_of.items()}
    _TABLE.replace(c, collection_id, values_of, new_names=new_names)


def of_new(new: NewObject) -> tuple[OccurrenceRow, ...]:
    """The rows of an object that is about to be stored; a card has none."""
    if new.occurrences is not None:
        return new.occurrences
    return () if new.component == "VCARD" else (OccurrenceRow(*ALWAYS, UNKNOWN),)


copy_all = _TABLE.copy_all


def _values(row: OccurrenceRow) -> dict[str, Any]:
    reach = YEARLY if row.yearly else _reach(row.ends - row.starts)
    return {"reach": reach, "starts": row.starts, "ends": row.ends, "detail": row.detail}


def _reach(length: int) -> int:
    return next((reach for reach, longest in enumerate(LENGTHS) if length <= longest), ENDLESS)
