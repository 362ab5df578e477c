"""The first time a credential is used: its client family is learnt, the one it replaces dies, the owner may be told.

Unlike later uses this is no courtesy: until it is written the credential's rules are not settled, so a database that
cannot be written refuses it for now (503), and the next request tries again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.client_family import FamilyPolicy, fits
from dav_gateway.core.credential import Credential
from dav_gateway.core.moment import Moment
from dav_gateway.service.mail.notices import Notices
from dav_gateway.service.presented import Presented
from dav_gateway.service.revocation import Revocation, revoke_row
from dav_gateway.store import audit, credentials
from dav_gateway.store.audit import Event
from dav_gateway.store.credentials import UseNote
from dav_gateway.store.database import Database

LONGEST_CLIENT = 120


@dataclass(frozen=True, slots=True)
class _Seen:
    """The first use: when, and by whom; `anew`: it is the first of another client, after the owner allowed one."""

    at: Moment
    presented: Presented
    family: str | None
    anew: bool

    def event(self, word: str, owner: Account, credential_id: str, **detail: object) -> Event:
        presented = self.presented
        who = (presented.address, self.family, presented.request_id)
        return Event(self.at, word, owner.name, credential_id, None, *who, detail=detail)


class FirstUse:
    """Settles a credential at its first use, in a small write of its own."""

    def __init__(
        self,
        database: Database,
        revocation: Revocation,
        clock: Callable[[], Moment],
        family_policy: FamilyPolicy,
        mail: Notices,
    ) -> None:
        """Under the policy `off` no family is learnt; `mail` tells the owner."""
        self._database = database
        self._revocation = revocation
        self._clock = clock
        self._policy = family_policy
        self._mail = mail

    def is_due(self, credential: Credential, family: str | None) -> bool:
        """Whether a use by a client of `family` changes what is known of the credential."""
        learns = credential.client_family is None and family is not None and self._policy is not FamilyPolicy.OFF
        return learns or credential.first_used_at is None

    def settle(self, credential: Credential, owner: Account, presented: Presented, family: str | None) -> str | None:
        """Write it, and return the family in force from now on: of two first clients at once, one decides.

        Raises StoreUnavailable.
        """
        in_force: list[str | None] = []

        def write(connection: Connection, now: Moment) -> list[str]:
            fixed = credential.client_family
            if fixed is None and family is not None and self._policy is not FamilyPolicy.OFF:
                fixed = credentials.fix_family(connection, credential.id, family)
            in_force.append(fixed)
            if self._policy is FamilyPolicy.ENFORCE and not fits(fixed, family):
                return []
            return self._note(
                connection, credential.id, owner, _Seen(now, presented, family, credential.first_used_at is not None)
            )

        if credential.replaces is not None and credential.first_used_at is None:
            self._revocation.carry_out(write, by="rotation")
        else:
            with self._database.write() as connection:
                write(connection, self._clock())
        return in_force[0]

    def _note(self, connection: Connection, credential_id: str, owner: Account, seen: _Seen) -> list[str]:
        """Write the first use (or that of a new client) unless it was noted meanwhile; the ids of what dies by it."""
        credential = credentials.get(connection, credential_id)
        if credential is None:
            return []
        if credential.first_used_at is None or seen.anew:
            address = seen.presented.address
            self._mail.first_used(connection, owner, credential, seen.at, family=seen.family, address=address)
        if credential.first_used_at is not None:
            return []
        client = client_text(seen.presented.user_agent)
        credentials.note_use(connection, [UseNote(credential.id, seen.at, seen.presented.address, client)])
        audit.append(connection, seen.event("first_used", owner, credential.id))
        replaced = credentials.get(connection, credential.replaces) if credential.replaces else None
        if replaced is None or replaced.revoked_at is not None:
            return []
        revoke_row(connection, replaced, owner, seen.at, by="rotation", why=f"replaced by {credential.id}")
        audit.append(connection, seen.event("rotated", owner, credential.id, replaced=replaced.id))
        return [replaced.id]


def client_text(user_agent: str) -> str:
    """A User-Agent as the owner sees it: printable and short."""
    return "".join(character for character in user_agent if character.isprintable())[:LONGEST_CLIENT]
