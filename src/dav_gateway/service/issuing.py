"""Issuing app passwords: the only place where a secret comes into being. It is returned once and kept nowhere."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress

from sqlalchemy import Connection

from dav_gateway.core import secret
from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Network, Origin, Service, refusal_of_liveness
from dav_gateway.core.errors import GatewayError, NotFound, Refusal
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import EMPLOYEES, Access, Scope
from dav_gateway.core.secret import AppPassword
from dav_gateway.service.hashing import Hashing
from dav_gateway.service.mail.notices import Notices
from dav_gateway.service.provisioning import provide
from dav_gateway.service.revocation import (
    Revocation,
    locked_with_credentials,
    required_account,
    required_credential,
    revoke_row,
)
from dav_gateway.service.wish import Wish, label_from, successor, wish_from
from dav_gateway.store import accounts, audit, collections, credentials
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database
from dav_gateway.store.errors import IdTaken

Also = Callable[[Connection, Credential, AppPassword], None]
"""What a caller adds to the transaction that adds a credential; it keeps nothing of the text in the clear."""

MOST_LIVE = 25
_ATTEMPTS = 5


class Issuing:
    """Issue and rotate app passwords; rename them; let them follow their owner to a new device."""

    def __init__(
        self,
        database: Database,
        hashing: Hashing,
        revocation: Revocation,
        clock: Callable[[], Moment],
        choose: Callable[[int], bytes],
        *,
        mail: Notices,
    ) -> None:
        """`choose(n)` returns n random bytes, fit for secrets; `mail` tells the owner."""
        self._database = database
        self._hashing = hashing
        self._revocation = revocation
        self._clock = clock
        self._choose = choose
        self._mail = mail

    def issue(
        self,
        account_name: str,
        *,
        service: Service,
        scopes: Iterable[Scope],
        access: Access = Access.READ_WRITE,
        collections: Collection[str] | None = None,
        networks: Iterable[Network | str] = (),
        expires_at: Moment | None = None,
        label: str = "",
        origin: Origin,
        actor: str,
        also: Also | None = None,
    ) -> tuple[AppPassword, Credential]:
        """A new app password and its record; its text exists only in what is returned. `also` runs in the transaction
        that adds the record: what it raises leaves nothing behind.

        Raises NotFound (account, collection) and Refusal: the account is inactive or has 25 live ones, there is no
        scope, the expiry is in the past, the label is too long, a network cannot be read.
        """
        wish = wish_from(
            service=service,
            scopes=scopes,
            access=access,
            collections=collections,
            networks=networks,
            expires_at=expires_at,
            label=label,
            origin=origin,
        )
        return self.issue_all(account_name, [wish], actor=actor, also=also)[0]

    def issue_all(
        self,
        account_name: str,
        wishes: Sequence[Wish],
        *,
        actor: str,
        claim: Callable[[Connection, Sequence[str]], None] | None = None,
        also: Also | None = None,
    ) -> list[tuple[AppPassword, Credential]]:
        """New app passwords for one account, all or none, in one transaction.

        `claim` is called first in it with the new ids: what may be used once (a login flow, a set-up link) is used up
        together with the issue or not at all. Raises what `claim` raises, and what `issue` does.
        """
        now = self._clock()
        for wish in wishes:
            wish.refuse_impossible(now)

        def write(passwords: Sequence[AppPassword], verifiers: Sequence[str]) -> list[Credential]:
            with self._database.write() as connection:
                if claim is not None:
                    claim(connection, [password.id for password in passwords])
                account = required_account(connection, account_name)
                account = issuable(connection, account, now, room_for=len(wishes))
                made = []
                for wish, password, verifier in zip(wishes, passwords, verifiers, strict=True):
                    refuse_unknown_collections(connection, account, wish, now)
                    credential = wish.record(password.id, account.id, verifier, now)
                    credentials.add(connection, credential)
                    if also is not None:
                        also(connection, credential, password)
                    audit.append(connection, *_events(credential, account, actor))
                    made.append(credential)
                self._mail.issued(connection, account, made, now)
                return made

        return self._new(len(wishes), write)

    def rotate(
        self, credential_id: str, *, origin: Origin, actor: str, also: Also | None = None
    ) -> tuple[AppPassword, Credential]:
        """A new app password that may do what the old one may; the old one dies when the new one is first seen.

        `also` as in `issue`. One that was issued for the same purpose and never used is revoked now. Raises NotFound,
        and Refusal when the old one is not alive.
        """

        def write(passwords: Sequence[AppPassword], verifiers: Sequence[str]) -> list[Credential]:
            made: list[Credential] = []

            def change(connection: Connection, now: Moment) -> list[str]:
                old, owner = required_credential(connection, credential_id)
                reason = refusal_of_liveness(old, owner, now)
                if reason is not None:
                    raise Refusal(f"the app password {credential_id} is not in use any more: {reason}")
                _owner, others = locked_with_credentials(connection, owner.name)
                unseen = [each for each in others if each.replaces == old.id and each.first_used_at is None]
                for each in unseen:
                    revoke_row(connection, each, owner, now, by=actor, why="rotated again before its first use")
                # The old one leaves when the new one is seen, so it makes the room.
                issuable(connection, owner, now, room_for=0)
                new = successor(old, passwords[0].id, verifiers[0], origin, now)
                credentials.add(connection, new)
                if also is not None:
                    also(connection, new, passwords[0])
                audit.append(connection, *_events(new, owner, actor))
                self._mail.issued(connection, owner, [new], now)
                made.append(new)
                return [each.id for each in unseen]

            self._revocation.carry_out(change, by=actor)
            return made

        return self._new(1, write)[0]

    def rename(self, credential_id: str, label: str, *, actor: str) -> Credential:
        """Give a credential another label. Raises NotFound, and Refusal for a label that cannot be one."""
        now = self._clock()
        with self._database.write() as connection:
            credential, owner = required_credential(connection, credential_id)
            renamed = credentials.change(connection, credential_id, label=label_from(label, credential.service))
            detail = {"from": credential.label, "to": renamed.label}
            audit.append(connection, Event(now, "renamed", owner.name, credential_id, actor, detail=detail))
            return renamed

    def accept_new_client(self, credential_id: str, *, actor: str) -> Credential:
        """ "This is my new device": the next client seen decides the family anew. Raises NotFound."""
        now = self._clock()
        with self._database.write() as connection:
            credential, owner = required_credential(connection, credential_id)
            detail = {"changed": ["client_family"], "was": credential.client_family}
            audit.append(connection, Event(now, "changed", owner.name, credential_id, actor, detail=detail))
            return credentials.change(connection, credential_id, client_family=None)

    def _new(
        self, number: int, write: Callable[[Sequence[AppPassword], Sequence[str]], list[Credential]]
    ) -> list[tuple[AppPassword, Credential]]:
        """Make passwords outside any transaction (Argon2 would hold up every writer), then `write` their records."""
        for _attempt in range(_ATTEMPTS):
            passwords = [secret.make(self._choose) for _each in range(number)]
            verifiers = [self._hashing.make(password.reveal("")) for password in passwords]
            with suppress(IdTaken):
                return list(zip(passwords, write(passwords, verifiers), strict=True))
        raise GatewayError("no free id was found for the app password; try again")


def issuable(connection: Connection, account: Account, now: Moment, *, room_for: int) -> Account:
    """The account, locked so that the number of its credentials stays what it is. Raises Refusal when it is
    deactivated or has no room."""
    account = accounts.lock(connection, account.id)
    if not account.active:
        raise Refusal(f"the account {account.name} is deactivated")
    if credentials.live_count(connection, account.id, now) + room_for > MOST_LIVE:
        raise Refusal(f"{account.name} has {MOST_LIVE} app passwords in use; delete one that is not needed any more")
    return account


def refuse_unknown_collections(connection: Connection, account: Account, wish: Wish, now: Moment) -> None:
    """Raises NotFound when the wish names a collection that the account has not in its scopes."""
    if wish.collections is None:
        return
    provide(connection, account.id, now)
    known = {each.name for scope in wish.scopes for each in collections.in_home(connection, account.id, scope)}
    if Scope.CONTACTS in wish.scopes:
        known.add(EMPLOYEES)
    unknown = sorted(wish.collections - known)
    if unknown:
        raise NotFound(f"{account.name} has no collection {unknown[0]!r} in {' and '.join(sorted(wish.scopes))}")


def _events(credential: Credential, owner: Account, actor: str) -> list[Event]:
    """`issued`; and `shown` where what `issue` returns goes to a person or program at once."""
    detail: dict[str, object] = {
        "service": credential.service.value,
        "scopes": sorted(credential.scopes),
        "access": credential.access.value,
        "origin": credential.origin.value,
    }
    if credential.replaces:
        detail["replaces"] = credential.replaces
    issued = Event(credential.created_at, "issued", owner.name, credential.id, actor, detail=detail)
    shown = Event(credential.created_at, "shown", owner.name, credential.id, actor)
    return [issued, shown] if credential.origin in {Origin.PAGE, Origin.API, Origin.CLI} else [issued]
