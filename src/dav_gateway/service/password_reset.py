"""A new main password: by a one-time link from an administrator or by mail, or by somebody who proved who they are.

Either way every other reset link of the account is worthless afterwards, its web sessions end in the same transaction,
and on request all its app passwords are stopped, cut as any revocation is.
"""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from dav_gateway.core import one_time_link, sign_in
from dav_gateway.core.account import Account
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import HOUR, Moment
from dav_gateway.core.sign_in import SignIn
from dav_gateway.service.accounts import Accounts
from dav_gateway.service.caller import Caller, note
from dav_gateway.service.mail.notices import Notices
from dav_gateway.service.means import Means
from dav_gateway.service.revocation import (
    Receipt,
    Revocation,
    locked_with_credentials,
    required_account,
    revoke_row,
)
from dav_gateway.service.standings import IdentityNeeded, standing_of
from dav_gateway.store import accounts, audit, password_resets, web_sessions
from dav_gateway.store.audit import Event

LIFETIME = HOUR

_PURPOSE = "password-reset"
_USED_UP = "this link is used up or too old: ask for another one"
_WHY = "the main password was changed"


@dataclass(frozen=True, slots=True)
class ResetLink:
    """A link that sets a new password, once and within the hour. It does not print."""

    url: str = field(repr=False)
    account: Account
    expires_at: Moment


class PasswordReset:
    """Make a link, look at it, redeem it; or change the password without one."""

    def __init__(
        self,
        means: Means,
        people: Accounts,
        revocation: Revocation,
        *,
        public_url: str,
        notices: Notices,
    ) -> None:
        """`public_url` begins the link: never the Host of a request, or a stranger's page gets the secret."""
        self._database = means.database
        self._keys = means.keys
        self._clock = means.clock
        self._choose = means.choose
        self._policy = means.policy
        self._people = people
        self._revocation = revocation
        self._address = f"{public_url.rstrip('/')}/reset-password/"
        self._notices = notices

    def make(self, name: str, *, by: str) -> ResetLink:
        """A link for this account. Raises NotFound, and Refusal for a deactivated account or without a key."""
        text, now = one_time_link.make(self._choose), self._clock()
        expires_at = Moment(now + LIFETIME)
        digest = self._digest(text)
        with self._database.write() as connection:
            account = required_account(connection, name)
            if not account.active:
                raise Refusal(f"the account {account.name} is deactivated")
            password_resets.add(
                connection, digest=digest, account_id=account.id, made_by=by, now=now, expires_at=expires_at
            )
            audit.append(connection, Event(now, "password_reset_made", account.name, None, by))
        return ResetLink(self._address + text, account, expires_at)

    def ask_by_mail(self, login: str, caller: Caller) -> None:
        """Ask for a mail with a link, which is made when the mail is sent. An account that does not exist or is
        deactivated gets none, and nobody is told which do."""
        now = self._clock()
        with self._database.write() as connection:
            account = accounts.by_login(connection, login)
            known = account is not None and account.active
            name = account.name if account is not None and known else None
            note(connection, now, "password_reset_asked", name, caller, detail={}, actor="nobody")
            if account is not None and known:
                self._notices.password_reset(connection, account, now)

    def look(self, text: str) -> Account:
        """Whose password the link would set; nothing is used up, so that a previewer of links does no harm.

        Raises Refusal for a link that cannot be used.
        """
        digest = self._known(text)
        with self._database.read() as connection:
            return _owner(connection, password_resets.find(connection, digest, self._clock()))

    def redeem(self, text: str, password: str, caller: Caller, *, stop: bool) -> Receipt:
        """Set the password and use the link up; `stop`: all app passwords too.

        Raises Refusal for a link that cannot be used, and for a password that is too short or too long, which leaves
        the link as it was.
        """
        digest = self._known(text)
        # Argon2 runs outside the transaction, and not at all for whoever tries out links.
        self.look(text)
        verifier = self._people.verifier_of(password)

        def change(connection: Connection, now: Moment) -> list[str]:
            owner = _owner(connection, password_resets.use(connection, digest, now))
            return self._replace(connection, owner.name, verifier, now, caller=caller, way="link", stop=stop)

        return self._revocation.carry_out(change)

    def change(self, identity: SignIn, password: str, caller: Caller, *, stop: bool) -> Receipt:
        """Set the password of somebody who proved who they are. Raises IdentityNeeded unless that is recent, and
        Refusal as `redeem` does."""
        verifier = self._people.verifier_of(password)

        def change(connection: Connection, now: Moment) -> list[str]:
            account = None if identity.account_id is None else accounts.by_id(connection, identity.account_id)
            if account is None or not sign_in.is_recent(identity, standing_of(connection, account, self._policy), now):
                raise IdentityNeeded("please confirm that it is you")
            return self._replace(connection, account.name, verifier, now, caller=caller, way="page", stop=stop)

        return self._revocation.carry_out(change)

    def _replace(
        self, connection: Connection, name: str, verifier: str, now: Moment, *, caller: Caller, way: str, stop: bool
    ) -> list[str]:
        owner, found = locked_with_credentials(connection, name)
        accounts.change(connection, owner.id, password_verifier=verifier)
        password_resets.void(connection, owner.id, now)
        web_sessions.end_all(connection, owner.id, except_digest=caller.session)
        note(connection, now, "password_set", owner.name, caller, detail={"by": way})
        if not stop:
            return []
        for credential in found:
            revoke_row(connection, credential, owner, now, by=owner.name, why=_WHY)
        return [credential.id for credential in found]

    def _known(self, text: str) -> str:
        if not one_time_link.is_one(text):
            raise Refusal(_USED_UP)
        return self._digest(text)

    def _digest(self, text: str) -> str:
        return self._keys().digest(_PURPOSE, text)


def _owner(connection: Connection, account_id: int | None) -> Account:
    account = None if account_id is None else accounts.by_id(connection, account_id)
    if account is None or not account.active:
        raise Refusal(_USED_UP)
    return account
