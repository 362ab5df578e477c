"""Rows of `receipt`: what each revocation ended, who acknowledged it, and when it first refused somebody."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, insert, select, update

from dav_gateway.core.moment import Moment
from dav_gateway.store.columns import dump_json
from dav_gateway.store.cut_tables import receipt, receipt_credential

Row = tuple[str, str, int, int, int]
"""One acknowledgement: member, how, milliseconds after the decision's commit, connections, running requests."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A credential of a receipt, and its first refused request since, if there was one."""

    credential_id: str
    at: Moment | None
    client: str | None


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """One revocation. `done_at`: the last byte could have gone out until then."""

    id: int
    decided_at: Moment
    done_at: Moment
    actor: str | None
    connections: int
    requests: int
    acknowledgements: tuple[Row, ...]
    refused: tuple[Refused, ...]


_ADD = insert(receipt)
_ADD_CREDENTIALS = insert(receipt_credential)
_OF = select(receipt).where(receipt.c.id == bindparam("id"))
_LATEST = select(func.max(receipt_credential.c.receipt_id)).where(
    receipt_credential.c.credential_id == bindparam("credential")
)
_CREDENTIALS_OF = (
    select(
        receipt_credential.c.credential_id,
        receipt_credential.c.first_refused_at,
        receipt_credential.c.first_refused_client,
    )
    .where(receipt_credential.c.receipt_id == bindparam("id"))
    .order_by(receipt_credential.c.credential_id)
)
_NOTE = (
    update(receipt_credential)
    .where(
        receipt_credential.c.credential_id == bindparam("credential"),
        receipt_credential.c.receipt_id == _LATEST.scalar_subquery(),
        receipt_credential.c.first_refused_at.is_(None),
    )
    .values(first_refused_at=bindparam("at"), first_refused_client=bindparam("client"))
)


def add(
    c: Connection,
    credential_ids: Sequence[str],
    *,
    decided_at: Moment,
    done_at: Moment,
    actor: str | None,
    connections: int,
    requests: int,
    acknowledgements: Sequence[Row],
) -> int:
    """Record a revocation; its number."""
    values = {
        "decided_at": decided_at,
        "done_at": done_at,
        "actor": actor,
        "connections": connections,
        "requests": requests,
        "acknowledgements": dump_json(acknowledgements),
    }
    number = int(c.execute(_ADD.returning(receipt.c.id), values).scalar_one())
    rows = [{"receipt_id": number, "credential_id": credential_id} for credential_id in credential_ids]
    c.execute(_ADD_CREDENTIALS, rows)
    return number


def latest(c: Connection, credential_id: str) -> StoredReceipt | None:
    """The newest receipt that is about this credential."""
    number = c.execute(_LATEST, {"credential": credential_id}).scalar()
    return None if number is None else get(c, number)


def get(c: Connection, number: int) -> StoredReceipt | None:
    """The receipt of this number."""
    row = c.execute(_OF, {"id": number}).one_or_none()
    if row is None:
        return None
    refused = tuple(Refused(*each) for each in c.execute(_CREDENTIALS_OF, {"id": number}))
    acknowledgements = tuple(tuple(each) for each in json.loads(row.acknowledgements))
    return StoredReceipt(
        id=row.id,
        decided_at=row.decided_at,
        done_at=row.done_at,
        actor=row.actor,
        connections=row.connections,
        requests=row.requests,
        acknowledgements=acknowledgements,
        refused=refused,
    )


def note_refused(c: Connection, credential_id: str, at: Moment, client: str) -> None:
    """A request was refused: the first one since the credential's newest receipt is remembered there."""
    c.execute(_NOTE, {"credential": credential_id, "at": at, "client": client})
