"""Signing in to the page with the main password. An app password is nothing here: only the account's verifier counts.

An account that does not exist costs the work of one that does. Failures are counted for the address and for the pair of
login and address. Where that pair is used up nothing is checked for a while, or an invented password would be guessed;
no account is ever locked, because from any other address its owner signs in as always. An address that is used up gets
one check at a time, so that somebody who guesses does not keep everybody behind the same address out.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.moment import MINUTE, SECOND, Moment
from dav_gateway.service.hashing import Hashing
from dav_gateway.service.throttle import Allowance, Throttle
from dav_gateway.service.web_sessions import Visit, WebSessions
from dav_gateway.store import accounts, audit, web_sessions
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database
from dav_gateway.store.web_sessions import Stage

LONGEST_PASSWORD = 1024

PER_ADDRESS = Allowance(burst=60, interval=10 * SECOND)
"""Many people may share one address."""

PER_LOGIN = Allowance(burst=10, interval=15 * MINUTE // 10)
"""Ten in a quarter of an hour for one login from one address prefix."""


_UNCOUNTED = Allowance(burst=1_000_000, interval=1)
"""What the two throttles leave to each other."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Where a request of the page comes from."""

    address: str
    user_agent: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A session was begun: `value` goes into the cookie; `stage` says whether a second step is still to come."""

    value: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class NotSignedIn:
    """It was wrong, or not looked at. `wait` says for how many seconds this address should rest."""

    wait: int = 0


class SecondStep(Protocol):
    """Whoever knows which accounts need a second step."""

    def is_on(self, connection: Connection, account: Account) -> bool:
        """Whether this account's sign-in has one."""


class OneStep:
    """The SecondStep of a gateway where the main password is enough."""

    def is_on(self, connection: Connection, account: Account) -> bool:  # noqa: ARG002 - the protocol's
        """Never."""
        return False


class SignIn:
    """Begins sessions, and asks again who a person is. Safe for threads."""

    def __init__(
        self,
        database: Database,
        hashing: Hashing,
        sessions: WebSessions,
        clock: Callable[[], Moment],
        *,
        second_step: SecondStep | None = None,
    ) -> None:
        """`hashing` is of passwords that people invent."""
        self._database = database
        self._hashing = hashing
        self._sessions = sessions
        self._clock = clock
        self._addresses = Throttle(clock, address=PER_ADDRESS, credential=_UNCOUNTED)
        self._logins = Throttle(clock, address=_UNCOUNTED, credential=PER_LOGIN)
        self._second_step = second_step or OneStep()

    def with_password(
        self, login: str, password: str, asker: Asker, *, instead_of: Visit | None = None
    ) -> Begun | NotSignedIn:
        """A new session for who knows the account's password; `instead_of`, the browser's old one, ends.

        Raises Overloaded and StoreUnavailable.
        """
        with self._database.read() as connection:
            account = accounts.by_login(connection, login)
        failed = self._check(account, login, password, asker)
        if failed is not None:
            return failed
        assert account is not None, "what does not exist is never proven"
        now = self._clock()
        with self._database.write() as connection:
            stage = Stage.SECOND_STEP if self._second_step.is_on(connection, account) else Stage.SIGNED_IN
            if instead_of is not None:
                web_sessions.end(connection, instead_of.session.digest)
            who = {"address": asker.address, "user_agent": asker.user_agent}
            value = self._sessions.begin(connection, account, stage, **who)
            if stage is Stage.SIGNED_IN:
                audit.append(connection, _event("signed_in", now, account, asker))
        return Begun(value, stage)

    def again(self, visit: Visit, password: str, asker: Asker) -> NotSignedIn | None:
        """Ask who is signed in to prove it again; None when it is proven, and then the session says so."""
        failed = self._check(visit.account, visit.account.name, password, asker)
        if failed is None:
            with self._database.write() as connection:
                web_sessions.identify(connection, visit.session.digest, self._clock())
        return failed

    def _check(self, account: Account | None, login: str, password: str, asker: Asker) -> NotSignedIn | None:
        key = account.name if account else _key(login)
        wait = self._logins.wait(asker.address, key)
        if wait:
            return NotSignedIn(wait)
        rest = self._addresses.wait(asker.address, "")
        if self._is_right(account, password, suspect=rest > 0):
            return None
        self._logins.fail(asker.address, key)
        self._addresses.fail(asker.address, "")
        if rest:
            return NotSignedIn(rest)
        with self._database.write() as connection:
            audit.append(connection, _event("sign_in_failed", self._clock(), account, asker))
        return NotSignedIn()

    def _is_right(self, account: Account | None, password: str, *, suspect: bool) -> bool:
        verifier = account.password_verifier if account and account.active else None
        if len(password) > LONGEST_PASSWORD:
            password, verifier = "", None
        text = unicodedata.normalize("NFKC", password)
        if verifier is None:
            self._hashing.check_nothing(text, suspect=suspect)
            return False
        return self._hashing.check(verifier, text, suspect=suspect)


def _key(login: str) -> str:
    """A login that names nobody, as the throttle counts it; people paste passwords into this field."""
    return blake2b(login.strip().lower().encode("utf-8", "replace"), digest_size=16).hexdigest()


def _event(word: str, now: Moment, account: Account | None, asker: Asker) -> Event:
    name = account.name if account else None
    return Event(now, word, name, None, name, asker.address, None, asker.request_id)
