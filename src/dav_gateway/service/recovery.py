"""Recovery codes of an account: made ten at once and shown once, each good for one sign-in."""

from sqlalchemy import Connection

from dav_gateway.core import recovery_code
from dav_gateway.core.moment import Moment
from dav_gateway.core.sign_in import SignInReason
from dav_gateway.service.means import Means
from dav_gateway.service.one_time_codes import Checked
from dav_gateway.store import recovery_codes

_PURPOSE = "recovery-code"


class RecoveryCodes:
    """Operations inside a transaction of the caller."""

    def __init__(self, means: Means) -> None:
        """Digests are made under the installation's key."""
        self._keys = means.keys
        self._choose = means.choose

    def renew(self, connection: Connection, account_id: int, now: Moment) -> tuple[str, ...]:
        """Ten new codes, as they are shown; every older one is worthless from now on."""
        codes = tuple(recovery_code.make(self._choose) for _ in range(recovery_code.COUNT))
        recovery_codes.replace(connection, account_id, [self._digest(account_id, each) for each in codes], now)
        return tuple(map(recovery_code.shown, codes))

    def check(self, connection: Connection, account_id: int, typed: str, now: Moment) -> Checked:
        """Use up a code."""
        code = recovery_code.parse(typed)
        if code is None:
            return Checked(SignInReason.WRONG)
        digest = self._digest(account_id, code)
        if recovery_codes.use(connection, account_id, digest, now):
            return Checked()
        known = recovery_codes.is_known(connection, account_id, digest)
        return Checked(SignInReason.REPLAYED if known else SignInReason.WRONG)

    def _digest(self, account_id: int, code: str) -> str:
        return self._keys().digest(_PURPOSE, f"{account_id} {code}")
