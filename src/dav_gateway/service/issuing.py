"""Issuing app passwords: the only place where a secret comes into being. It is returned once and kept nowhere."""

from collections.abc import Callable, Collection, Iterable
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
from dav_gateway.service.provisioning import provide
from dav_gateway.service.revocation import (
    Revocation,
    locked_with_credentials,
    required_account,
    required_credential,
    revoke_row,
)
from dav_gateway.service.wish import Wish, label_from, names_from, networks_from, successor
from dav_gateway.store import accounts, audit, collections, credentials
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database
from dav_gateway.store.errors import IdTaken

Also = Callable[[Connection, Credential], None]
"""What a caller adds to the transaction that adds a credential."""

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
    ) -> None:
        """`choose(n)` returns n random bytes, fit for secrets."""
        self._database = database
        self._hashing = hashing
        self._revocation = revocation
        self._clock = clock
        self._choose = choose

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
        chosen = names_from(collections)
        wish = Wish(
            service,
            frozenset(scopes),
            # The directory is read-only for everybody: a password for nothing else says so.
            Access.READ_ONLY if chosen == frozenset({EMPLOYEES}) else access,
            chosen,
            networks_from(networks),
            expires_at,
            label_from(label, service),
            origin,
        )
        now = self._clock()
        wish.refuse_impossible(now)

        def write(credential_id: str, verifier: str) -> Credential:
            with self._database.write() as connection:
                account = _issuable(connection, required_account(connection, account_name), now, room_for=1)
                if wish.collections is not None:
                    _refuse_unknown_collections(connection, account, wish, now)
                credential = wish.record(credential_id, account.id, verifier, now)
                credentials.add(connection, credential)
                if also is not None:
                    also(connection, credential)
                audit.append(connection, *_events(credential, account, actor))
                return credential

        return self._new(write)

    def rotate(
        self, credential_id: str, *, origin: Origin, actor: str, also: Also | None = None
    ) -> tuple[AppPassword, Credential]:
        """A new app password that may do what the old one may; the old one dies when the new one is first seen.

        `also` as in `issue`. One that was issued for the same purpose and never used is revoked now. Raises NotFound,
        and Refusal when the old one is not alive.
        """

        def write(new_id: str, verifier: str) -> Credential:
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
                _issuable(connection, owner, now, room_for=0)
                new = successor(old, new_id, verifier, origin, now)
                credentials.add(connection, new)
                if also is not None:
                    also(connection, new)
                audit.append(connection, *_events(new, owner, actor))
                made.append(new)
                return [each.id for each in unseen]

            self._revocation.carry_out(change, by=actor)
            return made[0]

        return self._new(write)

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

    def _new(self, write: Callable[[str, str], Credential]) -> tuple[AppPassword, Credential]:
        """Make a password outside any transaction (Argon2 would hold up every writer), then `write` its record."""
        for _attempt in range(_ATTEMPTS):
            password = secret.make(self._choose)
            verifier = self._hashing.make(password.reveal(""))
            with suppress(IdTaken):
                return password, write(password.id, verifier)
        raise GatewayError("no free id was found for the app password; try again")


def _issuable(connection: Connection, account: Account, now: Moment, *, room_for: int) -> Account:
    """The account, locked so that the number of its credentials stays what it is. Raises Refusal."""
    account = accounts.lock(connection, account.id)
    if not account.active:
        raise Refusal(f"the account {account.name} is deactivated")
    if credentials.live_count(connection, account.id, now) + room_for > MOST_LIVE:
        raise Refusal(f"{account.name} has {MOST_LIVE} app passwords in use; delete one that is not needed any more")
    return account


def _refuse_unknown_collections(connection: Connection, account: Account, wish: Wish, now: Moment) -> None:
    provide(connection, account.id, now)
    known = {each.name for scope in wish.scopes for each in collections.in_home(connection, account.id, scope)}
    if Scope.CONTACTS in wish.scopes:
        known.add(EMPLOYEES)
    unknown = sorted((wish.collections or frozenset()) - known)
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
