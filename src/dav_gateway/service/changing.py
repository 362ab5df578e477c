"""Changing what an app password may do, after it was issued. Less takes effect at once; more is for whoever proved
anew who they are, which the caller says."""

from dataclasses import dataclass, replace
from typing import Unpack

from sqlalchemy import Connection

from dav_gateway.core.credential import Credential
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import Moment
from dav_gateway.service.issuing import issuable, refuse_unknown_collections
from dav_gateway.service.reach import lost
from dav_gateway.service.receipts import Receipt
from dav_gateway.service.revocation import Limits, Revocation, required_credential
from dav_gateway.service.standings import IdentityNeeded
from dav_gateway.service.wish import Wish
from dav_gateway.store import audit, credentials
from dav_gateway.store.audit import Event


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of a change. `receipt` names nothing where nothing was taken away."""

    credential: Credential
    receipt: Receipt
    widened: bool

    @property
    def narrowed(self) -> bool:
        """Whether something was taken away."""
        return bool(self.receipt.ids)


class Changing:
    """Widen, narrow, or both at once."""

    def __init__(self, revocation: Revocation) -> None:
        """`revocation` carries out what takes reach away, and gives the receipt."""
        self._revocation = revocation

    def change(
        self,
        credential_id: str,
        *,
        by: str,
        may_widen: bool,
        may_narrow: bool = True,
        **limits: Unpack[Limits],
    ) -> Changed:
        """Replace the given fields, in one transaction with the look at what they were. When it returns, nothing that
        the credential lost is sent or stored under it any more.

        Raises NotFound (credential, collection); IdentityNeeded when it would do more and `may_widen` is false; Refusal
        for one that is revoked, for no scope left, for an end in the past, when one that has ended finds no room, and
        when it would do less and `may_narrow` is false.
        """
        found: list[tuple[Credential, bool]] = []

        def write(connection: Connection, now: Moment) -> list[str]:
            before, owner = required_credential(connection, credential_id)
            if before.revoked_at is not None:
                raise Refusal(f"the app password {credential_id} is revoked, for good")
            after = replace(before, **limits)
            _wish_of(after).refuse_impossible(now)
            refuse_unknown_collections(connection, owner, _wish_of(after), now)
            if before.expires_at is not None and before.expires_at <= now:
                issuable(connection, owner, now, room_for=1)  # it comes back to life
            widens, narrows = _gives_more(before, after), _gives_more(after, before)
            if widens and not may_widen:
                raise IdentityNeeded("letting an app password do more needs a recent identity")
            if narrows and not may_narrow:
                raise Refusal("this would let the app password do less than it may now")
            found.append((before, widens))
            if after != before:
                credentials.change(connection, credential_id, **limits)
                changed = sorted(name for name in limits if getattr(after, name) != getattr(before, name))
                detail = {"changed": changed, "widened": widens}
                audit.append(connection, Event(now, "changed", owner.name, credential_id, by, detail=detail))
            return [credential_id] if narrows else []

        receipt = self._revocation.carry_out(write, by=by)
        before, widens = found[-1]
        return Changed(replace(before, **limits), receipt, widens)


def _gives_more(before: Credential, after: Credential) -> bool:
    """Whether `after` may do something, or may go on at a time, that `before` may not."""
    if lost(after, before) is not None:
        return True
    if before.expires_at is None:
        return False
    return after.expires_at is None or after.expires_at > before.expires_at


def _wish_of(credential: Credential) -> Wish:
    """The choices that a credential stands for, so that they are judged as those of a new one are."""
    return Wish(
        credential.service,
        credential.scopes,
        credential.access,
        credential.collections,
        credential.networks,
        credential.expires_at,
        credential.label,
        credential.origin,
    )
