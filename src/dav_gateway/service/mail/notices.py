"""What people are told by mail. Each notice is a row of the outbox, written with the connection of the event itself:
what is rolled back is not told, and what is committed is not lost."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.client_family import title_of
from dav_gateway.core.credential import Credential
from dav_gateway.core.moment import DAY, MINUTE, Moment
from dav_gateway.store import credentials, outbox
from dav_gateway.store.database import Database

RESET_INTERVAL = 15 * MINUTE
REMIND_BEFORE = 7 * DAY


class MailKind(StrEnum):
    """What a mail is about. Stored, so values are never renamed; each has its text in every language."""

    ISSUED = "issued"
    FIRST_USED = "first-used"
    EXPIRING = "expiring"
    REVOKED = "revoked"
    SIGNED_IN = "signed-in"
    SECOND_FACTOR_ON = "second-factor-on"
    SECOND_FACTOR_OFF = "second-factor-off"
    SIGN_IN_LINKED = "sign-in-linked"
    SIGN_IN_UNLINKED = "sign-in-unlinked"
    PASSWORD_RESET = "password-reset"  # noqa: S105 - a kind of mail


class Notices:
    """Asks for mails. When mail is off it does nothing."""

    def __init__(self, *, enabled: bool) -> None:
        """`enabled`: whether anybody will ever send them."""
        self._enabled = enabled

    def issued(self, connection: Connection, owner: Account, made: Sequence[Credential], now: Moment) -> None:
        """App passwords came into being, together."""
        detail = {"items": [_item(each) for each in made], "origin": made[0].origin.value, "at": now}
        self._add(connection, owner, MailKind.ISSUED, detail, now)

    def first_used(
        self,
        connection: Connection,
        owner: Account,
        credential: Credential,
        now: Moment,
        *,
        family: str | None,
        address: str,
    ) -> None:
        """An app password was used for the first time, or by a new client for the first time.

        `credential` is as it was before this use: of two first requests at once one is told.
        """
        detail = {"items": [_item(credential)], "client": _client(family), "address": address, "at": now}
        once = f"first-used {credential.id} {family or ''} {credential.last_used_at or ''}"
        self._add(connection, owner, MailKind.FIRST_USED, detail, now, once=once)

    def revoked(
        self, connection: Connection, owner: Account, ended: Sequence[Credential], now: Moment, *, by: str
    ) -> None:
        """Somebody ended app passwords; their owner is told when it was somebody else."""
        if ended and by != owner.name:
            detail = {"items": [_item(each) for each in ended], "at": now}
            self._add(connection, owner, MailKind.REVOKED, detail, now)

    def signed_in(self, connection: Connection, owner: Account, now: Moment, *, client: str, address: str) -> None:
        """Somebody signed in to the page from a device that was not seen before. `client` is its browser in words."""
        detail = {"client": client, "address": address, "at": now}
        self._add(connection, owner, MailKind.SIGNED_IN, detail, now)

    def second_factor(self, connection: Connection, owner: Account, now: Moment, *, on: bool, address: str) -> None:
        """The second factor was switched on or off."""
        kind = MailKind.SECOND_FACTOR_ON if on else MailKind.SECOND_FACTOR_OFF
        self._add(connection, owner, kind, {"address": address, "at": now}, now)

    def single_sign_on(
        self, connection: Connection, owner: Account, now: Moment, *, linked: bool, address: str
    ) -> None:
        """The account was linked to a sign-in at the company's provider on the page, or that was undone."""
        kind = MailKind.SIGN_IN_LINKED if linked else MailKind.SIGN_IN_UNLINKED
        self._add(connection, owner, kind, {"address": address, "at": now}, now)

    def password_reset(self, connection: Connection, owner: Account, now: Moment) -> None:
        """A link to choose a new password is wanted. It is made when the mail is sent, so that it is stored nowhere.

        Anybody can ask for it, so an account gets one in a quarter of an hour, however many processes are asked.
        """
        once = f"reset {owner.id} {now // RESET_INTERVAL}"
        self._add(connection, owner, MailKind.PASSWORD_RESET, {"at": now}, now, once=once)

    def remind(self, database: Database, now: Moment) -> int:
        """Ask for the reminders of what expires within seven days, each once; how many. Raises StoreUnavailable.

        What was made for seven days or less gets none: its owner knew.
        """
        if not self._enabled:
            return 0
        until, asked = Moment(now + REMIND_BEFORE), 0
        with database.write() as connection:
            for credential_id in credentials.expired_between(connection, now, until):
                row = credentials.with_owner(connection, credential_id)
                if row is None:
                    continue
                credential, owner = row
                expires_at = credential.expires_at
                if not owner.active or expires_at is None or expires_at - credential.created_at <= REMIND_BEFORE:
                    continue
                detail = {"items": [_item(credential)], "expires_at": expires_at}
                once = f"expiring {credential_id} {expires_at}"
                asked += outbox.add(connection, owner.id, MailKind.EXPIRING, detail, now, once=once)
        return asked

    def _add(
        self,
        connection: Connection,
        owner: Account,
        kind: MailKind,
        detail: Mapping[str, object],
        now: Moment,
        *,
        once: str | None = None,
    ) -> None:
        if self._enabled:
            outbox.add(connection, owner.id, kind, detail, now, once=once)


def _item(credential: Credential) -> dict[str, object]:
    return {
        "id": credential.id,
        "label": credential.label,
        "scopes": sorted(credential.scopes),
        "access": credential.access.value,
        "collections": None if credential.collections is None else sorted(credential.collections),
    }


def _client(family: str | None) -> str:
    return title_of(family) if family else ""
