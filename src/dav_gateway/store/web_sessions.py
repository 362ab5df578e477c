"""Rows of `web_session`: who is signed in to the page, known by a digest of the cookie's value and never by the value.

A row that has ended is deleted: what happened stands in the audit.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.store import accounts
from dav_gateway.store.page_tables import web_session
from dav_gateway.store.schema import account


class Stage(StrEnum):
    """How far a sign-in has come. Stored, so values are never renamed."""

    SECOND_STEP = "second-step"
    ENROL = "enrol"
    SIGNED_IN = "signed-in"


@dataclass(frozen=True, slots=True)
class WebSession:
    """One sign-in in one browser. `id` is public; `sign_in` says which proofs were given and when, `again` where asking
    once more stands (both as `core.sign_in_text` writes them)."""

    digest: str = field(repr=False)
    id: str
    account_id: int
    stage: Stage
    created_at: Moment
    seen_at: Moment
    sign_in: str
    again: str | None
    address: str
    user_agent: str


_COLUMNS = len(web_session.c)
_DIGEST = web_session.c.digest == bindparam("digest")
_OWNER = web_session.c.account_id == bindparam("account_id")
_ADD = insert(web_session)
_FIND = (
    select(web_session, account)
    .join(account, account.c.id == web_session.c.account_id)
    .where(web_session.c.digest == bindparam("digest"))
)
_OF_ACCOUNT = select(web_session).where(_OWNER).order_by(web_session.c.seen_at.desc(), web_session.c.id)
_TOUCH = (
    update(web_session)
    .where(web_session.c.digest == bindparam("named"), web_session.c.seen_at < bindparam("at"))
    .values(seen_at=bindparam("at"))
)
_ASK_AGAIN = update(web_session).where(web_session.c.digest == bindparam("named")).values(again=bindparam("text"))
_END = delete(web_session).where(_DIGEST)
_END_NAMED = delete(web_session).where(_OWNER, web_session.c.id == bindparam("session_id"))
_END_ALL = delete(web_session).where(_OWNER, web_session.c.digest != bindparam("except_digest"))
_FORGET = delete(web_session).where(
    or_(web_session.c.seen_at < bindparam("unseen_since"), web_session.c.created_at < bindparam("older_than"))
)


def add(c: Connection, new: WebSession) -> None:
    """Add a session."""
    c.execute(
        _ADD,
        {
            "digest": new.digest,
            "id": new.id,
            "account_id": new.account_id,
            "stage": new.stage.value,
            "created_at": new.created_at,
            "seen_at": new.seen_at,
            "sign_in": new.sign_in,
            "again": new.again,
            "address": new.address,
            "user_agent": new.user_agent,
        },
    )


def find(c: Connection, digest: str) -> tuple[WebSession, Account] | None:
    """The session with this digest and its account as it is now, however old the session is."""
    row = c.execute(_FIND, {"digest": digest}).first()
    if row is None:
        return None
    return WebSession(row[0], row[1], row[2], Stage(row[3]), *row[4:_COLUMNS]), accounts.from_row(row[_COLUMNS:])


def of_account(c: Connection, account_id: int) -> list[WebSession]:
    """Every session of an account, the one seen last first."""
    rows = c.execute(_OF_ACCOUNT, {"account_id": account_id})
    return [WebSession(row[0], row[1], row[2], Stage(row[3]), *row[4:]) for row in rows]


def touch(c: Connection, digest: str, at: Moment) -> None:
    """Say that the session was seen; an older moment changes nothing."""
    c.execute(_TOUCH, {"named": digest, "at": at})


def ask_again(c: Connection, digest: str, text: str | None) -> bool:
    """Keep where asking once more stands, None for nowhere; whether the session was there."""
    return c.execute(_ASK_AGAIN, {"named": digest, "text": text}).rowcount > 0


def end(c: Connection, digest: str) -> bool:
    """Delete one session; whether it was there."""
    return c.execute(_END, {"digest": digest}).rowcount > 0


def end_named(c: Connection, account_id: int, session_id: str) -> bool:
    """Delete the account's session with this public id; whether it was there."""
    if not session_id.isalnum():  # the character 0 is no text to PostgreSQL
        return False
    return c.execute(_END_NAMED, {"account_id": account_id, "session_id": session_id}).rowcount > 0


def end_all(c: Connection, account_id: int, *, except_digest: str = "") -> int:
    """Delete the account's sessions but the one excepted, and return how many."""
    return c.execute(_END_ALL, {"account_id": account_id, "except_digest": except_digest}).rowcount


def forget(c: Connection, *, unseen_since: Moment, older_than: Moment) -> int:
    """Delete what was last seen before the one moment or began before the other, and return how many."""
    return c.execute(_FORGET, {"unseen_since": unseen_since, "older_than": older_than}).rowcount
