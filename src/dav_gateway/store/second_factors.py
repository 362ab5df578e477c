"""Rows of `second_factor`: what recognises a person's codes, sealed; which step was used last; how many were wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from dav_gateway.core.moment import Moment
from dav_gateway.store.dialects import insert
from dav_gateway.store.identity_tables import second_factor


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """One row of `second_factor`. It is on once `confirmed_at` is set; `failures` are wrong codes since a right one."""

    account_id: int
    kind: str
    secret: bytes = field(repr=False)
    created_at: Moment
    confirmed_at: Moment | None
    last_step: int
    failures: int
    failed_at: Moment | None


_KEY = (second_factor.c.account_id == bindparam("account"), second_factor.c.kind == bindparam("of_kind"))
_GET = select(second_factor).where(*_KEY)
_LOCK = _GET.with_for_update()
_DELETE = delete(second_factor).where(*_KEY)
_DRAFT = insert(second_factor)
# One that is on is never replaced by a draft: it is turned off first, by someone who proved who they are.
_PUT = _DRAFT.on_conflict_do_update(
    index_elements=["account_id", "kind"],
    set_={
        "secret": _DRAFT.excluded.secret,
        "created_at": _DRAFT.excluded.created_at,
        "last_step": _DRAFT.excluded.last_step,
        "failures": _DRAFT.excluded.failures,
        "failed_at": None,
    },
    where=second_factor.c.confirmed_at.is_(None),
).returning(second_factor.c.account_id)
_CONFIRM = (
    update(second_factor)
    .where(
        *_KEY,
        second_factor.c.secret == bindparam("sealed"),
        second_factor.c.confirmed_at.is_(None),
    )
    .values(confirmed_at=bindparam("at"), last_step=bindparam("step"), failures=0, failed_at=None)
)
_USE = (
    update(second_factor)
    .where(*_KEY, second_factor.c.confirmed_at.is_not(None), second_factor.c.last_step < bindparam("step"))
    .values(last_step=bindparam("step"), failures=0, failed_at=None)
)
_FAIL = update(second_factor).where(*_KEY).values(failures=bindparam("count"), failed_at=bindparam("at"))


def draft(c: Connection, account_id: int, kind: str, secret: bytes, now: Moment) -> bool:
    """Keep a secret that is not confirmed yet, in place of an older draft; False when the factor is on already."""
    values = {
        "account_id": account_id,
        "kind": kind,
        "secret": secret,
        "created_at": now,
        "confirmed_at": None,
        "last_step": 0,
        "failures": 0,
        "failed_at": None,
    }
    return c.execute(_PUT, values).first() is not None


def get(c: Connection, account_id: int, kind: str) -> SecondFactor | None:
    """The account's factor of this kind, on or a draft."""
    return _found(c.execute(_GET, {"account": account_id, "of_kind": kind}).first())


def lock(c: Connection, account_id: int, kind: str) -> SecondFactor | None:
    """As `get`, held against change until the transaction ends: of fifty guesses at once each sees the one before."""
    return _found(c.execute(_LOCK, {"account": account_id, "of_kind": kind}).first())


def confirm(c: Connection, factor: SecondFactor, step: int, now: Moment) -> bool:
    """Turn a draft on, with the step of the code that confirmed it; False when it is not the draft any more."""
    values = {"account": factor.account_id, "of_kind": factor.kind, "sealed": factor.secret, "step": step, "at": now}
    return c.execute(_CONFIRM, values).rowcount == 1


def use(c: Connection, account_id: int, kind: str, step: int) -> bool:
    """Use up a step and forget the failures; False when this or a later step was used: of two at once, one wins."""
    return c.execute(_USE, {"account": account_id, "of_kind": kind, "step": step}).rowcount == 1


def fail(c: Connection, account_id: int, kind: str, failures: int, now: Moment) -> None:
    """Write how many codes were wrong in a row."""
    c.execute(_FAIL, {"account": account_id, "of_kind": kind, "count": failures, "at": now})


def remove(c: Connection, account_id: int, kind: str) -> bool:
    """Delete the factor; whether there was one."""
    return c.execute(_DELETE, {"account": account_id, "of_kind": kind}).rowcount == 1


def _found(row: Sequence[Any] | None) -> SecondFactor | None:
    return None if row is None else SecondFactor(*row)
