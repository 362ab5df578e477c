"""Rows of `ceremony`: what the server must remember between two requests of a sign-in, for minutes, and once.

A ceremony is found by the digest of a text that only the browser has. Taking it deletes it: of two answers to one
challenge, one is looked at.
"""

from sqlalchemy import Connection, bindparam, delete, insert, select

from dav_gateway.core.moment import Moment
from dav_gateway.store.identity_tables import ceremony

_ADD = insert(ceremony)
_TAKE = (
    delete(ceremony)
    .where(ceremony.c.digest == bindparam("of_digest"), ceremony.c.kind == bindparam("of_kind"))
    .returning(ceremony.c.account_id, ceremony.c.detail, ceremony.c.expires_at)
)
_LOOK = select(ceremony.c.account_id, ceremony.c.detail).where(
    ceremony.c.digest == bindparam("of_digest"),
    ceremony.c.kind == bindparam("of_kind"),
    ceremony.c.expires_at > bindparam("now"),
)
_ANY_OVER = select(ceremony.c.digest).where(ceremony.c.expires_at <= bindparam("now")).limit(1)
_FORGET = delete(ceremony).where(ceremony.c.expires_at <= bindparam("now"))


def add(
    c: Connection, *, digest: str, kind: str, account_id: int | None, detail: bytes, expires_at: Moment, now: Moment
) -> None:
    """Keep a ceremony, and forget those whose time is over."""
    c.execute(_FORGET, {"now": now})
    values = {"digest": digest, "kind": kind, "account_id": account_id, "detail": detail, "expires_at": expires_at}
    c.execute(_ADD, values)


def take(c: Connection, *, digest: str, kind: str, now: Moment) -> tuple[int | None, bytes] | None:
    """The account and the detail of a ceremony, which is gone after this; None when there is none or it is over."""
    row = c.execute(_TAKE, {"of_digest": digest, "of_kind": kind}).first()
    return None if row is None or row[2] <= now else (row[0], row[1])


def look(c: Connection, *, digest: str, kind: str, now: Moment) -> tuple[int | None, bytes] | None:
    """The account and the detail of a ceremony, which stays; None when there is none or it is over."""
    row = c.execute(_LOOK, {"of_digest": digest, "of_kind": kind, "now": now}).first()
    return None if row is None else (row[0], row[1])


def is_any_over(c: Connection, now: Moment) -> bool:
    """Whether there is something to forget."""
    return c.execute(_ANY_OVER, {"now": now}).first() is not None


def forget(c: Connection, now: Moment) -> int:
    """Delete what is over, and return how many."""
    return c.execute(_FORGET, {"now": now}).rowcount
