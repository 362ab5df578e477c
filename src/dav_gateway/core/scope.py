"""What an app password may reach: a pure function of its scopes, access and collections, and of the path.

The scope is the path: calendars live under `/<account>/calendars/`, address books under `/<account>/contacts/`, and no
property change can carry a collection across.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum, auto

EMPLOYEES = "employees"
"""Name of the read-only company directory inside every contacts home."""


class Scope(StrEnum):
    """A service an app password may open; its value is the name of the home set in addresses."""

    CALENDARS = "calendars"
    CONTACTS = "contacts"


class Access(StrEnum):
    """Whether an app password may change what it reaches."""

    READ_WRITE = "read-write"
    READ_ONLY = "read-only"


class Kind(Enum):
    """What a DAV path addresses, by its shape alone."""

    ROOT = auto()
    PRINCIPAL = auto()
    HOME = auto()
    COLLECTION = auto()
    OBJECT = auto()


@dataclass(frozen=True, slots=True)
class Resource:
    """A DAV path below the root, taken apart. Fields beyond the kind's depth are empty strings or None."""

    kind: Kind
    account: str = ""
    home: Scope | None = None
    collection: str = ""
    name: str = ""


class Permission(IntEnum):
    """What a credential may do with one resource; a higher value includes the lower ones."""

    NONE = 0
    READ = 1
    WRITE = 2


def resource_at(path: str) -> Resource | None:
    """The resource that a sanitized path (`/`, `/ana/`, `/ana/calendars/`, `/ana/calendars/team/`, `.../x.ics`) names.

    None for a path that no resource of ours can have: an unknown home, or one more segment than an object has.
    A trailing slash makes no difference: clients leave it out of collections (RFC 4918 section 5.2).
    """
    segments = [segment for segment in path.split("/") if segment]
    if not segments:
        return Resource(Kind.ROOT)
    account = segments[0]
    if len(segments) == 1:
        return Resource(Kind.PRINCIPAL, account)
    try:
        home = Scope(segments[1])
    except ValueError:
        return None
    match segments[2:]:
        case []:
            return Resource(Kind.HOME, account, home)
        case [collection]:
            return Resource(Kind.COLLECTION, account, home, collection)
        case [collection, name]:
            return Resource(Kind.OBJECT, account, home, collection, name)
        case _:
            return None


def permission(
    resource: Resource | None,
    *,
    account: str,
    scopes: Collection[Scope],
    access: Access,
    collections: Collection[str] | None,
) -> Permission:
    """What a credential of `account` may do at `resource`; the one place where scope is decided.

    `collections` None means every collection of the scopes. The root, the own principal and the homes in scope are
    readable by every credential (discovery, RFC 5397, RFC 4791 section 6.2.1); nothing of another account ever is.
    """
    if resource is None:
        return Permission.NONE
    if resource.kind is Kind.ROOT:
        return Permission.READ
    if resource.account != account:
        return Permission.NONE
    if resource.kind is Kind.PRINCIPAL:
        return Permission.READ
    if resource.home not in scopes:
        return Permission.NONE
    if resource.kind is Kind.HOME:
        return Permission.READ
    if collections is not None and resource.collection not in collections:
        return Permission.NONE
    if access is Access.READ_ONLY or is_directory(resource):
        return Permission.READ
    return Permission.WRITE


def is_directory(resource: Resource) -> bool:
    """Whether the resource is, or is inside, the company directory."""
    return resource.home is Scope.CONTACTS and resource.collection == EMPLOYEES
