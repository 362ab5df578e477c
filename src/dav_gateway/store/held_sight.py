"""What a write looks at where others write at the same time: as `sight`, with the collection held against change.

Two statements: one that waits for a row looks at all others as they were before the wait, so the object is read in a
further one. The credential may be read in the first: the lock that makes its answer last is taken before.
"""

from sqlalchemy import Connection, bindparam, select

from dav_gateway.core.scope import Resource, is_directory
from dav_gateway.store import accounts, collections, credentials, object_reads
from dav_gateway.store.object_tables import collection
from dav_gateway.store.prepared import Prepared
from dav_gateway.store.schema import account, credential
from dav_gateway.store.sight import Sight

_CREDENTIAL = len(credential.c)
_OWNER = _CREDENTIAL + len(account.c)


def _statement(*, company: bool) -> Prepared:
    whose = collection.c.account_id.is_(None) if company else collection.c.account_id == account.c.id
    return Prepared(
        select(*credential.c, *account.c, *collection.c)
        .join_from(credential, account, account.c.id == credential.c.account_id)
        .join(collection, whose)
        .where(
            credential.c.id == bindparam("credential_id"),
            collection.c.home == bindparam("home"),
            collection.c.name == bindparam("collection_name"),
        )
        .with_for_update(key_share=True, of=collection)
    )


_OWN, _COMPANY = _statement(company=False), _statement(company=True)


def look(c: Connection, credential_id: str, resource: Resource, *, most_octets: int | None = None) -> Sight | None:
    """As `sight.look`, and the collection stays as it is until the transaction ends: see `collections.lock`."""
    assert resource.home is not None, "only calendars, address books and what they hold are looked at"
    values = {"credential_id": credential_id, "home": resource.home.value, "collection_name": resource.collection}
    row = (_COMPANY if is_directory(resource) else _OWN).first(c, values)
    if row is None:
        alive = credentials.with_owner(c, credential_id)
        return None if alive is None else Sight(*alive)
    held = collections.from_row(row[_OWNER:])
    stored = object_reads.get(c, held.id, resource.name, most_octets=most_octets) if resource.name else None
    return Sight(credentials.from_row(row), accounts.from_row(row[_CREDENTIAL:_OWNER]), held, stored)
