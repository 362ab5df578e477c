"""Login Flow v2 (Nextcloud developer manual, "Login Flow"; DAVx5 `NextcloudLoginFlow.kt`): start, look, approve or
deny, collect.

A flow is a row, so it outlives a restart and is the same for every process. The two secrets of it are stored as digests
only, and the app password comes into being when it is collected: nothing that could be stolen waits in between.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from dav_gateway.core import one_time
from dav_gateway.core.client_family import families, family_of
from dav_gateway.core.credential import Credential, Origin, Service
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.login_flow import LIFETIME, Flow, FlowState
from dav_gateway.core.moment import DAY, SECOND, Moment
from dav_gateway.core.one_time import OneTimeSecret
from dav_gateway.core.secret import AppPassword
from dav_gateway.service import stored_wish
from dav_gateway.service.first_use import client_text
from dav_gateway.service.issuing import Issuing, issuable, refuse_unknown_collections
from dav_gateway.service.revocation import required_account
from dav_gateway.service.throttle import Allowance, Throttle, prefix_of
from dav_gateway.service.wish import Wish
from dav_gateway.store import accounts, audit, login_flows
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database

STARTS = Allowance(burst=20, interval=6 * SECOND)
"""Starts per address prefix: a whole office may sit behind one address on the day it moves in."""

MOST_OPEN = 5_000
MOST_OPEN_OF_ONE_ORIGIN = 100
_RETRY_LATER = 60


class TooManyFlows(Refusal):
    """No further flow is opened now; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many sign-ins of new devices are waiting; try again shortly")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Started:
    """What the client is told: `poll` for itself, `login` for the browser."""

    poll: OneTimeSecret
    login: OneTimeSecret


@dataclass(frozen=True, slots=True)
class Collected:
    """What the client gets, once."""

    login_name: str
    password: AppPassword
    credential: Credential


class LoginFlow:
    """The flows of one database."""

    def __init__(
        self, database: Database, issuing: Issuing, clock: Callable[[], Moment], choose: Callable[[int], bytes]
    ) -> None:
        """`choose(n)` returns n random bytes, fit for secrets."""
        self._database = database
        self._issuing = issuing
        self._clock = clock
        self._choose = choose
        self._throttle = Throttle(clock, address=STARTS, credential=STARTS)

    def start(self, *, user_agent: str, address: str, request_id: str | None = None) -> Started:
        """Open a flow for the client that `user_agent` names. Raises TooManyFlows."""
        wait = self._throttle.fail(address, "login-flow")
        if wait:
            raise TooManyFlows(wait)
        now, prefix = self._clock(), prefix_of(address)
        poll, login = one_time.make(self._choose), one_time.make(self._choose)
        with self._database.write() as connection:
            self._expire(connection, now)
            if (
                login_flows.open_count(connection, now, prefix) >= MOST_OPEN_OF_ONE_ORIGIN
                or login_flows.open_count(connection, now) >= MOST_OPEN
            ):
                raise TooManyFlows(_RETRY_LATER)
            flow = login_flows.add(
                connection,
                poll_digest=_digest(poll),
                login_digest=_digest(login),
                client=client_text(user_agent),
                address=address,
                prefix=prefix,
                now=now,
                expires_at=Moment(now + LIFETIME),
            )
            audit.append(connection, _event("flow_started", flow, now, request_id=request_id))
        return Started(poll, login)

    def look(self, login: str) -> Flow | None:
        """The flow behind a login address, while it waits for a person; None for every other text. Changes nothing."""
        flow = self.find(login)
        return flow if flow is not None and flow.is_open(self._clock()) else None

    def find(self, login: str) -> Flow | None:
        """The flow behind a login address in whatever state, until it is forgotten. Changes nothing."""
        digest = one_time.digest(login)
        if digest is None:
            return None
        with self._database.read() as connection:
            return login_flows.by_login(connection, digest)

    def approve(self, login: str, account_name: str, wish: Wish, *, address: str | None = None) -> Flow:
        """Let the client of this flow collect an app password of the account; committed when this returns.

        DAVx5 polls once, when the browser comes back, so no page may say "done" before. Raises NotFound when the flow
        is no longer open, and Refusal for what could not be issued.
        """
        now = self._clock()
        wish = replace(wish, origin=Origin.LOGIN_FLOW)
        wish.refuse_impossible(now)
        with self._database.write() as connection:
            account = issuable(connection, required_account(connection, account_name), now, room_for=1)
            refuse_unknown_collections(connection, account, wish, now)
            digest = one_time.digest(login) or ""
            flow = _decided(login_flows.approve(connection, digest, account.id, stored_wish.dump([wish]), now))
            event = _event("flow_approved", flow, now, account=account.name, actor=account.name, by_address=address)
            audit.append(connection, event)
        return flow

    def deny(self, login: str, account_name: str, *, address: str | None = None) -> Flow:
        """Refuse the client of this flow for good. Raises NotFound when the flow is no longer open."""
        now = self._clock()
        with self._database.write() as connection:
            account = required_account(connection, account_name)
            flow = _decided(login_flows.deny(connection, one_time.digest(login) or "", account.id, now))
            event = _event("flow_denied", flow, now, account=account.name, actor=account.name, by_address=address)
            audit.append(connection, event)
        return flow

    def collect(self, poll: str, *, address: str, request_id: str | None = None) -> Collected | None:
        """The app password of an approved flow, made now, exactly once; None for everything else.

        Of two polls at once one gets it: the flow is claimed in the transaction that issues. Raises StoreUnavailable
        and Overloaded; then the flow can still be collected.
        """
        digest = one_time.digest(poll)
        if digest is None:
            return None
        with self._database.read() as connection:
            flow = login_flows.by_poll(connection, digest)
            if flow is None or flow.state is not FlowState.APPROVED or flow.expires_at <= self._clock():
                return None
            assert flow.account_id is not None
            owner = accounts.by_id(connection, flow.account_id)
        assert owner is not None
        assert flow.wish is not None

        def claim(connection: Connection, ids: Sequence[str]) -> None:
            now = self._clock()
            claimed = _decided(login_flows.collect(connection, digest, ids[0], now))
            event = _event("flow_collected", claimed, now, account=owner.name, request_id=request_id)
            audit.append(connection, replace(event, credential_id=ids[0], address=address))

        try:
            [(password, credential)] = self._issuing.issue_all(
                owner.name, stored_wish.load(flow.wish), actor=owner.name, claim=claim
            )
        except Refusal:
            # Collected by another poll meanwhile; or, since the approval, the account was deactivated or filled up.
            return None
        return Collected(owner.name, password, credential)

    def sweep(self) -> None:
        """Write down what expired, and forget what ended a day ago. Raises StoreUnavailable."""
        now = self._clock()
        with self._database.write() as connection:
            self._expire(connection, now)
            login_flows.forget(connection, Moment(now - DAY))

    def _expire(self, connection: Connection, now: Moment) -> None:
        for flow in login_flows.expire(connection, now):
            owner = accounts.by_id(connection, flow.account_id) if flow.account_id is not None else None
            audit.append(connection, _event("flow_expired", flow, now, account=owner.name if owner else None))


def service_of(flow: Flow) -> Service:
    """The service that the client of a flow stands for; `other` when it is none of those that people choose from."""
    name = family_of(flow.client)
    found = [service for family in families() if family.name == name for service in family.services]
    return found[0] if len(found) == 1 else Service.OTHER


def _decided(flow: Flow | None) -> Flow:
    if flow is None:
        raise NotFound("this sign-in is over: begin again on the device")
    return flow


def _digest(made: OneTimeSecret) -> str:
    digest = one_time.digest(made.reveal())
    assert digest is not None, "what was made has the shape of what is presented"
    return digest


def _event(
    word: str,
    flow: Flow,
    now: Moment,
    *,
    account: str | None = None,
    actor: str | None = None,
    by_address: str | None = None,
    request_id: str | None = None,
) -> Event:
    detail = {"flow": flow.id, "client": flow.client}
    address = by_address or flow.address
    return Event(now, word, account, flow.credential_id, actor, address, family_of(flow.client), request_id, detail)
