"""Taking reach away from credentials: revoke, pause, narrow, and whatever else must cut connections.

The promise: when a function here returns, no further byte is sent and no write is committed under the credential. One
path keeps it: decide and commit (`Database.change_credentials`, which outlasts the writers in flight), cut the
connections of this process, wait for the others (`bus`), then return. Giving reach back (resume) cuts nothing.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TypedDict, Unpack

from sqlalchemy import Connection

from dav_gateway.bus.protocol import Acknowledgement, Bus
from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Network
from dav_gateway.core.errors import NotFound, Refusal, StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.service.cutter import CutCount, Cutter, NoConnections, Owed
from dav_gateway.service.mail.notices import Notices
from dav_gateway.service.reach import lost
from dav_gateway.service.receipts import Receipt, receipt_of, record
from dav_gateway.store import accounts, audit, credentials
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Announced, Database, boottime

__all__ = [
    "CutCount",
    "Cutter",
    "Limits",
    "NoConnections",
    "Receipt",
    "Revocation",
    "locked_with_credentials",
    "required_account",
    "required_credential",
    "revoke_row",
]


class Limits(TypedDict, total=False):
    """What `narrow` may be given."""

    scopes: frozenset[Scope]
    access: Access
    collections: frozenset[str] | None
    networks: tuple[Network, ...]
    expires_at: Moment | None


class Revocation:
    """The operations that end or limit what credentials may do."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        cutter: Cutter,
        clock: Callable[[], Moment],
        *,
        mail: Notices,
        owed: Owed | None = None,
    ) -> None:
        """Every change is committed to `database` first; then `cutter` ends the connections of this process (what it
        fails to end is `owed`), and `bus` tells when every other process has ended its own. `mail` tells owners what
        somebody else ended."""
        self._database = database
        self._bus = bus
        self._cutter = cutter
        self._clock = clock
        self._owed = owed or Owed()
        self._mail = mail

    def carry_out(self, change: Callable[[Connection, Moment], Iterable[str]], *, by: str | None = None) -> Receipt:
        """Commit `change`, which takes reach away from credentials and returns their ids, and see these cut.

        Raises what `change` raises; then nothing is changed and nothing is cut. After StoreUnavailable nobody knows
        whether it was committed, so what it named is cut in any case.
        """
        ids: list[str] = []
        own: list[Acknowledgement] = []
        decided_at = self._clock()
        with self._bus.asking() as asking:

            def end_connections(announced: Announced) -> None:
                try:
                    asking.begin(announced)
                finally:
                    own.extend(self._cut_own(ids, announced.committed_at))

            try:
                with self._database.change_credentials(ids, end_connections) as connection:
                    ids += dict.fromkeys(change(connection, decided_at))
            except StoreUnavailable:
                self._cut_own(ids, boottime())
                raise
            if not ids:
                return Receipt((), decided_at, decided_at, 0, 0)
            others = asking.settle()
        receipt = receipt_of(ids, decided_at, self._clock(), [*own, *others])
        return record(self._database, receipt, by)

    def _cut_own(self, ids: Collection[str], committed_at: float) -> list[Acknowledgement]:
        if isinstance(self._cutter, NoConnections):
            return []
        try:
            count = self._cutter.cut(ids)
        except BaseException:
            # The bus passes over what this process said itself: nobody else would make up for it.
            self._owed.add(ids)
            raise
        return [Acknowledgement("this process", "cut", boottime() - committed_at, count.tally)]

    def revoke(self, ids: Iterable[str], *, by: str, why: str) -> Receipt:
        """Revoke credentials for good, all of them or none. Raises NotFound when one does not exist.

        One that is revoked already keeps its first moment and reason, and is cut again.
        """
        chosen = list(ids)

        def change(connection: Connection, now: Moment) -> list[str]:
            for credential_id in chosen:
                credential, owner = required_credential(connection, credential_id)
                if credential.revoked_at is None:
                    self._mail.revoked(connection, owner, [credential], now, by=by)
                revoke_row(connection, credential, owner, now, by=by, why=why)
            return chosen

        return self.carry_out(change, by=by)

    def revoke_all(self, account_name: str, *, by: str, why: str) -> Receipt:
        """Revoke every credential of an account ("I lost a device"). Raises NotFound."""

        def change(connection: Connection, now: Moment) -> list[str]:
            owner, found = locked_with_credentials(connection, account_name)
            self._mail.revoked(connection, owner, found, now, by=by)
            for credential in found:
                revoke_row(connection, credential, owner, now, by=by, why=why)
            return [credential.id for credential in found]

        return self.carry_out(change, by=by)

    def pause(self, credential_id: str, *, by: str) -> Receipt:
        """Stop a credential until it is resumed. Raises NotFound, and Refusal for a revoked one."""

        def change(connection: Connection, now: Moment) -> list[str]:
            credential, owner = _changeable(connection, credential_id)
            if credential.paused_at is None:
                credentials.change(connection, credential_id, paused_at=now)
                audit.append(connection, Event(now, "paused", owner.name, credential_id, by))
            return [credential_id]

        return self.carry_out(change, by=by)

    def resume(self, credential_id: str, *, by: str) -> Credential:
        """Let a paused credential act again. Raises NotFound, and Refusal for a revoked one."""
        now = self._clock()
        with self._database.write() as connection:
            credential, owner = _changeable(connection, credential_id)
            if credential.paused_at is None:
                return credential
            audit.append(connection, Event(now, "resumed", owner.name, credential_id, by))
            return credentials.change(connection, credential_id, paused_at=None)

    def narrow(self, credential_id: str, *, by: str, **limits: Unpack[Limits]) -> Receipt:
        """Let a credential do less: the fields given replace its own.

        Raises NotFound, and Refusal for a revoked one, for no scope left, or for anything that would let it do more.
        """

        def change(connection: Connection, now: Moment) -> list[str]:
            credential, owner = _changeable(connection, credential_id)
            narrowed = replace(credential, **limits)
            later = narrowed.expires_at is None or narrowed.expires_at > (credential.expires_at or narrowed.expires_at)
            if lost(narrowed, credential) or (credential.expires_at is not None and later):
                raise Refusal("this would let the app password do more than it may now")
            if not narrowed.scopes:
                raise Refusal("an app password needs at least one scope")
            credentials.change(connection, credential_id, **limits)
            detail = {"changed": sorted(limits)}
            audit.append(connection, Event(now, "changed", owner.name, credential_id, by, detail=detail))
            return [credential_id]

        return self.carry_out(change, by=by)


def revoke_row(
    connection: Connection, credential: Credential, owner: Account, now: Moment, *, by: str, why: str
) -> None:
    """Mark one credential revoked and write it to the audit, inside the transaction of `carry_out`."""
    if credential.revoked_at is None:
        credentials.change(connection, credential.id, revoked_at=now, revoked_by=by, revoked_why=why)
        detail = {"by": by, "why": why}
        audit.append(connection, Event(now, "revoked", owner.name, credential.id, by, detail=detail))


def required_account(connection: Connection, name: str) -> Account:
    """The account of this name. Raises NotFound."""
    account = accounts.by_name(connection, name)
    if account is None:
        raise NotFound(f"there is no account {name!r}")
    return account


def required_credential(connection: Connection, credential_id: str) -> tuple[Credential, Account]:
    """The credential with this id and its owner. Raises NotFound."""
    row = credentials.with_owner(connection, credential_id)
    if row is None:
        raise NotFound(f"no app password has the id {credential_id!r}")
    return row


def locked_with_credentials(connection: Connection, name: str) -> tuple[Account, list[Credential]]:
    """The account and those of its credentials that are not revoked. Raises NotFound.

    The account stays locked until the transaction ends, so that none that is being issued is missed.
    """
    account = accounts.lock(connection, required_account(connection, name).id)
    found = credentials.of_account(connection, account.id)
    return account, [credential for credential in found if credential.revoked_at is None]


def _changeable(connection: Connection, credential_id: str) -> tuple[Credential, Account]:
    credential, owner = required_credential(connection, credential_id)
    if credential.revoked_at is not None:
        raise Refusal(f"the app password {credential_id} is revoked, for good")
    return credential, owner
