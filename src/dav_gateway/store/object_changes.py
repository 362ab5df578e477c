"""What changed in a collection since a sync token, and forgetting what was removed long ago. See `objects`."""

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
    update,
)

from dav_gateway.store.collections import Collection
from dav_gateway.store.errors import SyncTokenTooOld
from dav_gateway.store.object_tables import collection, object_, tombstone
from dav_gateway.store.sync_position import SyncPosition

_CHANGED, _REMOVED, _FORGOTTEN = 0, 1, 2
_MEMBER = object_.c.collection_id == bindparam("collection_id")
_GONE = tombstone.c.collection_id == bindparam("collection_id")


def _is_forgotten(through: str) -> list[ColumnElement[bool]]:
    """Conditions on the collection's row. It is looked at again where the tombstones are, in one snapshot: between the
    statement that showed the collection and this one some may have been forgotten."""
    return [collection.c.id == bindparam("collection_id"), collection.c.oldest > bindparam(through)]


_CHANGES = union_all(
    select(object_.c.name, literal(_CHANGED)).where(
        _MEMBER, object_.c.change > bindparam("change"), object_.c.change <= bindparam("until")
    ),
    select(tombstone.c.name, literal(_REMOVED)).where(
        _GONE, tombstone.c.change > bindparam("change"), tombstone.c.change <= bindparam("until")
    ),
    select(literal(""), literal(_FORGOTTEN)).where(*_is_forgotten("change")),
)
_AFTER_OBJECT = or_(
    object_.c.change > bindparam("change"),
    and_(object_.c.change == bindparam("change"), object_.c.name > bindparam("after")),
)
_AFTER_TOMBSTONE = or_(
    tombstone.c.change > bindparam("change"),
    and_(tombstone.c.change == bindparam("change"), tombstone.c.name > bindparam("after")),
)
_PAGE = (
    union_all(
        select(object_.c.change, object_.c.name, literal(_CHANGED)).where(
            _MEMBER, object_.c.change >= bindparam("change"), object_.c.change <= bindparam("until"), _AFTER_OBJECT
        ),
        select(tombstone.c.change, tombstone.c.name, literal(_REMOVED)).where(
            _GONE,
            tombstone.c.change >= bindparam("change"),
            tombstone.c.change <= bindparam("until"),
            tombstone.c.change > bindparam("removals"),
            _AFTER_TOMBSTONE,
        ),
        select(literal(-1), literal(""), literal(_FORGOTTEN)).where(*_is_forgotten("removals")),
    )
    .order_by(text("1"), text("2"))
    .limit(bindparam("limit"))
)
_MANY_REMOVED = (
    select(tombstone.c.collection_id).group_by(tombstone.c.collection_id).having(func.count() > bindparam("keep"))
)
_NEWEST_TOO_MANY = select(tombstone.c.change).where(_GONE).order_by(tombstone.c.change.desc()).offset(bindparam("keep"))
_OLDEST_SOME = select(tombstone.c.change).where(_GONE).order_by(tombstone.c.change).offset(bindparam("before"))
_AGE = (
    update(collection)
    .where(
        collection.c.id == bindparam("inside"),
        collection.c.oldest < bindparam("through"),
        collection.c.change >= bindparam("through"),
    )
    .values(oldest=bindparam("through"))
)
_FORGET = delete(tombstone).where(
    tombstone.c.collection_id == bindparam("inside"), tombstone.c.change <= bindparam("through")
)


def changes_since(c: Connection, inside: Collection, change: int) -> tuple[list[str], list[str]]:
    """Names changed and names removed after the counter stood at `change` and up to the state that `inside` shows.

    One statement, none when nothing changed; it reads only rows that changed. Raises SyncTokenTooOld when the
    tombstones no longer reach back to `change`, or when it lies in the future.
    """
    if not inside.oldest <= change <= inside.change:
        raise SyncTokenTooOld
    told: tuple[list[str], list[str]] = ([], [])
    if change < inside.change:
        values = {"collection_id": inside.id, "change": change, "until": inside.change}
        for name, what in c.execute(_CHANGES, values):
            if what == _FORGOTTEN:
                raise SyncTokenTooOld
            told[what].append(name)
    return told


def page_of_changes(
    c: Connection, inside: Collection, position: SyncPosition, limit: int
) -> tuple[list[str], list[str], SyncPosition | None]:
    """The next `limit` changes after `position`, oldest first, up to the state that `inside` shows: names changed,
    names removed, and the position behind them, None when nothing is left. One statement. Raises SyncTokenTooOld as
    `changes_since`."""
    values = {
        "collection_id": inside.id,
        "change": position.change if position.name else position.change + 1,
        "after": position.name,
        "until": inside.change,
        "removals": position.removals,
        "limit": limit + 1,
    }
    rows = list(c.execute(_PAGE, values))
    page = rows[:limit]
    if rows and rows[0][2] == _FORGOTTEN:
        raise SyncTokenTooOld
    changed = [name for _, name, what in page if what == _CHANGED]
    removed = [name for _, name, what in page if what == _REMOVED]
    if len(rows) <= limit:
        return changed, removed, None
    change, name, _ = page[-1]
    return changed, removed, SyncPosition(change, position.removals, name)


def with_many_removed(c: Connection, keep: int) -> list[int]:
    """The collections that have more than `keep` tombstones."""
    return list(c.execute(_MANY_REMOVED, {"keep": keep}).scalars())


def forget_some_removed(c: Connection, collection_id: int, keep: int, most: int) -> int:
    """Drop the oldest tombstones of a collection but the newest `keep`, about `most` of them (all of one change go
    together), and return how many: 0 when there are no more than `keep`."""
    newest = c.execute(_NEWEST_TOO_MANY.limit(1), {"collection_id": collection_id, "keep": keep}).scalar()
    if newest is None:
        return 0
    some = c.execute(_OLDEST_SOME.limit(1), {"collection_id": collection_id, "before": most - 1}).scalar()
    return forget_removed(c, collection_id, newest if some is None else min(newest, some))


def forget_removed(c: Connection, collection_id: int, through: int) -> int:
    """Drop the tombstones up to and including change `through`, and return how many; sync tokens older than that are
    refused from then on. Nothing happens when `through` is ahead of the collection."""
    if c.execute(_AGE, {"inside": collection_id, "through": through}).rowcount == 0:
        return 0
    return c.execute(_FORGET, {"inside": collection_id, "through": through}).rowcount
