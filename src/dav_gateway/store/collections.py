"""Rows of `collection`: calendars and address books, each with one counter that every change stamps.

Etag, ctag and sync token of a collection are its incarnation and that counter, so a poll reads one row. The incarnation
is random: a collection that was deleted and made again refuses the sync tokens of the old one.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import EMPLOYEES, Scope
from dav_gateway.store.columns import dump_json
from dav_gateway.store.dialects import insert_or_nothing
from dav_gateway.store.errors import CollectionExists, SyncTokenTooOld
from dav_gateway.store.object_tables import collection

SYNC_TOKEN_PREFIX = "data:,"  # noqa: S105 - RFC 6578 section 4: a URI; this kind names nothing that could be fetched


@dataclass(frozen=True, slots=True)
class Collection:
    """One row of `collection`. `account_id` None is the company directory's; `components` is empty for address books;
    `properties` maps WebDAV properties in Radicale's spelling ("D:displayname") to text. `size` is that of its objects,
    in octets."""

    id: int
    account_id: int | None
    home: Scope
    name: str
    incarnation: str
    components: tuple[str, ...]
    properties: dict[str, str] = field(hash=False)
    change: int
    oldest: int
    created_at: Moment
    modified_at: Moment
    size: int = 0

    @property
    def etag(self) -> str:
        """The entity tag of the collection, which is its ctag too."""
        return f'"{self.incarnation}-{self.change}"'

    @property
    def sync_token(self) -> str:
        """The sync token of this state (RFC 6578 section 4)."""
        return f"{SYNC_TOKEN_PREFIX}{self.incarnation}:{self.change}"

    def change_at(self, sync_token: str) -> int:
        """The counter that `sync_token` stands for; raises SyncTokenTooOld unless it is one of this collection that can
        still be answered."""
        head, _, counter = sync_token.rpartition(":")
        known = head == SYNC_TOKEN_PREFIX + self.incarnation and counter.isascii() and counter.isdigit()
        if not known or len(counter) > len(str(self.change)) or not self.oldest <= int(counter) <= self.change:
            raise SyncTokenTooOld
        return int(counter)


_OWNED = (collection.c.account_id == bindparam("account_id"), collection.c.home == bindparam("home"))
_COMPANY = (collection.c.account_id.is_(None), collection.c.home == bindparam("home"))
_NAME = collection.c.name == bindparam("name")
_ID = collection.c.id == bindparam("collection_id")

_IN_HOME = select(collection).where(*_OWNED).order_by(collection.c.name)
_FIND = select(collection).where(*_OWNED, _NAME)
_FIND_COMPANY = select(collection).where(*_COMPANY, _NAME)
_GET = select(collection).where(_ID)
_LOCK = (
    select(collection)
    .where(collection.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(collection.c.id)
    .with_for_update(key_share=True)
)
_CREATE = insert_or_nothing(collection, collection.c)
_RENAME = update(collection).where(_ID).values(name=bindparam("called"), modified_at=bindparam("now"))
_REMOVE = delete(collection).where(_ID)
_TOTAL_SIZE = select(func.coalesce(func.sum(collection.c.size), 0)).where(
    collection.c.account_id == bindparam("account_id")
)
_COUNT = select(func.count()).where(collection.c.account_id == bindparam("account_id"))
_SET_PROPERTIES = (
    update(collection)
    .where(_ID)
    .values(change=collection.c.change + 1, modified_at=bindparam("now"), properties=bindparam("text"))
    .returning(collection)
)


def from_row(row: Sequence[Any]) -> Collection:
    """The Collection of a row that holds the columns of `collection` in the order of the table."""
    identity, account_id, home, name, incarnation, components, properties, *rest = row
    return Collection(
        identity,
        account_id,
        Scope(home),
        name,
        incarnation,
        tuple(components.split(",")) if components else (),
        json.loads(properties),
        *rest,
    )


def in_home(c: Connection, account_id: int, home: str) -> list[Collection]:
    """The account's own collections in a home, by name; the company directory is not among them."""
    return [from_row(row) for row in c.execute(_IN_HOME, {"account_id": account_id, "home": home})]


def find(c: Connection, account_id: int | None, home: str, name: str) -> Collection | None:
    """The collection of this address; `account_id` None finds the company's."""
    row = c.execute(
        _FIND_COMPANY if account_id is None else _FIND, {"account_id": account_id, "home": home, "name": name}
    ).first()
    return None if row is None else from_row(row)


def directory(c: Connection) -> Collection | None:
    """The company directory, None until it is made."""
    return find(c, None, Scope.CONTACTS, EMPLOYEES)


def get(c: Connection, collection_id: int) -> Collection | None:
    """The collection with this internal id."""
    row = c.execute(_GET, {"collection_id": collection_id}).first()
    return None if row is None else from_row(row)


def lock(c: Connection, collection_ids: Iterable[int]) -> list[Collection]:
    """The collections as they are now, by id, held against change until the transaction ends; those gone are missing.

    A writer that decides by what it reads (If-Match, a target that must not exist) locks first and reads then: on
    PostgreSQL two writers would otherwise both see the old state. The order of ids keeps two MOVEs from a deadlock.
    """
    return [from_row(row) for row in c.execute(_LOCK, {"ids": sorted(set(collection_ids))})]


def create(
    c: Connection,
    *,
    account_id: int | None,
    home: str,
    name: str,
    components: Iterable[str],
    properties: Mapping[str, str],
    now: Moment,
) -> Collection:
    """Make an empty collection. Raises CollectionExists."""
    values = {
        "account_id": account_id,
        "home": home,
        "name": name,
        "incarnation": secrets.token_hex(8),
        "components": ",".join(components),
        "properties": dump_json(properties),
        "change": 0,
        "oldest": 0,
        "created_at": now,
        "modified_at": now,
        "size": 0,
    }
    row = c.execute(_CREATE, values).first()
    if row is None:
        raise CollectionExists(name)
    return from_row(row)


def rename(c: Connection, collection_id: int, name: str, now: Moment) -> None:
    """Give the collection another name in its home; it stays the same collection, with its sync tokens. Raises
    CollectionExists, which leaves the transaction usable, and NotFound."""
    try:
        with c.begin_nested():
            renamed = c.execute(_RENAME, {"collection_id": collection_id, "called": name, "now": now}).rowcount
    except IntegrityError as error:
        raise CollectionExists(name) from error
    if not renamed:
        raise NotFound("the collection does not exist")


def remove(c: Connection, collection_id: int) -> bool:
    """Delete the collection with its objects and tombstones; False when it was gone already."""
    return c.execute(_REMOVE, {"collection_id": collection_id}).rowcount > 0


def total_size(c: Connection, account_id: int) -> int:
    """Octets in all collections of the account: one row for each collection is read, none for an object."""
    return int(c.execute(_TOTAL_SIZE, {"account_id": account_id}).scalar_one())


def count(c: Connection, account_id: int) -> int:
    """How many calendars and address books the account has."""
    return int(c.execute(_COUNT, {"account_id": account_id}).scalar_one())


def set_properties(c: Connection, collection_id: int, properties: Mapping[str, str], now: Moment) -> Collection:
    """Replace all properties, which counts as a change. Raises NotFound."""
    values = {"collection_id": collection_id, "text": dump_json(properties), "now": now}
    row = c.execute(_SET_PROPERTIES, values).first()
    if row is None:
        raise NotFound("the collection does not exist")
    return from_row(row)
