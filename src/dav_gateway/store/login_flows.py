"""Rows of `login_flow`. Each change of state is one UPDATE that names the state before it, so that of two at once on
either engine exactly one happens. The texts behind the digests are never stored."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from dav_gateway.core.login_flow import Flow, FlowState
from dav_gateway.core.moment import Moment
from dav_gateway.store.page_tables import login_flow

_OPEN = (FlowState.STARTED.value, FlowState.APPROVED.value)
_FIELDS = [login_flow.c[name] for name in Flow.__slots__]
_ADD = insert(login_flow).returning(*_FIELDS)
_BY_LOGIN = select(*_FIELDS).where(login_flow.c.login_digest == bindparam("digest"))
_BY_POLL = select(*_FIELDS).where(login_flow.c.poll_digest == bindparam("digest"))
_COUNT = select(func.count()).where(login_flow.c.state.in_(_OPEN), login_flow.c.expires_at > bindparam("now"))
_COUNT_HERE = _COUNT.where(login_flow.c.origin_prefix == bindparam("prefix"))
_DECIDE = (
    update(login_flow)
    .where(
        login_flow.c.login_digest == bindparam("digest"),
        login_flow.c.state == FlowState.STARTED.value,
        login_flow.c.expires_at > bindparam("now"),
    )
    .values(
        state=bindparam("decision"),
        account_id=bindparam("decider"),
        wish=bindparam("approved_wish"),
        decided_at=bindparam("now"),
    )
    .returning(*_FIELDS)
)
_COLLECT = (
    update(login_flow)
    .where(
        login_flow.c.poll_digest == bindparam("digest"),
        login_flow.c.state == FlowState.APPROVED.value,
        login_flow.c.expires_at > bindparam("now"),
    )
    .values(state=FlowState.COLLECTED.value, collected_at=bindparam("now"), credential_id=bindparam("credential"))
    .returning(*_FIELDS)
)
_EXPIRE = (
    update(login_flow)
    .where(login_flow.c.state.in_(_OPEN), login_flow.c.expires_at <= bindparam("now"))
    .values(state=FlowState.EXPIRED.value)
    .returning(*_FIELDS)
)
_FORGET = delete(login_flow).where(login_flow.c.state.not_in(_OPEN), login_flow.c.expires_at < bindparam("before"))


def add(
    c: Connection, *, poll_digest: str, login_digest: str, client: str, address: str, prefix: str, now: Moment,
    expires_at: Moment,
) -> Flow:  # fmt: skip
    """A new flow in the state `started`. `prefix` is what counts as one origin."""
    values = {
        "state": FlowState.STARTED.value,
        "client": client,
        "address": address,
        "created_at": now,
        "expires_at": expires_at,
        "origin_prefix": prefix,
        "poll_digest": poll_digest,
        "login_digest": login_digest,
    }
    return _flow(c.execute(_ADD, values).one())


def by_login(c: Connection, digest: str) -> Flow | None:
    """The flow of this login digest, in whatever state."""
    return _maybe(c.execute(_BY_LOGIN, {"digest": digest}).first())


def by_poll(c: Connection, digest: str) -> Flow | None:
    """The flow of this poll digest, in whatever state."""
    return _maybe(c.execute(_BY_POLL, {"digest": digest}).first())


def open_count(c: Connection, now: Moment, prefix: str | None = None) -> int:
    """How many flows wait for a person or a poll: all, or those of one origin."""
    if prefix is None:
        return c.execute(_COUNT, {"now": now}).scalar_one()
    return c.execute(_COUNT_HERE, {"now": now, "prefix": prefix}).scalar_one()


def approve(c: Connection, digest: str, account_id: int, wish: str, now: Moment) -> Flow | None:
    """Approve a flow that is open; None when it is not."""
    decision = {"decision": FlowState.APPROVED.value, "decider": account_id, "approved_wish": wish}
    return _maybe(c.execute(_DECIDE, {"digest": digest, "now": now, **decision}).first())


def deny(c: Connection, digest: str, account_id: int, now: Moment) -> Flow | None:
    """Deny a flow that is open; None when it is not."""
    decision = {"decision": FlowState.DENIED.value, "decider": account_id, "approved_wish": None}
    return _maybe(c.execute(_DECIDE, {"digest": digest, "now": now, **decision}).first())


def collect(c: Connection, digest: str, credential_id: str, now: Moment) -> Flow | None:
    """Claim an approved flow for the one collection; None when it is not approved, or collected or expired."""
    return _maybe(c.execute(_COLLECT, {"digest": digest, "now": now, "credential": credential_id}).first())


def expire(c: Connection, now: Moment) -> list[Flow]:
    """Mark the flows whose time ran out; each is returned once, however many processes ask."""
    return [_flow(row) for row in c.execute(_EXPIRE, {"now": now})]


def forget(c: Connection, before: Moment) -> int:
    """Delete ended flows that expired before a moment, and return how many: the audit keeps what happened."""
    return c.execute(_FORGET, {"before": before}).rowcount


def _maybe(row: Sequence[Any] | None) -> Flow | None:
    return None if row is None else _flow(row)


def _flow(row: Sequence[Any]) -> Flow:
    return Flow(row[0], FlowState(row[1]), *row[2:])
