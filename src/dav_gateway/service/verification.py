"""Verification: from what a request presents to a grant or a refusal, with one read in the normal case.

    shape and checksum -> one read by id -> the secret -> and only for who knows the secret: owner, liveness,
    address, client family

What fails before the secret is proven tells nothing of the rest. A process remembers that a secret is right, never that
its credential is alive: that is read here on every request, and by the fence inside every commit. Whom the fence let
pass last is `expected` there again, without a read in front of the lock, and then the fence asks all of it.
"""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.client_family import FamilyPolicy, family_of, fits, title_of
from dav_gateway.core.credential import Credential, Grant, Reason, address_is_allowed, refusal_of_liveness
from dav_gateway.core.errors import Fenced, GatewayError, Overloaded, StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Kind, Resource
from dav_gateway.core.secret import AppPassword, Mistyped
from dav_gateway.service.first_use import FirstUse
from dav_gateway.service.hashing import Hashing
from dav_gateway.service.memo import Memo
from dav_gateway.service.presented import Granted, Presented, Refused
from dav_gateway.service.reach import lost
from dav_gateway.service.throttle import Throttle
from dav_gateway.service.usage import Usage
from dav_gateway.service.writers import Writers
from dav_gateway.store import credentials, held_sight, sight
from dav_gateway.store.database import Database, Fence
from dav_gateway.store.sight import Sight

__all__ = ["Granted", "NotAsExpected", "Presented", "Refused", "Verification"]

RETRY_SOON = 2
"""Seconds until a request is worth repeating after an overload or a failing database."""

_OF_LIVENESS = {
    Reason.REVOKED: "a deleted app password is still being tried",
    Reason.EXPIRED: "the app password has expired",
    Reason.PAUSED: "the app password is paused",
    Reason.ACCOUNT_INACTIVE: "the account is deactivated",
}


class NotAsExpected(Exception):
    """Behind the lock a credential is not what it was when it wrote last: it has to be verified from the beginning."""


class Verification:
    """Decides on every request whether what it presents may act. Safe for threads."""

    def __init__(
        self,
        database: Database,
        hashing: Hashing,
        memo: Memo,
        throttle: Throttle,
        clock: Callable[[], Moment],
        *,
        usage: Usage,
        first_use: FirstUse,
        family_policy: FamilyPolicy = FamilyPolicy.ENFORCE,
    ) -> None:
        """`usage` and `first_use` write what the owner sees; `family_policy` says what another kind of client means."""
        self._database = database
        self._hashing = hashing
        self._memo = memo
        self._throttle = throttle
        self._clock = clock
        self._usage = usage
        self._first_use = first_use
        self._policy = family_policy
        self._writers = Writers()

    def verify(self, connection: Connection, presented: Presented) -> Granted | Refused:
        """The decision; trouble of our own is a refusal too (STORE, OVERLOADED), so nothing is raised for it.

        `connection` is the read transaction that serves the request: liveness and data are of one snapshot.
        """
        verdict = self._verify(connection, presented)
        if isinstance(verdict, Refused):
            self._usage.refused(verdict.credential_id, verdict.reason, presented, hint=verdict.hint)
        else:
            self._usage.used(verdict.grant, presented)
        return verdict

    def verify_proven(
        self,
        connection: Connection,
        presented: Presented,
        resource: Resource | None,
        most_octets: int | None,
        since: int | None = None,
    ) -> tuple[Grant, Sight] | None:
        """The grant where `verify` would say so after one read, without a hash, a write or a word to the owner; else
        None, and `verify` decides. What is at `resource`, a collection or an object, is seen in the same statement,
        without octets that are more than `most_octets`, and what changed in a collection after `since`. Raises
        StoreUnavailable."""
        password = presented.password
        if isinstance(password, Mistyped):
            return None
        return self.verify_seen(_look(connection, password.id, resource, most_octets, since), presented)

    def verify_seen(self, seen: Sight | None, presented: Presented) -> tuple[Grant, Sight] | None:
        """As `verify_proven`, of what was just seen of the credential that is presented."""
        password = presented.password
        if seen is None or isinstance(password, Mistyped):
            return None
        grant = self._proven(seen.credential, seen.owner, password, presented)
        if grant is None:
            return None
        self._usage.used(grant, presented)
        return grant, seen

    def expected(self, presented: Presented) -> Grant | None:
        """The grant under which this secret has written last, where all that was known then still speaks for it: reason
        enough to queue for the lock and for nothing else. It may be dead since, so nothing is told and nothing is kept
        before `fence_of_expected` has read it."""
        password = presented.password
        last = None if isinstance(password, Mistyped) else self._writers.last(password.id)
        if isinstance(password, Mistyped) or last is None:
            return None
        return self._proven(last.credential, last.account, password, presented)

    def fence_of_expected(
        self,
        presented: Presented,
        resource: Resource | None,
        most_octets: int | None,
        note: Callable[[Grant, Sight], None],
    ) -> Fence:
        """The question of a write that has asked nothing yet but `expected`: all that `verify_proven` asks. `note` is
        told what it found, and may raise what ends the write. Raises NotAsExpected where `verify` has to decide."""
        password = presented.password
        assert not isinstance(password, Mistyped), "what cannot be a password is never expected"

        def check(connection: Connection) -> None:
            seen = self._look_to_write(connection, password.id, resource, most_octets)
            found = self.verify_seen(seen, presented)
            if found is None:
                self._writers.forget(password.id)
                raise NotAsExpected
            self._writers.note(found[0])
            note(*found)

        return Fence(password.id, check)

    def fence(
        self,
        grant: Grant,
        resource: Resource | None = None,
        most_octets: int | None = None,
        note: Callable[[Sight], None] | None = None,
    ) -> Fence:
        """The question for the write transaction: may the credential still do all it could when it was verified? If it
        may, `note` is told what is at `resource`, seen in the same statement, as `verify_proven` sees it."""

        def check(connection: Connection) -> None:
            seen = self._look_to_write(connection, grant.credential.id, resource, most_octets)
            if seen is None:
                raise Fenced(Reason.REVOKED)
            credential, owner = seen.credential, seen.owner
            reason = refusal_of_liveness(credential, owner, self._clock()) or lost(grant.credential, credential)
            if reason is not None:
                raise Fenced(reason)
            self._writers.note(Grant(credential, owner))
            if note is not None:
                note(seen)

        return Fence(grant.credential.id, check)

    def _look_to_write(
        self, connection: Connection, credential_id: str, resource: Resource | None, most_octets: int | None
    ) -> Sight | None:
        if resource is None or self._database.one_writer:
            return _look(connection, credential_id, resource, most_octets)
        return held_sight.look(connection, credential_id, resource, most_octets=most_octets)

    def _proven(
        self, credential: Credential, owner: Account, password: AppPassword, presented: Presented
    ) -> Grant | None:
        """The grant, if the secret was proven before against this verifier and nothing is to be said or written."""
        if not self._memo.knows(password.id, password.reveal(""), credential.verifier):
            return None
        family = family_of(presented.user_agent)
        if (
            not owner.provisioned
            or self._refusal(credential, owner, presented) is not None
            or not fits(credential.client_family, family)
            or self._first_use.is_due(credential, family)
        ):
            return None
        return Grant(credential, owner)

    def _verify(self, connection: Connection, presented: Presented) -> Granted | Refused:
        password = presented.password
        if isinstance(password, Mistyped):
            group = None if password.group is None else str(password.group)
            return Refused(Reason.MISTYPED, password.id, str(password), hint=group)
        try:
            row = credentials.with_owner(connection, password.id)
            refusal = self._prove(password, row, presented)
            if refusal is not None:
                return refusal
            assert row is not None, "what does not exist is never proven"
            return self._admit(*row, presented)
        except StoreUnavailable as error:
            return Refused(Reason.STORE, password.id, str(error), RETRY_SOON)
        except GatewayError as error:
            return Refused(Reason.OVERLOADED, password.id, str(error), RETRY_SOON)

    def _prove(
        self, password: AppPassword, row: tuple[Credential, Account] | None, presented: Presented
    ) -> Refused | None:
        """None when the password is the credential's own; an unknown id costs the work of a known one."""
        text = password.reveal("")
        verifier = row[0].verifier if row else None
        if verifier is not None and self._memo.knows(password.id, text, verifier):
            return None
        suspect = self._throttle.wait(presented.address, password.id) > 0
        if verifier is None:
            self._hashing.check_nothing(text, suspect=suspect)
            return self._failed(Reason.UNKNOWN, None, password.id, presented)
        if not self._is_its_secret(password, verifier, suspect=suspect):
            return self._failed(Reason.WRONG_SECRET, password.id, password.id, presented)
        self._memo.learn(password.id, text, self._rehashed(password, verifier))
        return None

    def _is_its_secret(self, password: AppPassword, verifier: str, *, suspect: bool) -> bool:
        """Whether the verifier is of this password: of its 25 symbols as ours are, or, when it was made elsewhere (its
        parameters are not the setting's), of the text as the person sees it."""
        if self._hashing.check(verifier, password.reveal(""), suspect=suspect):
            return True
        foreign = self._hashing.needs_rehash(verifier)
        return foreign and self._hashing.check(verifier, password.reveal(), suspect=suspect)

    def _failed(self, reason: Reason, credential_id: str | None, tried: str, presented: Presented) -> Refused:
        wait = self._throttle.fail(presented.address, tried)
        if wait:
            return Refused(Reason.THROTTLED, credential_id, "too many failures from this address", wait)
        return Refused(reason, credential_id, "the app password is not right")

    def _rehashed(self, password: AppPassword, verifier: str) -> str:
        """The verifier now in force: a new one when the setting changed, if it can be made and stored right now."""
        if not self._hashing.needs_rehash(verifier):
            return verifier
        try:
            fresh = self._hashing.make(password.reveal(""))
            with self._database.write() as connection:
                current = credentials.get(connection, password.id)
                if current is None or current.verifier != verifier:
                    return verifier
                credentials.change(connection, password.id, verifier=fresh)
        except (Overloaded, StoreUnavailable):
            return verifier
        return fresh

    def _admit(self, credential: Credential, owner: Account, presented: Presented) -> Granted | Refused:
        """Everything that only the holder of the right secret learns."""
        return self._refusal(credential, owner, presented) or self._admit_client(credential, owner, presented)

    def _refusal(self, credential: Credential, owner: Account, presented: Presented) -> Refused | None:
        if not owner.answers_to(presented.login):
            return Refused(Reason.NOT_OWNER, credential.id, "the user name is not the owner's")
        reason = refusal_of_liveness(credential, owner, self._clock())
        if reason is not None:
            return Refused(reason, credential.id, _OF_LIVENESS[reason])
        if not address_is_allowed(credential, presented.address):
            return Refused(Reason.ADDRESS, credential.id, "it is not meant for this network")
        return None

    def _admit_client(self, credential: Credential, owner: Account, presented: Presented) -> Granted | Refused:
        seen, fixed = family_of(presented.user_agent), credential.client_family
        if self._admits(fixed, seen) and self._first_use.is_due(credential, seen):
            fixed = self._first_use.settle(credential, owner, presented, seen)
        if not self._admits(fixed, seen):
            kind = title_of(fixed or "")
            return Refused(Reason.CLIENT, credential.id, f"it belongs to another kind of client: {kind}", hint=seen)
        grant = Grant(replace(credential, client_family=fixed), owner)
        if self._policy is FamilyPolicy.WARN and not fits(fixed, seen):
            self._usage.warned(grant, presented)
        return Granted(grant)

    def _admits(self, fixed: str | None, seen: str | None) -> bool:
        return self._policy is not FamilyPolicy.ENFORCE or fits(fixed, seen)


def _look(
    connection: Connection,
    credential_id: str,
    resource: Resource | None,
    most_octets: int | None,
    since: int | None = None,
) -> Sight | None:
    if resource is not None and resource.kind in (Kind.COLLECTION, Kind.OBJECT):
        return sight.look(connection, credential_id, resource, most_octets=most_octets, since=since)
    row = credentials.with_owner(connection, credential_id)
    return None if row is None else Sight(*row)
