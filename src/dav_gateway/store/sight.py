"""What most requests look at, in one statement: the credential, its owner, a collection of theirs, an object in it or
what changed in it.

One statement has one snapshot on either engine, so what is told is what was there while the credential was alive.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, select

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential
from dav_gateway.core.scope import Resource, is_directory
from dav_gateway.store import accounts, collections, credentials
from dav_gateway.store.collections import Collection
from dav_gateway.store.object_reads import EVERYTHING, FITTING, HEAD
from dav_gateway.store.object_rows import StoredObject
from dav_gateway.store.object_tables import collection, object_, tombstone
from dav_gateway.store.prepared import Prepared, Row
from dav_gateway.store.schema import account, credential


class Changes(NamedTuple):
    """What changed in a collection after its counter stood at `since`: objects by name, without their octets, and the
    names of those removed."""

    since: int
    changed: list[StoredObject]
    removed: list[str]


class Sight(NamedTuple):
    """The rows of one request; None for what does not exist or was not asked for. `object` is without its octets when
    they are more than were asked for; `changes` is None also when they are not few."""

    credential: Credential
    owner: Account
    collection: Collection | None = None
    object: StoredObject | None = None
    changes: Changes | None = None


_CREDENTIAL = len(credential.c)
_OWNER = _CREDENTIAL + len(account.c)
_COLLECTION = _OWNER + len(collection.c)
_HEAD = _COLLECTION + len(HEAD)
MOST_CHANGES = 64
"""Changes are read with the credential up to so many; a device that polls has seldom more to hear of."""
_NAMED = and_(collection.c.home == bindparam("home"), collection.c.name == bindparam("collection_name"))
_ALIVE = credential.c.id == bindparam("credential_id")
_OBJECT = and_(object_.c.collection_id == collection.c.id, object_.c.name == bindparam("object_name"))
_CHANGED, _REMOVED = (
    and_(
        table.c.collection_id == collection.c.id,
        table.c.change > bindparam("since"),
        table.c.change <= bindparam("until"),
    )
    for table in (object_, tombstone)
)


def _statements(*, company: bool) -> tuple[Prepared, Prepared, Prepared]:
    """The statement that looks as far as the collection, the one that looks at an object in it, and the one that looks
    at what changed: each object beside each removal, which are few of either, so that no table is looked at twice.
    With an end to what is looked for PostgreSQL knows that it is little; without one it read the table of all objects.
    """
    whose = collection.c.account_id.is_(None) if company else collection.c.account_id == account.c.id
    owned = credential.join(account, account.c.id == credential.c.account_id)
    inside = owned.outerjoin(collection, and_(whose, _NAMED))
    columns = [*credential.c, *account.c, *collection.c]
    changes = inside.outerjoin(object_, _CHANGED).outerjoin(tombstone, _REMOVED)
    return (
        Prepared(select(*columns).select_from(inside).where(_ALIVE)),
        Prepared(select(*columns, *HEAD, FITTING).select_from(inside.outerjoin(object_, _OBJECT)).where(_ALIVE)),
        Prepared(
            select(*columns, *HEAD, tombstone.c.name).select_from(changes).where(_ALIVE).limit(bindparam("limit"))
        ),
    )


_OWN, _COMPANY = _statements(company=False), _statements(company=True)


class Question(NamedTuple):
    """A statement with its parameters; `read` makes a Sight of its rows, None of none."""

    statement: Prepared
    values: Mapping[str, object]
    since: int | None = None

    def read(self, rows: Sequence[Row]) -> Sight | None:
        if not rows:
            return None
        return _read(rows[0]) if self.since is None else _with_changes(rows, self.since)


def look(
    c: Connection,
    credential_id: str,
    resource: Resource,
    *,
    most_octets: int | None = None,
    since: int | None = None,
) -> Sight | None:
    """The credential with this public id, alive or not, its owner, and what the owner has at `resource`, a collection
    or an object; of a collection also what changed after its counter stood at `since`. Whether the credential may see
    it is for the caller to ask. None when there is no such credential."""
    asked = question(credential_id, resource, most_octets=most_octets, since=since)
    return asked.read(asked.statement.all(c, asked.values))


def question(
    credential_id: str, resource: Resource, *, most_octets: int | None = None, since: int | None = None
) -> Question:
    """What `look` asks the database, for who asks it otherwise."""
    home = resource.home
    assert home is not None, "only calendars, address books and what they hold are looked at"
    of_collection, of_object, of_changes = _COMPANY if is_directory(resource) else _OWN
    values = {"credential_id": credential_id, "home": home.value, "collection_name": resource.collection}
    if not resource.name and since is not None:
        some = {"since": since, "until": since + MOST_CHANGES, "limit": MOST_CHANGES + 1}
        return Question(of_changes, {**values, **some}, since)
    if not resource.name:
        return Question(of_collection, values)
    most = EVERYTHING if most_octets is None else most_octets
    return Question(of_object, {**values, "object_name": resource.name, "most": most})


def _read(row: Row) -> Sight:
    held, stored = row[_OWNER:_COLLECTION], row[_COLLECTION:]
    return Sight(
        credentials.from_row(row),
        accounts.from_row(row[_CREDENTIAL:_OWNER]),
        None if held[0] is None else collections.from_row(held),
        None if not stored or stored[0] is None else StoredObject(*stored),
    )


def _with_changes(rows: Sequence[Row], since: int) -> Sight:
    seen = _read(rows[0][:_COLLECTION])
    if len(rows) > MOST_CHANGES or (seen.collection and seen.collection.change > since + MOST_CHANGES):
        return seen
    changed = {row[_COLLECTION]: StoredObject(*row[_COLLECTION:_HEAD]) for row in rows if row[_COLLECTION] is not None}
    removed = dict.fromkeys(row[_HEAD] for row in rows if row[_HEAD] is not None)
    return seen._replace(changes=Changes(since, sorted(changed.values()), [*removed]))
