"""Sessions of the page: begun by a sign-in, found on every request, ended one by one or all together.

The browser holds a random value and the store its digest, so that who reads the database cannot be anybody. A session
ends when it is idle too long, in any case after a while, and with the account.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from types import MappingProxyType

from sqlalchemy import Connection

from dav_gateway.core import sign_in_text
from dav_gateway.core.account import Account
from dav_gateway.core.moment import DAY, HOUR, MINUTE, Moment
from dav_gateway.core.sign_in import Policy, Proof, SignIn
from dav_gateway.core.sign_in import Stage as SignInStage
from dav_gateway.service.caller import Caller
from dav_gateway.service.first_use import client_text
from dav_gateway.store import web_sessions
from dav_gateway.store.database import Database
from dav_gateway.store.web_sessions import Stage, WebSession

IDLE = 12 * HOUR
"""Without a request for so long a session has ended (OWASP Session Management Cheat Sheet: hours for low risk)."""

ABSOLUTE = 14 * DAY
"""So long after the sign-in it has ended in any case."""

SECOND_STEP = 10 * MINUTE
"""So long a sign-in may wait for its second step, or for a second factor to be set up."""

_SEEN_EVERY = MINUTE
_VALUE_BYTES = 32
_ID_BYTES = 6


_STAGES = MappingProxyType(
    {
        SignInStage.SECOND: Stage.SECOND_STEP,
        SignInStage.ENROL: Stage.ENROL,
        SignInStage.SIGNED_IN: Stage.SIGNED_IN,
    }
)
_ONE_PROOF = frozenset({Proof.PASSWORD, Proof.SINGLE_SIGN_ON})


@dataclass(frozen=True, slots=True)
class Visit:
    """A session that is alive, whose it is, and which proofs were given. `again`: where asking once more stands."""

    session: WebSession
    account: Account
    sign_in: SignIn
    again: SignIn | None = None

    @property
    def signed_in(self) -> bool:
        """Whether every step of the sign-in is done."""
        return self.session.stage is Stage.SIGNED_IN and self.sign_in.stage is SignInStage.SIGNED_IN


class WebSessions:
    """The sessions of all accounts."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], Moment],
        choose: Callable[[int], bytes],
        *,
        policy: Policy = Policy.OPTIONAL,
    ) -> None:
        """`choose(n)` returns n random bytes, fit for secrets; `policy` is the company's about second factors."""
        self._policy = policy
        self._database = database
        self._clock = clock
        self._choose = choose

    def begin(self, c: Connection, account: Account, reached: SignIn, caller: Caller) -> str:
        """Add a session in the caller's transaction, and return the value for the browser. Old ones are forgotten."""
        now = self._clock()
        web_sessions.forget(c, unseen_since=Moment(now - IDLE), older_than=Moment(now - ABSOLUTE))
        value = self._choose(_VALUE_BYTES).hex()
        new = WebSession(
            digest=digest_of(value),
            id=self._choose(_ID_BYTES).hex(),
            account_id=account.id,
            stage=_STAGES[reached.stage],
            created_at=now,
            seen_at=now,
            sign_in=sign_in_text.dump(reached),
            again=None,
            address=caller.address,
            user_agent=client_text(caller.user_agent),
        )
        web_sessions.add(c, new)
        return value

    def replace(self, c: Connection, visit: Visit, reached: SignIn) -> str | None:
        """Give the session of who proved it again another value; it grows no younger. None when it has ended."""
        if not web_sessions.end(c, visit.session.digest):
            return None
        value = self._choose(_VALUE_BYTES).hex()
        text = sign_in_text.dump(reached)
        new = replace(visit.session, digest=digest_of(value), stage=_STAGES[reached.stage], sign_in=text, again=None)
        web_sessions.add(c, replace(new, seen_at=self._clock()))
        return value

    def find(self, value: str, *, touch: bool = True) -> Visit | None:
        """The session of this value, unless it or its account has ended. `touch` False: this is no sign of life."""
        now = self._clock()
        with self._database.read() as connection:
            found = web_sessions.find(connection, digest_of(value))
        if found is None or not found[1].active or not _is_alive(found[0], now):
            return None
        session, account = found
        reached = sign_in_text.load(session.sign_in)
        if self._policy is Policy.REQUIRED and session.stage is Stage.SIGNED_IN and reached.proofs <= _ONE_PROOF:
            return None  # it began before a second factor was required
        if touch and now - session.seen_at >= _SEEN_EVERY:
            with self._database.write() as connection:
                web_sessions.touch(connection, session.digest, now)
        again = None if session.again is None else sign_in_text.load(session.again)
        return Visit(session, account, reached, again)

    def end(self, visit: Visit) -> None:
        """End this session."""
        with self._database.write() as connection:
            web_sessions.end(connection, visit.session.digest)

    def end_named(self, account: Account, session_id: str) -> bool:
        """End the account's session with this public id; whether it was there."""
        with self._database.write() as connection:
            return web_sessions.end_named(connection, account.id, session_id)

    def end_others(self, visit: Visit) -> int:
        """End every session of the account but this one, and return how many."""
        with self._database.write() as connection:
            return web_sessions.end_all(connection, visit.account.id, except_digest=visit.session.digest)

    def of_account(self, account: Account) -> list[WebSession]:
        """The account's sessions that are signed in and alive, the one seen last first."""
        now = self._clock()
        with self._database.read() as connection:
            found = web_sessions.of_account(connection, account.id)
        return [each for each in found if each.stage is Stage.SIGNED_IN and _is_alive(each, now)]


def digest_of(value: str) -> str:
    """What is stored of a random value of 256 bits: it cannot be guessed, so no salt and no slow function is needed."""
    return blake2b(value.encode(), digest_size=32, person=b"web-session").hexdigest()


def _is_alive(session: WebSession, now: Moment) -> bool:
    longest = ABSOLUTE if session.stage is Stage.SIGNED_IN else SECOND_STEP
    return now - session.seen_at < IDLE and now - session.created_at < longest
