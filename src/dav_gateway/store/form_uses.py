"""Rows of `form_use`: forms of the page that are good for one use, and the credential that each made."""

from sqlalchemy import Connection, bindparam, delete, select

from dav_gateway.core.moment import Moment
from dav_gateway.store.dialects import insert_or_nothing
from dav_gateway.store.page_tables import form_use

_ADD = insert_or_nothing(form_use, [form_use.c.digest])
_FIND = select(form_use.c.credential_id).where(
    form_use.c.digest == bindparam("digest"), form_use.c.account_id == bindparam("account_id")
)
_FORGET = delete(form_use).where(form_use.c.at < bindparam("before"))


def add(c: Connection, digest: str, account_id: int, credential_id: str, now: Moment) -> bool:
    """Say that the form made this credential; False when it was used before, also by a transaction at this moment."""
    row = {"digest": digest, "account_id": account_id, "credential_id": credential_id, "at": now}
    return c.execute(_ADD, row).first() is not None


def find(c: Connection, digest: str, account_id: int) -> str | None:
    """The id of the credential that the account made with this form."""
    found: str | None = c.execute(_FIND, {"digest": digest, "account_id": account_id}).scalar_one_or_none()
    return found


def forget(c: Connection, before: Moment) -> int:
    """Delete what was used before this moment, and return how many."""
    return c.execute(_FORGET, {"before": before}).rowcount
