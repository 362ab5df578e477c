"""Rows of `recovery_code`: digests, and when each was used."""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from dav_gateway.core.moment import Moment
from dav_gateway.store.identity_tables import recovery_code

_OF_ACCOUNT = recovery_code.c.account_id == bindparam("account")
_FORGET = delete(recovery_code).where(_OF_ACCOUNT)
_ADD = insert(recovery_code)
_USE = (
    update(recovery_code)
    .where(_OF_ACCOUNT, recovery_code.c.digest == bindparam("of_digest"), recovery_code.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
)
_LEFT = select(func.count()).where(_OF_ACCOUNT, recovery_code.c.used_at.is_(None))
_KNOWN = select(recovery_code.c.digest).where(_OF_ACCOUNT, recovery_code.c.digest == bindparam("of_digest"))


def replace(c: Connection, account_id: int, digests: Iterable[str], now: Moment) -> None:
    """Forget every code of the account and keep these instead; none: the account has no codes."""
    c.execute(_FORGET, {"account": account_id})
    rows = [{"account_id": account_id, "digest": digest, "created_at": now, "used_at": None} for digest in digests]
    if rows:
        c.execute(_ADD, rows)


def use(c: Connection, account_id: int, digest: str, now: Moment) -> bool:
    """Use a code up; False when there is none such or it was used: of two at once, one wins."""
    return c.execute(_USE, {"account": account_id, "of_digest": digest, "at": now}).rowcount == 1


def is_known(c: Connection, account_id: int, digest: str) -> bool:
    """Whether the account has this code, used or not."""
    return c.execute(_KNOWN, {"account": account_id, "of_digest": digest}).first() is not None


def left(c: Connection, account_id: int) -> int:
    """How many codes are not used yet."""
    return int(c.execute(_LEFT, {"account": account_id}).scalar_one())
