"""What an account has for signing in, read from the store, and whether somebody's identity is recent enough."""

from sqlalchemy import Connection

from dav_gateway.core import sign_in
from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.sign_in import Factor, Policy, SignIn, Standing
from dav_gateway.service import one_time_codes
from dav_gateway.service.means import Means
from dav_gateway.store import accounts, passkeys, recovery_codes


class IdentityNeeded(Refusal):
    """What was asked for needs a recent identity: the page asks for the proofs again, then repeats it."""


class Standings:
    """For whoever guards something: `require_recent` before an app password is issued or widened."""

    def __init__(self, means: Means) -> None:
        """Everything is read when it is asked for."""
        self._means = means

    def of(self, account_id: int) -> Standing:
        """What the account has for signing in; the page offers its factors at the second step. Raises NotFound."""
        with self._means.database.read() as connection:
            account = accounts.by_id(connection, account_id)
            if account is None:
                raise NotFound("no such account")
            return standing_of(connection, account, self._means.policy)

    def is_recent(self, identity: SignIn) -> bool:
        """Whether this finished sign-in is enough for what needs a recent identity."""
        if identity.account_id is None:
            return False
        return sign_in.is_recent(identity, self.of(identity.account_id), self._means.clock())

    def require_recent(self, identity: SignIn) -> None:
        """Raises IdentityNeeded unless `is_recent`."""
        if not self.is_recent(identity):
            raise IdentityNeeded("please confirm that it is you")


def standing_of(connection: Connection, account: Account, policy: Policy) -> Standing:
    """The standing of this account now."""
    found = set()
    if one_time_codes.is_on(connection, account.id):
        found.add(Factor.TOTP)
    if passkeys.count(connection, account.id):
        found.add(Factor.PASSKEY)
    if recovery_codes.left(connection, account.id):
        found.add(Factor.RECOVERY)
    return Standing(account.id, account.active, frozenset(found), policy)
