"""Rows of `credential`. A row is never deleted: a revoked one stays as history.

Whatever changes the liveness or the reach of a credential is written inside `Database.change_credentials`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypedDict, Unpack

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Network, Origin, Service
from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.store import accounts
from dav_gateway.store.columns import (
    dump_names,
    dump_networks,
    dump_scopes,
    load_names,
    load_networks,
    load_scopes,
)
from dav_gateway.store.dialects import insert_or_nothing
from dav_gateway.store.errors import IdTaken
from dav_gateway.store.schema import account, credential


class CredentialChanges(TypedDict, total=False):
    """What `change` may be given; the id, the owner and the origin of a credential never change."""

    label: str
    service: Service
    scopes: Collection[Scope]
    access: Access
    collections: Collection[str] | None
    networks: Sequence[Network]
    expires_at: Moment | None
    verifier: str
    client_family: str | None
    paused_at: Moment | None
    revoked_at: Moment | None
    revoked_by: str | None
    revoked_why: str | None
    replaces: str | None


@dataclass(frozen=True, slots=True)
class UseNote:
    """One use of a credential, as the person sees it: when, from which address, by which client."""

    credential_id: str
    at: Moment
    address: str
    client: str


@dataclass(frozen=True, slots=True)
class RefusalNote:
    """One refusal of a credential, as the person sees it; `reason` is the text of a `core.credential.Reason`, and
    `hint` the one fact that a sentence about it needs (`service.notes` says which)."""

    credential_id: str
    at: Moment
    reason: str
    hint: str | None = None


_COLUMNS = len(credential.c)
_ID = credential.c.id == bindparam("credential_id")
_GET = select(credential).where(_ID)
_WITH_OWNER = select(credential, account).join(account, account.c.id == credential.c.account_id).where(_ID)
_OF_ACCOUNT = (
    select(credential)
    .where(credential.c.account_id == bindparam("account_id"))
    .order_by(credential.c.created_at, credential.c.id)
)
_NOT_REVOKED = (
    select(credential, account)
    .join(account, account.c.id == credential.c.account_id)
    .where(credential.c.revoked_at.is_(None))
    .order_by(account.c.name, credential.c.created_at, credential.c.id)
)
_LIFETIMES = select(credential.c.created_at, credential.c.revoked_at, credential.c.expires_at)
_ADD = insert_or_nothing(credential, [credential.c.id])
_CHANGE = update(credential).where(_ID).returning(credential)
_LIVE = select(func.count()).where(
    credential.c.account_id == bindparam("account_id"),
    credential.c.revoked_at.is_(None),
    or_(credential.c.expires_at.is_(None), credential.c.expires_at > bindparam("now")),
)
_USE = (
    update(credential)
    .where(_ID, func.coalesce(credential.c.last_used_at, 0) <= bindparam("at"))
    .values(
        first_used_at=func.coalesce(credential.c.first_used_at, bindparam("at")),
        last_used_at=bindparam("at"),
        last_used_address=bindparam("address"),
        last_used_client=bindparam("client"),
    )
)
_REFUSAL = (
    update(credential)
    .where(_ID, func.coalesce(credential.c.last_refusal_at, 0) <= bindparam("at"))
    .values(
        last_refusal_at=bindparam("at"), last_refusal_reason=bindparam("reason"), last_refusal_hint=bindparam("hint")
    )
)
_FAMILY = (
    update(credential)
    .where(_ID)
    .values(client_family=func.coalesce(credential.c.client_family, bindparam("family")))
    .returning(credential.c.client_family)
)
_EXPIRED = (
    select(credential.c.id)
    .where(
        and_(credential.c.expires_at > bindparam("after"), credential.c.expires_at <= bindparam("until")),
        credential.c.revoked_at.is_(None),
    )
    .order_by(credential.c.expires_at, credential.c.id)
)


def from_row(row: Sequence[Any]) -> Credential:
    """The Credential of a row that begins with the columns of `credential` in the order of the table."""
    return _made(tuple(row[:_COLUMNS]))


@lru_cache(maxsize=2048)
def _made(row: tuple[Any, ...]) -> Credential:
    """The same object for the same row: devices ask all day, and their rows change once in a while."""
    return Credential(
        row[0],
        row[1],
        row[2],
        Service(row[3]),
        load_scopes(row[4]),
        Access(row[5]),
        load_names(row[6]),
        load_networks(row[7]),
        row[8],
        row[9],
        Origin(row[10]),
        *row[11:_COLUMNS],
    )


def add(c: Connection, new: Credential) -> None:
    """Add a credential. Raises IdTaken when its public id exists."""
    values = {
        "id": new.id,
        "account_id": new.account_id,
        "label": new.label,
        "service": new.service.value,
        "scopes": dump_scopes(new.scopes),
        "access": new.access.value,
        "collections": dump_names(new.collections),
        "networks": dump_networks(new.networks),
        "expires_at": new.expires_at,
        "verifier": new.verifier,
        "origin": new.origin.value,
        "created_at": new.created_at,
        "client_family": new.client_family,
        "first_used_at": new.first_used_at,
        "last_used_at": new.last_used_at,
        "last_used_address": new.last_used_address,
        "last_used_client": new.last_used_client,
        "paused_at": new.paused_at,
        "revoked_at": new.revoked_at,
        "revoked_by": new.revoked_by,
        "revoked_why": new.revoked_why,
        "last_refusal_at": new.last_refusal_at,
        "last_refusal_reason": new.last_refusal_reason,
        "replaces": new.replaces,
        "last_refusal_hint": new.last_refusal_hint,
    }
    if c.execute(_ADD, values).first() is None:
        raise IdTaken(new.id)


def get(c: Connection, credential_id: str) -> Credential | None:
    """The credential with this public id, alive or not."""
    row = c.execute(_GET, {"credential_id": credential_id}).first()
    return None if row is None else from_row(row)


def with_owner(c: Connection, credential_id: str) -> tuple[Credential, Account] | None:
    """The credential with this public id, alive or not, and its owner: the read of every request, one row by key."""
    row = c.execute(_WITH_OWNER, {"credential_id": credential_id}).first()
    if row is None:
        return None
    return from_row(row), accounts.from_row(row[_COLUMNS:])


def of_account(c: Connection, account_id: int) -> list[Credential]:
    """Every credential of an account, dead ones too, oldest first."""
    return [from_row(row) for row in c.execute(_OF_ACCOUNT, {"account_id": account_id})]


def not_revoked(c: Connection) -> list[tuple[Credential, Account]]:
    """Every credential that is not revoked with its owner, by owner's name, oldest first."""
    return [(from_row(row), accounts.from_row(row[_COLUMNS:])) for row in c.execute(_NOT_REVOKED)]


def change(c: Connection, credential_id: str, **fields: Unpack[CredentialChanges]) -> Credential:
    """Change the given fields and return the row as it is then. Raises NotFound."""
    values: dict[str, object] = dict(fields)
    if "service" in fields:
        values["service"] = fields["service"].value
    if "scopes" in fields:
        values["scopes"] = dump_scopes(fields["scopes"])
    if "access" in fields:
        values["access"] = fields["access"].value
    if "collections" in fields:
        values["collections"] = dump_names(fields["collections"])
    if "networks" in fields:
        values["networks"] = dump_networks(fields["networks"])
    row = c.execute(_CHANGE.values(**values), {"credential_id": credential_id}).first()
    if row is None:
        raise NotFound(f"no app password has the id {credential_id}")
    return from_row(row)


def live_count(c: Connection, account_id: int, now: Moment) -> int:
    """How many credentials of the account are neither revoked nor expired; a paused one counts, it may be resumed."""
    return c.execute(_LIVE, {"account_id": account_id, "now": now}).scalar_one()


def note_use(c: Connection, uses: Iterable[UseNote]) -> None:
    """Write first and last uses; an older use never replaces a newer one. Rows are locked in order of id."""
    rows = [
        {"credential_id": use.credential_id, "at": use.at, "address": use.address, "client": use.client}
        for use in sorted(uses, key=lambda use: (use.credential_id, use.at))
    ]
    if rows:
        c.execute(_USE, rows)


def note_refusal(c: Connection, refusals: Iterable[RefusalNote]) -> None:
    """Write last refusals; an older one never replaces a newer one. Rows are locked in order of id."""
    rows = [
        {"credential_id": refused.credential_id, "at": refused.at, "reason": refused.reason, "hint": refused.hint}
        for refused in sorted(refusals, key=lambda refused: (refused.credential_id, refused.at))
    ]
    if rows:
        c.execute(_REFUSAL, rows)


def fix_family(c: Connection, credential_id: str, family: str) -> str | None:
    """Fix the client family unless one is fixed already, and return the one in force: of two first requests at once,
    the second learns that it lost. None when there is no such credential."""
    return c.execute(_FAMILY, {"credential_id": credential_id, "family": family}).scalar_one_or_none()


def expired_between(c: Connection, after: Moment, until: Moment) -> list[str]:
    """Ids of the credentials, not revoked, that expire later than `after` and not later than `until`."""
    return list(c.execute(_EXPIRED, {"after": after, "until": until}).scalars())


def lifetimes(c: Connection) -> list[tuple[Moment, Moment | None, Moment | None]]:
    """(created, revoked, expires) of every credential there ever was."""
    return [(row[0], row[1], row[2]) for row in c.execute(_LIFETIMES)]
