"""Rows of `object_property`: the dead properties of objects (RFC 4918 section 4.1), a row for each object that has any.

A row lives and moves with its object by the foreign key: a PUT over the object keeps it, DELETE and the DELETE of the
collection take it along, MOVE gives it the new name. To store one counts no change of the collection: entity tags are
of what an object holds (RFC 4918 section 8.6), and a sync tells of members whose entity tag has changed (RFC 6578
section 3.5.1).
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection, and_, bindparam, delete, func, select

from dav_gateway.store.columns import dump_json
from dav_gateway.store.dialects import insert
from dav_gateway.store.object_tables import collection, object_property

NAMES_PER_STATEMENT = 500
ROWS_PER_FETCH = 200

_KEY = and_(object_property.c.collection_id == bindparam("inside"), object_property.c.name == bindparam("called"))
_GET = select(object_property.c.properties).where(_KEY)
_GET_MANY = select(object_property.c.name, object_property.c.properties).where(
    object_property.c.collection_id == bindparam("inside"),
    object_property.c.name.in_(bindparam("names", expanding=True)),
)
_INSIDE = (
    select(object_property.c.name, object_property.c.properties)
    .where(object_property.c.collection_id == bindparam("inside"))
    .order_by(object_property.c.name)
)
_INSERT = insert(object_property)
_SET = _INSERT.on_conflict_do_update(
    index_elements=["collection_id", "name"],
    set_={"size": _INSERT.excluded["size"], "properties": _INSERT.excluded["properties"]},
)
_CLEAR = delete(object_property).where(_KEY)
_TO = {
    name: bindparam(key, type_=object_property.c[name].type)
    for name, key in (("collection_id", "to_inside"), ("name", "to_called"))
}
_COPY = _INSERT.from_select(
    object_property.c.keys(), select(*(_TO.get(column.name, column) for column in object_property.c)).where(_KEY)
)
_COPY_ALL = _INSERT.from_select(
    object_property.c.keys(),
    select(*(_TO["collection_id"] if column.name == "collection_id" else column for column in object_property.c)).where(
        object_property.c.collection_id == bindparam("inside")
    ),
)
_TOTAL_SIZE = (
    select(func.coalesce(func.sum(object_property.c.size), 0))
    .join(collection, collection.c.id == object_property.c.collection_id)
    .where(collection.c.account_id == bindparam("account_id"))
)


def of(c: Connection, collection_id: int, name: str) -> dict[str, str]:
    """The dead properties of an object, in Radicale's spelling; empty when there are none. One statement, one row."""
    return read(c.execute(_GET, {"inside": collection_id, "called": name}).scalar_one_or_none())


def of_many(c: Connection, collection_id: int, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Those of the objects of these names that have any: one statement for each 500 names."""
    wanted = list(dict.fromkeys(names))
    found = {}
    for first in range(0, len(wanted), NAMES_PER_STATEMENT):
        values = {"inside": collection_id, "names": wanted[first : first + NAMES_PER_STATEMENT]}
        found.update({name: read(kept) for name, kept in c.execute(_GET_MANY, values)})
    return found


def inside(c: Connection, collection_id: int) -> Iterator[tuple[str, dict[str, str]]]:
    """The objects of a collection that have any, by name, each with its dead properties.

    They are fetched a few at a time: use it up before the connection writes or closes.
    """
    rows = c.execute(_INSIDE, {"inside": collection_id}, execution_options={"yield_per": ROWS_PER_FETCH})
    return ((name, read(kept)) for part in rows.partitions() for name, kept in part)


def read(stored: str | None) -> dict[str, str]:
    """The dead properties that a row holds, None being no row."""
    return {} if stored is None else dict(json.loads(stored))


def size(properties: Mapping[str, str]) -> int:
    """Octets that a row with these takes."""
    return len(dump_json(properties).encode()) if properties else 0


def replace(c: Connection, collection_id: int, name: str, properties: Mapping[str, str]) -> None:
    """Give an object, which must be there, other dead properties than it had."""
    if not properties:
        c.execute(_CLEAR, {"inside": collection_id, "called": name})
        return
    values = {"collection_id": collection_id, "name": name}
    c.execute(_SET, {**values, "size": size(properties), "properties": dump_json(properties)})


def copy(c: Connection, from_collection_id: int, name: str, to_collection_id: int, to_name: str) -> None:
    """Give an object that was copied the dead properties of the original, in place of whatever was there."""
    c.execute(_CLEAR, {"inside": to_collection_id, "called": to_name})
    target = {"to_inside": to_collection_id, "to_called": to_name}
    c.execute(_COPY, {"inside": from_collection_id, "called": name, **target})


def copy_all(c: Connection, from_collection_id: int, to_collection_id: int) -> None:
    """Give the objects of a collection that was just copied those of the originals."""
    c.execute(_COPY_ALL, {"inside": from_collection_id, "to_inside": to_collection_id})


def total_size(c: Connection, account_id: int) -> int:
    """Octets that the dead properties of all objects of the account take."""
    return int(c.execute(_TOTAL_SIZE, {"account_id": account_id}).scalar_one())
