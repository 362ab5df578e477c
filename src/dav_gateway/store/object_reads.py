"""Reading objects: one, some, all, those that changed. See `objects`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain, starmap
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    select,
)

from dav_gateway.store.object_rows import StoredObject
from dav_gateway.store.object_tables import object_, object_property
from dav_gateway.store.prepared import Prepared

_NAMES_IN_A_STATEMENT = (4, 16, 64, 500)
"""Few kinds of statements, each written once and kept prepared by the databases: what is missing is filled up."""
KEPT = "kept"
ROWS_PER_FETCH = 200
LARGE = 64 * 1024
"""Octets of an object that is read for itself: of others hundreds are fetched, and held, at once."""
_FEW_AT_A_TIME = {"yield_per": ROWS_PER_FETCH}

HEAD = [
    object_.c.name,
    object_.c.uid,
    object_.c.etag,
    object_.c.component,
    object_.c.size,
    object_.c.starts,
    object_.c.ends,
    object_.c.change,
    object_.c.modified_at,
]
_INSIDE = object_.c.collection_id == bindparam("collection_id")
_NAMED = object_.c.name == bindparam("name")
_GET = Prepared(select(*HEAD, object_.c.octets).where(_INSIDE, _NAMED))
EVERYTHING = 2**62
"""More octets than an object can have."""
FITTING = case((object_.c.size <= bindparam("most"), object_.c.octets), else_=literal(b""))
"""The octets of an object, none of them when they are more than `most`."""
UNLESS_LARGE = case((object_.c.size <= literal_column(str(LARGE)), object_.c.octets), else_=literal(b"")).label(
    "octets"
)
"""The octets of an object among many, none of them when it is large: `whole` reads those."""
_GET_SHORT = Prepared(select(*HEAD, FITTING).where(_INSIDE, _NAMED))
_HEADS = select(*HEAD).where(_INSIDE).order_by(object_.c.name)
_EVERY = select(*HEAD, UNLESS_LARGE).where(_INSIDE).order_by(object_.c.name)
_COUNT = select(func.count()).where(_INSIDE)


def _read(row: Sequence[Any]) -> StoredObject:
    return StoredObject(*row)


def get(c: Connection, collection_id: int, name: str, *, most_octets: int | None = None) -> StoredObject | None:
    """The object of this name; without its octets when they are more than `most_octets`. One statement, one row."""
    if most_octets is None:
        row = _GET.first(c, {"collection_id": collection_id, "name": name})
    else:
        row = _GET_SHORT.first(c, {"collection_id": collection_id, "name": name, "most": most_octets})
    return None if row is None else _read(row)


def whole(c: Connection, collection_id: int, found: StoredObject) -> StoredObject | None:
    """An object with its octets, of which there are some, that was found without them because it is large; any other as
    it is. None when it is gone."""
    return found if found.octets or found.size <= LARGE else get(c, collection_id, found.name)


def get_many(
    c: Connection, collection_id: int, names: Iterable[str], *, octets: bool = True, most_octets: int | None = None
) -> list[StoredObject]:
    """The objects of these names, in no order; names that do not exist are missing from the answer. Each is without its
    octets when they are not wanted, more than `most_octets`, or those of a large one (`whole`)."""
    wanted = list(dict.fromkeys(names))
    found: list[StoredObject] = []
    for first in range(0, len(wanted), _NAMES_IN_A_STATEMENT[-1]):
        chunk = wanted[first : first + _NAMES_IN_A_STATEMENT[-1]]
        count = next(size for size in _NAMES_IN_A_STATEMENT if size >= len(chunk))
        values: dict[str, object] = dict(zip(_places(count), chunk + chunk[-1:] * (count - len(chunk)), strict=True))
        values["collection_id"] = collection_id
        if octets:
            values["most"] = LARGE if most_octets is None else min(LARGE, most_octets)
        found += starmap(StoredObject, _among(count, octets=octets).all(c, values))
    return found


def each_of(c: Connection, collection_id: int, names: Iterable[str]) -> Iterator[StoredObject]:
    """The objects of these names with their octets, in no order; those that do not exist are left out.

    They are fetched some at a time: use it up before the connection writes or closes.
    """
    wanted = list(dict.fromkeys(names))
    for first in range(0, len(wanted), ROWS_PER_FETCH):
        some = get_many(c, collection_id, wanted[first : first + ROWS_PER_FETCH])
        yield from _with_large(c, collection_id, some)


def _with_large(c: Connection, collection_id: int, found: Iterable[StoredObject]) -> Iterator[StoredObject]:
    return (each for each in (whole(c, collection_id, one) for one in found) if each is not None)


@cache
def _among(count: int, *, octets: bool) -> Prepared:
    named = object_.c.name.in_([bindparam(place) for place in _places(count)])
    return Prepared(select(*HEAD, *([FITTING] if octets else [])).where(_INSIDE, named))


@cache
def _places(count: int) -> tuple[str, ...]:
    return tuple(f"name{place}" for place in range(count))


def every(c: Connection, collection_id: int, *, octets: bool = True) -> Iterator[StoredObject]:
    """All objects of the collection by name; without octets when they are not wanted, which never reads them.

    They are fetched a few at a time: use it up before the connection writes or closes.
    """
    if not octets:
        return _stream(c, _HEADS, {"collection_id": collection_id})
    return _with_large(c, collection_id, _stream(c, _EVERY, {"collection_id": collection_id}))


def listing(c: Connection, collection_id: int, columns: tuple[str, ...]) -> Iterator[Sequence[Any]]:
    """Name and `columns` (fields of StoredObject) of all objects, by name: what a listing tells and no more is read.
    KEPT among them is the text of the object's dead properties (`object_properties.read`), None where it has none.

    They are fetched a few at a time: use it up before the connection writes or closes.
    """
    result = c.execute(_listing(columns), {"collection_id": collection_id}, execution_options=_FEW_AT_A_TIME)
    rows = chain.from_iterable(result.partitions())
    return _rows_with_large(c, collection_id, rows, columns) if "octets" in columns else rows


def _rows_with_large(
    c: Connection, collection_id: int, rows: Iterable[Sequence[Any]], columns: tuple[str, ...]
) -> Iterator[Sequence[Any]]:
    at = 1 + columns.index("octets")
    for row in rows:
        if row[at]:
            yield row
            continue
        found = get(c, collection_id, row[0])
        if found is not None:
            yield *row[:at], found.octets, *row[at + 1 :]


def short_listing(c: Connection, collection_id: int, columns: tuple[str, ...], most: int) -> Sequence[Sequence[Any]]:
    """As `listing`, of `most` objects and no more."""
    rows = _short_listing(columns).all(c, {"collection_id": collection_id, "limit": most})
    return list(_rows_with_large(c, collection_id, rows, columns)) if "octets" in columns else rows


@lru_cache(maxsize=64)
def _short_listing(columns: tuple[str, ...]) -> Prepared:
    return Prepared(_listing(columns).limit(bindparam("limit")))


@lru_cache(maxsize=64)
def _listing(columns: tuple[str, ...]) -> Select[Any]:
    of_object = [column for column in columns if column != KEPT]
    fields = [UNLESS_LARGE if column == "octets" else object_.c[column] for column in of_object]
    told = select(object_.c.name, *fields).where(_INSIDE).order_by(object_.c.name)
    if KEPT not in columns:
        return told
    own = and_(object_property.c.collection_id == object_.c.collection_id, object_property.c.name == object_.c.name)
    return told.add_columns(object_property.c.properties).outerjoin_from(object_, object_property, own)


def _stream(c: Connection, statement: Select[Any], values: Mapping[str, object]) -> Iterator[StoredObject]:
    result = c.execute(statement, values, execution_options=_FEW_AT_A_TIME)
    for part in result.partitions():
        for row in part:
            yield _read(row)


def count(c: Connection, collection_id: int) -> int:
    """How many objects the collection holds."""
    return c.execute(_COUNT, {"collection_id": collection_id}).scalar_one()
