"""Rows of `api_key`. A row is never deleted: a revoked one stays as history. The text of a key is not stored."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from dav_gateway.core.api_key import ApiKey, ApiScope
from dav_gateway.core.moment import Moment
from dav_gateway.store.page_tables import api_key

_FIELDS = [api_key.c[name] for name in ApiKey.__slots__]
_ADD = insert(api_key).returning(*_FIELDS)
_BY_DIGEST = select(*_FIELDS).where(api_key.c.digest == bindparam("wanted"))
_EVERY = select(*_FIELDS).order_by(api_key.c.id)
_REVOKE = (
    update(api_key)
    .where(api_key.c.id == bindparam("key_id"), api_key.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"), revoked_by=bindparam("by"))
    .returning(*_FIELDS)
)


def add(c: Connection, *, digest: str, name: str, scopes: Collection[ApiScope], by: str, now: Moment) -> ApiKey:
    """A new key."""
    words = " ".join(scope.value for scope in ApiScope if scope in scopes)
    values = {"digest": digest, "name": name, "scopes": words, "created_at": now, "created_by": by}
    return _key(c.execute(_ADD, values).one())


def by_digest(c: Connection, digest: str) -> ApiKey | None:
    """The key of this digest, revoked or not."""
    row = c.execute(_BY_DIGEST, {"wanted": digest}).first()
    return None if row is None else _key(row)


def every(c: Connection) -> list[ApiKey]:
    """All keys, revoked ones too, oldest first."""
    return [_key(row) for row in c.execute(_EVERY)]


def revoke(c: Connection, key_id: int, by: str, now: Moment) -> ApiKey | None:
    """Revoke a key; None when there is none of this id that is alive."""
    row = c.execute(_REVOKE, {"key_id": key_id, "by": by, "now": now}).first()
    return None if row is None else _key(row)


def _key(row: Sequence[Any]) -> ApiKey:
    return ApiKey(row[0], row[1], frozenset(ApiScope(word) for word in row[2].split()), *row[3:])
