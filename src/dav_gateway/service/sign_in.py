"""Signing in to the page step by step: `identity` judges each proof, and what came of it is kept in a session.

Every step that leads on gives the session a new value. What a session says is checked once more, under the account's
lock, in the transaction that begins it: a second factor that is turned on meanwhile, or a session that ends, leaves
nobody signed in.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from dav_gateway.core import sign_in, sign_in_text
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import Moment
from dav_gateway.core.sign_in import PATIENCE, Policy, SignIn, SignInReason, Stage
from dav_gateway.service.caller import Caller
from dav_gateway.service.identity import Outcome
from dav_gateway.service.mail.notices import Notices
from dav_gateway.service.page_services import PageServices
from dav_gateway.service.passkeys import Options
from dav_gateway.service.standings import standing_of
from dav_gateway.service.throttle import BEGUN, Throttle, TooOften
from dav_gateway.service.web_sessions import Visit, WebSessions
from dav_gateway.store import accounts, web_sessions
from dav_gateway.store.database import Database


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a proof. `reason` is None when it led on; `value` is for the cookie, empty where that stays;
    `mark` is for a cookie that outlives the session, so that the next sign-in from this browser is nothing new."""

    stage: Stage
    reason: SignInReason | None = None
    wait: int = 0
    value: str = field(default="", repr=False)
    mark: str = field(default="", repr=False)


class SignIns:
    """Takes proofs and keeps sessions. Safe for threads."""

    def __init__(
        self,
        database: Database,
        page: PageServices,
        sessions: WebSessions,
        clock: Callable[[], Moment],
        *,
        notices: Notices,
        policy: Policy = Policy.OPTIONAL,
    ) -> None:
        """`notices` tells people by mail; `policy` is the company's about second factors."""
        self._database = database
        self._page = page
        self._sessions = sessions
        self._clock = clock
        self._policy = policy
        self._notices = notices
        self._begun = Throttle(clock, address=BEGUN, credential=BEGUN)

    def count_begun(self, caller: Caller) -> None:
        """Count what is about to begin (a passkey's challenge, a visit to the provider, a mail with a link). Each
        writes a row before anybody is known. Raises TooOften."""
        wait = self._begun.fail(caller.address, "ceremony")
        if wait:
            raise TooOften(wait)

    def at(self, visit: Visit | None) -> SignIn:
        """Where this browser stands: a sign-in that goes on, or, for who is signed in, the asking once more."""
        if visit is None:
            return sign_in.begin()
        if not visit.signed_in:
            return visit.sign_in
        asked = visit.again
        if asked is not None and asked.since is not None and 0 <= self._clock() - asked.since < PATIENCE:
            return asked
        return sign_in.again(visit.account.id)

    def with_password(self, visit: Visit | None, login: str, password: str, caller: Caller) -> Step:
        """Begin a sign-in with the main password; the browser's old session ends.

        Raises Overloaded and StoreUnavailable.
        """
        at = sign_in.begin()
        return self._kept(at, self._page.identity.by_password(at, login, password, caller), visit, caller)

    def again_with_password(self, visit: Visit, password: str, caller: Caller) -> Step:
        """The main password of who is signed in, once more."""
        at = sign_in.again(visit.account.id)
        return self._kept(at, self._page.identity.by_password(at, "", password, caller), visit, caller)

    def with_code(self, visit: Visit, typed: str, caller: Caller) -> Step:
        """A code of the authenticator app, as the second step."""
        at = self.at(visit)
        return self._kept(at, self._page.identity.by_code(at, typed, caller), visit, caller)

    def with_recovery_code(self, visit: Visit, typed: str, caller: Caller) -> Step:
        """A recovery code, as the second step."""
        at = self.at(visit)
        return self._kept(at, self._page.identity.by_recovery_code(at, typed, caller), visit, caller)

    def passkey_options(self, visit: Visit | None) -> Options:
        """What the browser is asked for a passkey, at the step where it stands. Raises Refusal without a key."""
        return self._page.identity.passkey_options(self.at(visit))

    def with_passkey(self, visit: Visit | None, handle: str, answer: str, caller: Caller) -> Step:
        """The browser's answer to `passkey_options`, as the only step or the second."""
        at = self.at(visit)
        return self._kept(at, self._page.identity.by_passkey(at, handle, answer, caller), visit, caller)

    def with_provider(self, visit: Visit | None, binding: str, answer: Mapping[str, str], caller: Caller) -> Step:
        """What the browser brought back from the provider of single sign-on. Raises ProviderFault."""
        assert self._page.single_sign_on is not None, "only where it is configured is anybody sent there"
        at = self.at(visit if visit is not None and visit.signed_in else None)
        return self._kept(at, self._page.single_sign_on.finish(at, binding, answer, caller), visit, caller)

    def enrolled(self, visit: Visit, reached: SignIn, caller: Caller) -> Step:
        """A second factor was set up in this session, which was signed in or at its enrolment."""
        return self._kept(visit.sign_in, Outcome(reached), visit, caller)

    def _kept(self, at: SignIn, outcome: Outcome, visit: Visit | None, caller: Caller) -> Step:
        reached = outcome.sign_in
        if reached.reason is not None:
            if reached.stage is Stage.REFUSED and visit is not None and not visit.signed_in:
                self._sessions.end(visit)
            return Step(reached.stage, reached.reason, outcome.wait)
        mark = self._mark(reached)
        with self._database.write() as connection:
            value = self._session(connection, at, reached, visit, caller)
        if value is None:
            return Step(Stage.REFUSED, SignInReason.CHANGED)
        return Step(reached.stage, value=value, mark=mark)

    def _session(
        self, connection: Connection, at: SignIn, reached: SignIn, visit: Visit | None, caller: Caller
    ) -> str | None:
        """The value of the session that has come so far, empty where it stays; None where it may not."""
        assert reached.account_id is not None, "a proof is somebody's"
        account = accounts.lock(connection, reached.account_id)
        standing = standing_of(connection, account, self._policy)
        if not account.active:
            return None
        if reached.stage is Stage.SIGNED_IN and not sign_in.is_recent(reached, standing, self._clock()):
            return None
        if visit is not None and visit.signed_in and at.account_id is not None:
            if reached.stage is Stage.SECOND:
                kept = web_sessions.ask_again(connection, visit.session.digest, sign_in_text.dump(reached))
                return "" if kept else None
            return self._sessions.replace(connection, visit, reached)
        ended = visit is not None and web_sessions.end(connection, visit.session.digest)
        if at.account_id is not None and not ended:
            return None  # a session that has ended leads nowhere, however right the code
        mark = self._mark(reached)
        if mark and not hmac.compare_digest(mark.encode(), caller.known.encode()):
            self._notices.signed_in(connection, account, self._clock(), client=caller.browser, address=caller.address)
        return self._sessions.begin(connection, account, reached, caller)

    def _mark(self, reached: SignIn) -> str:
        """What a browser keeps in which this account signed in; empty before the last step, and without a key file."""
        if reached.stage is not Stage.SIGNED_IN:
            return ""
        try:
            return self._page.keys().digest("known-browser", str(reached.account_id))
        except Refusal:
            return ""
