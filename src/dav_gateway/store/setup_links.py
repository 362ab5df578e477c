"""Rows of `setup_link`. The text behind the digest is never stored."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from dav_gateway.core.moment import Moment
from dav_gateway.core.setup_link import SetupKind, SetupLink
from dav_gateway.store.page_tables import setup_link

_FIELDS = [setup_link.c[name] for name in SetupLink.__slots__]
_ADD = insert(setup_link).returning(*_FIELDS)
_GET = select(*_FIELDS).where(setup_link.c.digest == bindparam("wanted"))
_OPEN = select(func.count()).where(
    setup_link.c.account_id == bindparam("account_id"),
    setup_link.c.redeemed_at.is_(None),
    setup_link.c.expires_at > bindparam("now"),
)
_REDEEM = (
    update(setup_link)
    .where(
        setup_link.c.digest == bindparam("wanted"),
        setup_link.c.redeemed_at.is_(None),
        setup_link.c.expires_at > bindparam("now"),
    )
    .values(redeemed_at=bindparam("now"))
    .returning(*_FIELDS)
)
_FORGET = delete(setup_link).where(setup_link.c.expires_at < bindparam("before"))


def add(
    c: Connection, *, digest: str, account_id: int, kind: SetupKind, wishes: str, now: Moment, expires_at: Moment
) -> SetupLink:
    """A new link."""
    values = {
        "digest": digest,
        "account_id": account_id,
        "kind": kind.value,
        "wishes": wishes,
        "created_at": now,
        "expires_at": expires_at,
    }
    return _link(c.execute(_ADD, values).one())


def get(c: Connection, digest: str) -> SetupLink | None:
    """The link of this digest, in whatever state."""
    row = c.execute(_GET, {"wanted": digest}).first()
    return None if row is None else _link(row)


def open_count(c: Connection, account_id: int, now: Moment) -> int:
    """How many links of the account can still be redeemed."""
    return c.execute(_OPEN, {"account_id": account_id, "now": now}).scalar_one()


def redeem(c: Connection, digest: str, now: Moment) -> SetupLink | None:
    """Claim a link for its one redemption; of two at once, one gets None."""
    row = c.execute(_REDEEM, {"wanted": digest, "now": now}).first()
    return None if row is None else _link(row)


def forget(c: Connection, before: Moment) -> int:
    """Delete the links that expired before a moment, and return how many."""
    return c.execute(_FORGET, {"before": before}).rowcount


def _link(row: Sequence[Any]) -> SetupLink:
    return SetupLink(row[0], row[1], SetupKind(row[2]), *row[3:])
