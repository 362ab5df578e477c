"""Rows of `password_reset`: digests of links that set a new password, an hour and once."""

from sqlalchemy import Connection, bindparam, insert, select, update

from dav_gateway.core.moment import Moment
from dav_gateway.store.identity_tables import password_reset

_USABLE = (
    password_reset.c.used_at.is_(None),
    password_reset.c.expires_at > bindparam("at"),
    password_reset.c.created_at <= bindparam("at"),
)
_DIGEST = password_reset.c.digest == bindparam("of_digest")
_ADD = insert(password_reset)
_FIND = select(password_reset.c.account_id).where(_DIGEST, *_USABLE)
_USE = (
    update(password_reset)
    .where(_DIGEST, *_USABLE)
    .values(used_at=bindparam("at"))
    .returning(password_reset.c.account_id)
)
_VOID = (
    update(password_reset)
    .where(password_reset.c.account_id == bindparam("account"), password_reset.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
)


def add(c: Connection, *, digest: str, account_id: int, made_by: str, now: Moment, expires_at: Moment) -> None:
    """Keep a link."""
    values = {
        "digest": digest,
        "account_id": account_id,
        "made_by": made_by,
        "created_at": now,
        "expires_at": expires_at,
        "used_at": None,
    }
    c.execute(_ADD, values)


def find(c: Connection, digest: str, now: Moment) -> int | None:
    """The account of a link that can be used; nothing is changed."""
    return c.execute(_FIND, {"of_digest": digest, "at": now}).scalar_one_or_none()


def use(c: Connection, digest: str, now: Moment) -> int | None:
    """Use a link up and return its account; None when it cannot be used: of two at once, one wins."""
    return c.execute(_USE, {"of_digest": digest, "at": now}).scalar_one_or_none()


def void(c: Connection, account_id: int, now: Moment) -> None:
    """Make every link of the account worthless."""
    c.execute(_VOID, {"account": account_id, "at": now})
