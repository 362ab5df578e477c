"""Proving who somebody is to the page: each proof is verified here, `core.sign_in` decides what it leads to.

Failures are counted per address prefix and per account and prefix (`throttle`). Unlike an app password, what people
invent or an app shows can be guessed: while a bucket is empty nothing is looked at, from that network only. Answers for
an account that does not exist, has no password or is deactivated are those of a wrong password, and take as long.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import Connection

from dav_gateway.core import one_time_code, sign_in
from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.core.sign_in import Proof, SignIn, SignInReason, Stage
from dav_gateway.service.caller import Caller, note
from dav_gateway.service.factor_kinds import FactorKinds
from dav_gateway.service.hashing import Hashing
from dav_gateway.service.means import Means
from dav_gateway.service.one_time_codes import Checked
from dav_gateway.service.passkeys import Options
from dav_gateway.service.standings import standing_of
from dav_gateway.service.throttle import Throttle
from dav_gateway.store import accounts, recovery_codes

LONGEST_PASSWORD = 1024
LONGEST_LOGIN = 320

_NOBODY = "nobody"
_LONGEST_HANDLE = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the sign-in stands now; `wait` is the seconds until another proof is looked at, 0 for at once."""

    sign_in: SignIn
    wait: int = 0

    @property
    def is_signed_in(self) -> bool:
        """Whether nothing more is needed."""
        return self.sign_in.stage is Stage.SIGNED_IN


class Identity:
    """The proofs. Each takes where the sign-in stands and returns where it stands then."""

    def __init__(
        self,
        means: Means,
        hashing: Hashing,
        kinds: FactorKinds,
        throttle: Throttle,
    ) -> None:
        """`hashing` makes verifiers of passwords that people invent; `throttle` is of the page alone."""
        self._database = means.database
        self._clock = means.clock
        self._policy = means.policy
        self._hashing = hashing
        self._kinds = kinds
        self._throttle = throttle

    def by_password(self, at: SignIn, login: str, password: str, caller: Caller) -> Outcome:
        """The main password, and the name or e-mail typed beside it (asking again: of the account itself).

        Raises Overloaded and StoreUnavailable, which are never "wrong".
        """
        account = self._named(at, login)
        # A bucket for each text that is typed, whether the account exists or not: one that all strangers share would
        # tell which do not, and one for name and e-mail together that both are of one account.
        typed = account.name if at.account_id is not None and account is not None else login.strip().lower()
        key = f"password:{blake2b(typed.encode(errors='replace'), digest_size=16).hexdigest()}"

        def judge() -> tuple[Outcome, bool]:
            if self._is_password_of(account, password) and account is not None:
                return self._proved(at, Proof.PASSWORD, account.id, caller), False
            return self._failed(at, Proof.PASSWORD, account, SignInReason.WRONG, caller=caller), True

        return self._counted(at, key, caller, judge)

    def by_code(self, at: SignIn, typed: str, caller: Caller) -> Outcome:
        """A code of the account's authenticator app."""
        digits = one_time_code.digits_of(typed)

        def check(connection: Connection, account: Account, now: Moment) -> Checked:
            if digits is None:
                return Checked(SignInReason.WRONG)
            return self._kinds.codes.check(connection, account.id, digits, now)

        return self._by_typed(at, Proof.TOTP, check, caller, counts=digits is not None)

    def by_recovery_code(self, at: SignIn, typed: str, caller: Caller) -> Outcome:
        """One of the ten recovery codes, which is used up."""

        def check(connection: Connection, account: Account, now: Moment) -> Checked:
            checked = self._kinds.recovery.check(connection, account.id, typed, now)
            if checked.reason is None:
                left = recovery_codes.left(connection, account.id)
                note(connection, now, "recovery_code_used", account.name, caller, detail={"left": left})
            return checked

        return self._by_typed(at, Proof.RECOVERY, check, caller)

    def passkey_options(self, at: SignIn) -> Options:
        """What the browser is asked for a passkey: of the account when it is known, else of anybody."""
        return self._kinds.passkeys.sign_in(at.account_id, alone=at.stage is Stage.FIRST)

    def by_passkey(self, at: SignIn, handle: str, answer: str, caller: Caller) -> Outcome:
        """The browser's answer to `passkey_options` of the same sign-in."""
        account = None if at.account_id is None else self._account(at.account_id)

        def judge() -> tuple[Outcome, bool]:
            shown = self._kinds.passkeys.check(at.account_id, handle, answer, alone=at.stage is Stage.FIRST)
            if shown is None:
                return self._failed(at, Proof.PASSKEY, account, SignInReason.WRONG, caller=caller), True
            proof = Proof.PASSKEY_VERIFIED if shown.verified else Proof.PASSKEY
            return self._proved(at, proof, shown.passkey.account_id, caller), False

        # A passkey cannot be guessed: only the address is slowed, not everybody else behind it who has one.
        return self._counted(at, f"passkey:{handle[:_LONGEST_HANDLE]}", caller, judge)

    def by_provider(self, at: SignIn, account: Account, caller: Caller, *, strong: bool) -> Outcome:
        """What `single_sign_on` has verified; `strong`: the provider asked for a second factor itself."""
        proof = Proof.SINGLE_SIGN_ON_STRONG if strong else Proof.SINGLE_SIGN_ON
        return self._proved(at, proof, account.id, caller)

    def _by_typed(
        self,
        at: SignIn,
        proof: Proof,
        check: Callable[[Connection, Account, Moment], Checked],
        caller: Caller,
        *,
        counts: bool = True,
    ) -> Outcome:
        """A second proof that is typed: only for a sign-in whose first one was given."""
        account = None if at.account_id is None else self._account(at.account_id)
        if account is None or at.stage is not Stage.SECOND:
            return Outcome(sign_in.failed(at, SignInReason.NOT_ASKED))

        def judge() -> tuple[Outcome, bool]:
            with self._database.write() as connection:
                checked = check(connection, account, self._clock())
            if checked.reason is None:
                return self._proved(at, proof, account.id, caller), False
            if checked.reason is SignInReason.WAIT or not counts:
                return Outcome(sign_in.failed(at, checked.reason), checked.wait), False
            outcome = self._failed(at, proof, account, checked.reason, caller=caller)
            return Outcome(outcome.sign_in, checked.wait), True

        return self._counted(at, f"factor:{account.id}", caller, judge)

    def _counted(self, at: SignIn, key: str, caller: Caller, judge: Callable[[], tuple[Outcome, bool]]) -> Outcome:
        """What `judge` says, which also tells whether it was a wrong guess. It is counted before it is looked at, and
        taken back when it was none or the fault is ours: fifty at once are not judged beside each other."""
        wait = self._throttle.fail(caller.address, key)
        if wait:
            return Outcome(sign_in.failed(at, SignInReason.WAIT), wait)
        guessed = False
        try:
            outcome, guessed = judge()
        finally:
            if not guessed:
                self._throttle.forgive(caller.address, key)
        return outcome

    def _proved(self, at: SignIn, proof: Proof, account_id: int, caller: Caller) -> Outcome:
        """The proof is right: where it leads is decided by what the account has now."""
        now = self._clock()
        with self._database.write() as connection:
            account = accounts.by_id(connection, account_id)
            if account is None:
                return Outcome(sign_in.failed(at, SignInReason.WRONG))
            reached = sign_in.advance(at, proof, standing_of(connection, account, self._policy), now)
            if reached.stage is Stage.SIGNED_IN and at.stage is not Stage.SIGNED_IN:
                proofs = sorted(each.value for each in reached.proofs)
                note(connection, now, "signed_in", account.name, caller, detail={"proofs": proofs})
            elif reached.reason is not None:
                detail = {"reason": reached.reason.value, "proof": proof.value}
                note(connection, now, "sign_in_failed", account.name, caller, detail=detail)
        return Outcome(reached)

    def _failed(
        self, at: SignIn, proof: Proof, account: Account | None, reason: SignInReason, *, caller: Caller
    ) -> Outcome:
        """The audit has a line, and so takes as long, when there is no such account; what was typed
        for one is never kept, people type passwords there."""
        now = self._clock()
        name = None if account is None else account.name
        detail = {"reason": reason.value, "proof": proof.value}
        with self._database.write() as connection:
            note(connection, now, "sign_in_failed", name, caller, detail=detail, actor=_NOBODY)
        return Outcome(sign_in.failed(at, reason))

    def _is_password_of(self, account: Account | None, password: str) -> bool:
        """The same work whether there is an account and whether it has a password."""
        # A lone surrogate, which JSON can carry, is in no password: it becomes a character that cannot be typed.
        text = unicodedata.normalize("NFKC", password[: LONGEST_PASSWORD + 1]).encode(errors="replace").decode()
        if account is None or account.password_verifier is None or len(password) > LONGEST_PASSWORD:
            self._hashing.check_nothing(text)
            return False
        return self._hashing.check(account.password_verifier, text) and account.active

    def _named(self, at: SignIn, login: str) -> Account | None:
        if at.account_id is not None:
            return self._account(at.account_id)
        if len(login) > LONGEST_LOGIN or not login.isprintable():
            return None
        with self._database.read() as connection:
            return accounts.by_login(connection, login)

    def _account(self, account_id: int) -> Account | None:
        with self._database.read() as connection:
            return accounts.by_id(connection, account_id)
