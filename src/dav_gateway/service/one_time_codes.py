"""TOTP of an account: draft, confirm, check, remove. Whether the person may do so is decided in `own_factors`."""

from dataclasses import dataclass
from math import ceil

from sqlalchemy import Connection

from dav_gateway.core import one_time_code
from dav_gateway.core.account import Account
from dav_gateway.core.errors import Refusal
from dav_gateway.core.keyring import NONCE_LENGTH
from dav_gateway.core.moment import SECOND, Moment
from dav_gateway.core.one_time_code import Enrolment
from dav_gateway.core.sign_in import Factor, SignInReason
from dav_gateway.service.means import Means
from dav_gateway.store import second_factors
from dav_gateway.store.second_factors import SecondFactor

_PURPOSE = "totp"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a proof: None when it is right; `wait` is the seconds until the next is looked at."""

    reason: SignInReason | None = None
    wait: int = 0


class OneTimeCodes:
    """Operations inside a transaction of the caller."""

    def __init__(self, means: Means, *, issuer: str) -> None:
        """`issuer` is the name that authenticator apps show beside the account's."""
        self._keys = means.keys
        self._choose = means.choose
        self._issuer = issuer

    def draft(self, connection: Connection, account: Account, now: Moment) -> Enrolment:
        """A new secret for an authenticator app, which is not on before it is confirmed; a draft before it is gone.

        Raises Refusal when codes are on already.
        """
        secret = self._choose(one_time_code.SECRET_LENGTH)
        sealed = self._keys().seal(_PURPOSE, _row(account.id), secret, self._choose(NONCE_LENGTH))
        if not second_factors.draft(connection, account.id, Factor.TOTP.value, sealed, now):
            raise Refusal("an authenticator app is set up already: turn it off first")
        return one_time_code.enrolment(secret, account=account.name, issuer=self._issuer)

    def show_draft(self, connection: Connection, account: Account) -> Enrolment | None:
        """The draft once more, for a page that comes back after a mistyped code; None when there is none."""
        factor = second_factors.get(connection, account.id, Factor.TOTP.value)
        if factor is None or factor.confirmed_at is not None:
            return None
        return one_time_code.enrolment(self._open(factor), account=account.name, issuer=self._issuer)

    def confirm(self, connection: Connection, account: Account, typed: str, now: Moment) -> bool:
        """Turn the draft on with a code of it; False when the code is not right. Raises Refusal without a draft."""
        factor = second_factors.lock(connection, account.id, Factor.TOTP.value)
        if factor is None or factor.confirmed_at is not None:
            raise Refusal("no authenticator app is being set up: begin again")
        digits = one_time_code.digits_of(typed)
        if digits is None:
            return False
        step = one_time_code.matching_step(self._open(factor), digits, now, factor.last_step)
        return step is not None and second_factors.confirm(connection, factor, step, now)

    def check(self, connection: Connection, account_id: int, digits: str, now: Moment) -> Checked:
        """Use up a code. A wrong one counts, and after some of them the next is looked at only after a wait."""
        factor = second_factors.lock(connection, account_id, Factor.TOTP.value)
        if factor is None or factor.confirmed_at is None:
            return Checked(SignInReason.NOT_ASKED)
        failures = one_time_code.remembered(factor.failures, factor.failed_at, now)
        wait = one_time_code.wait(failures, factor.failed_at, now)
        if wait:
            return Checked(SignInReason.WAIT, ceil(wait / SECOND))
        secret = self._open(factor)
        step = one_time_code.matching_step(secret, digits, now, factor.last_step)
        if step is not None and second_factors.use(connection, account_id, factor.kind, step):
            return Checked()
        if one_time_code.matching_step(secret, digits, now, -1) is not None:
            return Checked(SignInReason.REPLAYED)
        second_factors.fail(connection, account_id, factor.kind, failures + 1, now)
        return Checked(SignInReason.WRONG, ceil(one_time_code.wait(failures + 1, now, now) / SECOND))

    def _open(self, factor: SecondFactor) -> bytes:
        return self._keys().open(_PURPOSE, _row(factor.account_id), factor.secret)


def is_on(connection: Connection, account_id: int) -> bool:
    """Whether codes of an authenticator app are asked for."""
    factor = second_factors.get(connection, account_id, Factor.TOTP.value)
    return factor is not None and factor.confirmed_at is not None


def remove(connection: Connection, account_id: int) -> bool:
    """Forget the account's authenticator app; whether there was one, a draft too."""
    return second_factors.remove(connection, account_id, Factor.TOTP.value)


def _row(account_id: int) -> str:
    return f"account {account_id}"
