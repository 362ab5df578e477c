"""Rows of `oidc_identity`: which subject of which provider is which account."""

from sqlalchemy import Connection, bindparam, delete, select, update

from dav_gateway.core.moment import Moment
from dav_gateway.store.dialects import insert_or_nothing
from dav_gateway.store.identity_tables import oidc_identity

_KEY = (oidc_identity.c.issuer == bindparam("of_issuer"), oidc_identity.c.subject == bindparam("of_subject"))
_FIND = select(oidc_identity.c.account_id).where(*_KEY)
_LINK = insert_or_nothing(oidc_identity, [oidc_identity.c.account_id])
_USE = update(oidc_identity).where(*_KEY).values(last_used_at=bindparam("at"))
_OF_ACCOUNT = (
    select(oidc_identity.c.issuer, oidc_identity.c.subject)
    .where(oidc_identity.c.account_id == bindparam("account"))
    .order_by(oidc_identity.c.created_at)
)
_UNLINK = delete(oidc_identity).where(oidc_identity.c.account_id == bindparam("account"))


def find(c: Connection, issuer: str, subject: str) -> int | None:
    """The account that the subject is linked to."""
    return c.execute(_FIND, {"of_issuer": issuer, "of_subject": subject}).scalar_one_or_none()


def link(c: Connection, issuer: str, subject: str, account_id: int, now: Moment) -> bool:
    """Link a subject to an account; False when it is linked already, to whomever."""
    values = {
        "issuer": issuer,
        "subject": subject,
        "account_id": account_id,
        "created_at": now,
        "last_used_at": now,
    }
    return c.execute(_LINK, values).first() is not None


def note_use(c: Connection, issuer: str, subject: str, now: Moment) -> None:
    """Write when the link was last used."""
    c.execute(_USE, {"of_issuer": issuer, "of_subject": subject, "at": now})


def of_account(c: Connection, account_id: int) -> list[tuple[str, str]]:
    """(issuer, subject) of every link of the account, oldest first."""
    return [(row[0], row[1]) for row in c.execute(_OF_ACCOUNT, {"account": account_id})]


def unlink(c: Connection, account_id: int) -> int:
    """Remove every link of the account; how many there were."""
    return c.execute(_UNLINK, {"account": account_id}).rowcount
