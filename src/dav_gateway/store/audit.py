"""Rows of `audit`: what happened, when, by whom. Append-only: there is no function that changes or deletes a row.

An event holds no secret, verifier or header: `detail` is small and names things by their public ids.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, bindparam, insert

from dav_gateway.core.moment import Moment
from dav_gateway.store.columns import dump_json
from dav_gateway.store.schema import account as owner
from dav_gateway.store.schema import audit, credential


@dataclass(frozen=True, slots=True)
class Event:
    """One row of `audit`. `event` is a word of app-passwords (issued, revoked, refused ...); `account` is the owner's
    name, `actor` who did it; `id` is 0 until it is stored."""

    at: Moment
    event: str
    account: str | None = None
    credential_id: str | None = None
    actor: str | None = None
    address: str | None = None
    client_family: str | None = None
    request_id: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict, hash=False)
    id: int = 0


_APPEND = insert(audit)
_OWNER = (
    sqlalchemy.select(owner.c.name)
    .join(credential, credential.c.account_id == owner.c.id)
    .where(credential.c.id == bindparam("owned"))
)
_APPEND_OWNED = insert(audit).values(account=_OWNER.scalar_subquery())
_COLUMNS = [audit.c[name] for name in Event.__slots__]
_DETAIL = Event.__slots__.index("detail")
# What is collected in memory (refusals, uses) is stored a moment after it happened.
_NEWEST = sqlalchemy.select(*_COLUMNS).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(bindparam("limit"))
_STORED_LAST = sqlalchemy.select(*_COLUMNS).order_by(audit.c.id.desc()).limit(bindparam("limit"))
_OF_ACCOUNT = audit.c.account == bindparam("account")
_OF_CREDENTIAL = audit.c.credential_id == bindparam("credential_id")


def append(c: Connection, *events: Event) -> None:
    """Add events, in this order."""
    rows = [_row(event) for event in events]
    if rows:
        c.execute(_APPEND, rows)


def append_owned(c: Connection, *events: Event) -> None:
    """The same for events of credentials; the account of each is the credential's owner."""
    rows = [{**_row(event), "owned": event.credential_id} for event in events]
    for row in rows:
        del row["account"]
    if rows:
        c.execute(_APPEND_OWNED, rows)


def _row(event: Event) -> dict[str, object]:
    return {
        "at": event.at,
        "event": event.event,
        "account": event.account,
        "credential_id": event.credential_id,
        "actor": event.actor,
        "address": event.address,
        "client_family": event.client_family,
        "request_id": event.request_id,
        "detail": dump_json(event.detail),
    }


def select(
    c: Connection, account: str | None = None, credential_id: str | None = None, limit: int = 100
) -> list[Event]:
    """The newest `limit` events, newest first by `at` and `id`: all, or those of an account, a credential or both."""
    statement = _NEWEST
    if account is not None:
        statement = statement.where(_OF_ACCOUNT)
    if credential_id is not None:
        statement = statement.where(_OF_CREDENTIAL)
    rows = c.execute(statement, {"account": account, "credential_id": credential_id, "limit": limit})
    return [_event(row) for row in rows]


def page(
    c: Connection,
    limit: int,
    *,
    before: int | None = None,
    account: str | None = None,
    credential_id: str | None = None,
) -> list[Event]:
    """The newest `limit` events, the last stored first: all, or those stored before the one with the id `before`, those
    of an account, of a credential. By the primary key or an index, so the cost does not grow with the audit."""
    statement = _STORED_LAST
    if before is not None:
        statement = statement.where(audit.c.id < bindparam("before"))
    if account is not None:
        statement = statement.where(_OF_ACCOUNT)
    if credential_id is not None:
        statement = statement.where(_OF_CREDENTIAL)
    named = {"before": before, "account": account, "credential_id": credential_id, "limit": limit}
    return [_event(row) for row in c.execute(statement, named)]


def recent(c: Connection, events: Sequence[str], limit: int, *, looked_at: int = 5000) -> list[Event]:
    """The newest `limit` events of these words among the last `looked_at` that were stored, newest first: the look of
    an administrator, whose cost does not grow with the audit."""
    newest = sqlalchemy.select(audit).order_by(audit.c.id.desc()).limit(looked_at).subquery()
    columns = [newest.c[name] for name in Event.__slots__]
    statement = sqlalchemy.select(*columns).where(newest.c.event.in_(bindparam("events", expanding=True)))
    statement = statement.order_by(newest.c.at.desc(), newest.c.id.desc()).limit(bindparam("limit"))
    return [_event(row) for row in c.execute(statement, {"events": list(events), "limit": limit})]


def _event(row: Sequence[Any]) -> Event:
    values = list(row)
    values[_DETAIL] = json.loads(values[_DETAIL])
    return Event(*values)
