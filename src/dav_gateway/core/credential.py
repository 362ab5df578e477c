"""The credential: the record behind an app password, and the decision whether it may act now.

A decision is a value with a reason; exceptions are for what should not happen. Stored shapes only grow: a field or an
enum value once written to a store is never renamed or given another meaning.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.core.network import address_of
from dav_gateway.core.scope import Access, Permission, Resource, Scope, permission

Network = IPv4Network | IPv6Network


class Service(StrEnum):
    """The service or device that a person names when making an app password."""

    IPHONE = "iphone"
    ANDROID = "android"
    OUTLOOK = "outlook"
    THUNDERBIRD = "thunderbird"
    MAC = "mac"
    EVOLUTION = "evolution"
    OTHER = "other"


class Origin(StrEnum):
    """By which way a credential was issued."""

    PAGE = "page"
    LOGIN_FLOW = "login-flow"
    PROFILE = "profile"
    API = "api"
    CLI = "cli"


class Reason(StrEnum):
    """Why a request was refused. Stored with the credential and in the audit, so values are never renamed."""

    NO_CREDENTIALS = "no-credentials"
    MALFORMED = "malformed"
    MISTYPED = "mistyped"
    UNKNOWN = "unknown"
    WRONG_SECRET = "wrong-secret"  # noqa: S105 - a reason, not a secret
    NOT_OWNER = "not-owner"
    ACCOUNT_INACTIVE = "account-inactive"
    REVOKED = "revoked"
    EXPIRED = "expired"
    PAUSED = "paused"
    ADDRESS = "address"
    CLIENT = "client"
    SCOPE = "scope"
    READ_ONLY = "read-only"
    DIRECTORY = "directory"
    THROTTLED = "throttled"
    OVERLOADED = "overloaded"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Credential:
    """One row of `credential`. `id` is public (group 1 of the password); the verifier never shows."""

    id: str
    account_id: int
    label: str
    service: Service
    scopes: frozenset[Scope]
    access: Access
    collections: frozenset[str] | None
    networks: tuple[Network, ...]
    expires_at: Moment | None
    verifier: str = field(repr=False)
    origin: Origin
    created_at: Moment
    client_family: str | None = None
    first_used_at: Moment | None = None
    last_used_at: Moment | None = None
    last_used_address: str | None = None
    last_used_client: str | None = None
    paused_at: Moment | None = None
    revoked_at: Moment | None = None
    revoked_by: str | None = None
    revoked_why: str | None = None
    last_refusal_at: Moment | None = None
    last_refusal_reason: str | None = None
    replaces: str | None = None
    last_refusal_hint: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A verified credential of an active account, as read in this request; what it may do is asked, not cached."""

    credential: Credential
    account: Account

    def permission(self, resource: Resource | None) -> Permission:
        """What this grant may do at `resource` (see `scope.permission`)."""
        return permission(
            resource,
            account=self.account.name,
            scopes=self.credential.scopes,
            access=self.credential.access,
            collections=self.credential.collections,
        )

    def has(self, scope: Scope) -> bool:
        """Whether the service exists for this credential at all."""
        return scope in self.credential.scopes


def refusal_of_liveness(credential: Credential, account: Account, now: Moment) -> Reason | None:
    """Why the credential is not alive at `now`, or None when it is. Asked on every request and inside every commit."""
    if credential.revoked_at is not None:
        return Reason.REVOKED
    if not account.active:
        return Reason.ACCOUNT_INACTIVE
    if credential.paused_at is not None:
        return Reason.PAUSED
    if credential.expires_at is not None and credential.expires_at <= now:
        return Reason.EXPIRED
    return None


def address_is_allowed(credential: Credential, address: str) -> bool:
    """Whether a request from `address` (text of an IPv4 or IPv6 address) fits the credential's networks.

    An address that cannot be read fits only a credential without networks.
    """
    if not credential.networks:
        return True
    parsed = address_of(address)
    if parsed is None:
        return False
    return any(parsed in network for network in credential.networks if network.version == parsed.version)
