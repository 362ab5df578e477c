"""Rows of `outbox`: the mails that events asked for, written in the transactions of these events.

A row says to whom, about what and the facts; the text is made when it is sent, so nothing stored is secret. `due_at` is
when to try next, and for a row that a process is trying, when another may; NULL when it is settled.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from dav_gateway.core.moment import Moment
from dav_gateway.store.columns import dump_json
from dav_gateway.store.dialects import insert_or_nothing
from dav_gateway.store.page_tables import outbox


@dataclass(frozen=True, slots=True)
class Letter:
    """One row, as its sender sees it. `attempts` counts the one that it is claimed for."""

    id: int
    account_id: int
    kind: str
    detail: Mapping[str, Any]
    created_at: Moment
    attempts: int


_FIELDS = [outbox.c[name] for name in Letter.__slots__]
_ADD = insert_or_nothing(outbox, [outbox.c.id])
_IS_DUE = select(outbox.c.id).where(outbox.c.due_at <= bindparam("now")).limit(1)
# Of several processes each takes other rows (PostgreSQL); on SQLite writers follow each other and the clause is void.
_NEXT = (
    select(outbox.c.id)
    .where(outbox.c.due_at <= bindparam("now"))
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(outbox)
    .where(outbox.c.id == bindparam("letter"))
    .values(lease=bindparam("own"), due_at=bindparam("until"), attempts=outbox.c.attempts + 1)
    .returning(*_FIELDS)
)
_MINE = (outbox.c.id == bindparam("letter"), outbox.c.lease == bindparam("own"))
_SENT = update(outbox).where(*_MINE).values(sent_at=bindparam("now"), due_at=None, lease=None, failure=None)
_LATER = update(outbox).where(*_MINE).values(due_at=bindparam("until"), lease=None, failure=bindparam("why"))
_GIVEN_UP = update(outbox).where(*_MINE).values(due_at=None, lease=None, failure=bindparam("why"))
_FORGET = delete(outbox).where(outbox.c.due_at.is_(None), outbox.c.created_at < bindparam("before"))


def add(
    c: Connection, account_id: int, kind: str, detail: Mapping[str, object], now: Moment, *, once: str | None = None
) -> bool:
    """Ask for a mail; False when one with the same `once` was asked for before."""
    values = {
        "account_id": account_id,
        "kind": kind,
        "detail": dump_json(detail),
        "created_at": now,
        "due_at": now,
        "attempts": 0,
        "lease": None,
        "sent_at": None,
        "failure": None,
        "once": once,
    }
    return c.execute(_ADD, values).first() is not None


def is_due(c: Connection, now: Moment) -> bool:
    """Whether any row waits to be tried now."""
    return c.execute(_IS_DUE, {"now": now}).first() is not None


def claim(c: Connection, lease: str, now: Moment, until: Moment) -> Letter | None:
    """Take the next row that is due; nobody else gets it until the moment `until`."""
    letter = c.execute(_NEXT, {"now": now}).scalar()
    if letter is None:
        return None
    return _letter(c.execute(_CLAIM, {"letter": letter, "own": lease, "until": until}).one())


def sent(c: Connection, letter_id: int, lease: str, now: Moment) -> bool:
    """It is delivered. False when the lease was lost meanwhile."""
    return c.execute(_SENT, {"letter": letter_id, "own": lease, "now": now}).rowcount == 1


def later(c: Connection, letter_id: int, lease: str, until: Moment, why: str) -> bool:
    """It could not be delivered; try again at `until`."""
    return c.execute(_LATER, {"letter": letter_id, "own": lease, "until": until, "why": why}).rowcount == 1


def give_up(c: Connection, letter_id: int, lease: str, why: str) -> bool:
    """It cannot be delivered."""
    return c.execute(_GIVEN_UP, {"letter": letter_id, "own": lease, "why": why}).rowcount == 1


def forget(c: Connection, before: Moment) -> int:
    """Delete settled rows that were asked for before a moment, and return how many."""
    return c.execute(_FORGET, {"before": before}).rowcount


def _letter(row: Sequence[Any]) -> Letter:
    return Letter(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5])
