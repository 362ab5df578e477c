"""Storing, removing and moving objects. See `objects`.

Each bumps the collection's counter first: that locks the row, so writers of one collection follow each other on both
engines, and what they look at in a further statement is the newest state. A refusal (UidConflict, NotFound) comes when
the counter has moved already: it is meant to roll the transaction back, as it does by leaving `Database.write`.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, select, update

from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import Moment
from dav_gateway.store import collections, object_index, object_properties
from dav_gateway.store.dialects import insert
from dav_gateway.store.errors import UidConflict
from dav_gateway.store.object_reads import get, get_many
from dav_gateway.store.object_rows import NewObject, StoredObject
from dav_gateway.store.object_tables import collection, object_, tombstone
from dav_gateway.store.prepared import Prepared

# In an UPDATE a parameter that is called like a column would be a value to set, so keys have names of their own.
_OBJECT = and_(object_.c.collection_id == bindparam("inside"), object_.c.name == bindparam("called"))
_TOMBSTONE = and_(tombstone.c.collection_id == bindparam("inside"), tombstone.c.name == bindparam("called"))

_HOLDER = select(object_.c.name).where(
    object_.c.collection_id == bindparam("inside"),
    object_.c.uid == bindparam("own_uid"),
    object_.c.name != bindparam("called"),
)
_KEYS = {"collection_id": "inside", "name": "called", "uid": "own_uid"}
_INSERT = insert(object_).from_select(
    object_.c.keys(),
    select(*(bindparam(_KEYS.get(column.name, "new_" + column.name), type_=column.type) for column in object_.c)).where(
        ~exists(_HOLDER)
    ),
)
# The guard turns a UID that is taken into no row. The unique constraint behind it would do the same with an error, but
# an error aborts the transaction on PostgreSQL, and then the holder could not be named.
_PUT = Prepared(
    _INSERT.on_conflict_do_update(
        index_elements=["collection_id", "name"],
        set_={
            column.name: _INSERT.excluded[column.name]
            for column in object_.c
            if column.name not in {"collection_id", "name"}
        },
    ).returning(object_.c.change)
)
_UNBURY = Prepared(delete(tombstone).where(_TOMBSTONE))
_LEAVES = select(object_.c.size).where(_OBJECT).scalar_subquery()
_ARRIVES = (
    select(object_.c.size)
    .where(object_.c.collection_id == bindparam("from_inside"), object_.c.name == bindparam("from_called"))
    .scalar_subquery()
)
# The size of a collection changes in the statement that counts the change: by what is added, by what comes from
# elsewhere, and by what it replaces or loses. Writers hold the collection already (collections.lock): on PostgreSQL
# a statement that waits for the row looks at the objects as they were before the wait.
_BUMP = Prepared(
    update(collection)
    .where(collection.c.id == bindparam("inside"))
    .values(
        change=collection.c.change + 1,
        modified_at=bindparam("now"),
        size=collection.c.size + bindparam("added") + func.coalesce(_ARRIVES, 0) - func.coalesce(_LEAVES, 0),
    )
    .returning(collection.c.change, _LEAVES.is_not(None), exists(select(tombstone.c.change).where(_TOMBSTONE)))
)
_BUMP_IF_THERE = Prepared(
    update(collection)
    .where(collection.c.id == bindparam("inside"), exists(select(object_.c.name).where(_OBJECT)))
    .values(change=collection.c.change + 1, modified_at=bindparam("now"), size=collection.c.size - _LEAVES)
    .returning(collection.c.change)
)
_REMOVE = Prepared(delete(object_).where(_OBJECT))
_INSERT_TOMBSTONE = insert(tombstone)
_BURY = Prepared(
    _INSERT_TOMBSTONE.on_conflict_do_update(
        index_elements=["collection_id", "name"], set_={"change": _INSERT_TOMBSTONE.excluded.change}
    )
)
_MOVE = (
    update(object_)
    .where(_OBJECT)
    .values(collection_id=bindparam("to_inside"), name=bindparam("to_called"), change=bindparam("to_change"))
)
_COPIED = {
    "collection_id": bindparam("to_inside", type_=object_.c.collection_id.type),
    "change": bindparam("to_change", type_=object_.c.change.type),
    "modified_at": bindparam("now", type_=object_.c.modified_at.type),
}
_COPY_ALL = insert(object_).from_select(
    object_.c.keys(),
    select(*(_COPIED.get(column.name, column) for column in object_.c)).where(
        object_.c.collection_id == bindparam("inside")
    ),
)


def put(c: Connection, collection_id: int, new: NewObject, now: Moment) -> StoredObject:
    """Store an object under its name: three statements, each by key; four where it takes the place of another one, or
    of one that was deleted.

    Raises UidConflict when another object of the collection has its UID, NotFound when the collection is gone.
    """
    change, replaces, returns = _bump(c, collection_id, now, added=len(new.octets), leaves=new.name)
    stored = _store(c, collection_id, new, change, now)
    if returns:
        _UNBURY.change(c, {"inside": collection_id, "called": new.name})
    object_index.write(c, collection_id, [new], new_names=not replaces)
    return stored


def put_many(c: Connection, collection_id: int, new: Iterable[NewObject], now: Moment) -> list[StoredObject]:
    """Store objects as one change of the collection. Raises as `put` does."""
    objects = {one.name: one for one in new}
    replaced = sum(one.size for one in get_many(c, collection_id, objects, octets=False))
    change, *_ = _bump(c, collection_id, now, added=sum(len(one.octets) for one in objects.values()) - replaced)
    stored = [_store(c, collection_id, one, change, now) for one in objects.values()]
    if stored:
        _UNBURY.change_each(c, [{"inside": collection_id, "called": one.name} for one in stored])
        object_index.write(c, collection_id, objects.values())
    return stored


def remove(c: Connection, collection_id: int, name: str, now: Moment) -> bool:
    """Delete the object and keep its tombstone: three statements, each by key. False, and nothing is counted, when
    there is none of this name."""
    key: dict[str, object] = {"inside": collection_id, "called": name}
    counted = _BUMP_IF_THERE.first(c, {**key, "now": now})
    if counted is None or _REMOVE.change(c, key) == 0:
        return False
    _bury(c, collection_id, name, counted[0])
    return True


def move(  # noqa: PLR0917 - from, to, when: the order in which one says it
    c: Connection, from_collection_id: int, name: str, to_collection_id: int, to_name: str, now: Moment
) -> StoredObject:
    """Move an object, in place of whatever has the new name, and return it as it is then; both collections change.

    Raises NotFound when the object or a collection is gone, UidConflict when the target collection has its UID under a
    third name. A move onto itself changes nothing.
    """
    stays = from_collection_id == to_collection_id
    in_order = [] if stays and name == to_name else sorted({from_collection_id, to_collection_id})
    changes = {}
    for inside in in_order:
        arrives = (from_collection_id, name) if inside == to_collection_id and not stays else None
        leaves = to_name if inside == to_collection_id else name
        changes[inside], *_ = _bump(c, inside, now, arrives=arrives, leaves=leaves)
    source = get(c, from_collection_id, name)
    if source is None:
        raise NotFound("the object does not exist")
    if not changes:
        return source
    _refuse_second_uid(c, to_collection_id, source.uid, name if stays else to_name)
    target: dict[str, object] = {"inside": to_collection_id, "called": to_name}
    _REMOVE.change(c, target)
    c.execute(
        _MOVE,
        {
            "inside": from_collection_id,
            "called": name,
            "to_inside": to_collection_id,
            "to_called": to_name,
            "to_change": changes[to_collection_id],
        },
    )
    _UNBURY.change(c, target)
    _bury(c, from_collection_id, name, changes[from_collection_id])
    return source._replace(name=to_name, change=changes[to_collection_id])


def copy_all(c: Connection, from_collection_id: int, to_collection_id: int, now: Moment) -> None:
    """Store every object of a collection in an empty one, as one change. Raises NotFound when the
    target is gone."""
    origin = collections.get(c, from_collection_id)
    change, *_ = _bump(c, to_collection_id, now, added=origin.size if origin else 0)
    values = {"inside": from_collection_id, "to_inside": to_collection_id, "to_change": change, "now": now}
    c.execute(_COPY_ALL, values)
    object_index.copy_all(c, from_collection_id, to_collection_id)
    object_properties.copy_all(c, from_collection_id, to_collection_id)


def _bump(
    c: Connection,
    collection_id: int,
    now: Moment,
    *,
    added: int = 0,
    arrives: tuple[int, str] | None = None,
    leaves: str = "",
) -> tuple[int, bool, bool]:
    """Count a change of the collection, whose size changes by `added` octets, the object `arrives` of another
    collection and its own object `leaves`; with it goes whether there is one called `leaves`, and whether one of this
    name was deleted. Raises NotFound when the collection is gone."""
    from_inside, from_called = arrives or (collection_id, "")
    values = {
        "inside": collection_id,
        "called": leaves,
        "from_inside": from_inside,
        "from_called": from_called,
        "added": added,
        "now": now,
    }
    row = _BUMP.first(c, values)
    if row is None:
        raise NotFound("the collection does not exist")
    return int(row[0]), bool(row[1]), bool(row[2])


def _store(c: Connection, collection_id: int, new: NewObject, change: int, now: Moment) -> StoredObject:
    stored = StoredObject(
        new.name, new.uid, new.etag, new.component, len(new.octets), new.starts, new.ends, change, now, new.octets
    )
    row = _PUT.first(
        c,
        {
            "inside": collection_id,
            "called": stored.name,
            "own_uid": stored.uid,
            "new_etag": stored.etag,
            "new_component": stored.component,
            "new_size": stored.size,
            "new_starts": stored.starts,
            "new_ends": stored.ends,
            "new_change": change,
            "new_modified_at": now,
            "new_octets": stored.octets,
        },
    )
    if row is None:
        _refuse_second_uid(c, collection_id, stored.uid, stored.name)
    return stored


def _refuse_second_uid(c: Connection, collection_id: int, uid: str, name: str) -> None:
    holder = c.execute(_HOLDER, {"inside": collection_id, "own_uid": uid, "called": name}).scalar_one_or_none()
    if holder is not None:
        raise UidConflict(holder)


def _bury(c: Connection, collection_id: int, name: str, change: int) -> None:
    _BURY.change(c, {"collection_id": collection_id, "name": name, "change": change})
