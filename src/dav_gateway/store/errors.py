"""Refusals that only the store can see, because a constraint or a row decides them.

Each leaves by `Database.write` like any exception: the whole transaction is rolled back. `StoreUnavailable`, which
every function of this package may raise, is in `core.errors`.
"""

from dav_gateway.core.errors import Refusal


class NameTaken(Refusal):
    """Another account has this name or e-mail; `field` says which of the two."""

    def __init__(self, field: str, value: str) -> None:
        super().__init__(f"another account has the {field} {value}")
        self.field = field


class IdTaken(Refusal):
    """A credential with this public id exists (25 bits do collide): choose another one."""

    def __init__(self, credential_id: str) -> None:
        super().__init__(f"a credential with the id {credential_id} exists")


class CollectionExists(Refusal):
    """The home has a collection of this name (RFC 4791 section 5.3.1.1, precondition resource-must-be-null)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"a collection {name} exists")
        self.name = name


class UidConflict(Refusal):
    """Another object of the collection has this UID (RFC 4791 section 5.3.2.1, RFC 6352 section 6.3.2.1, precondition
    no-uid-conflict); `holder` is its name."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"the object {holder} of this collection has the same UID")
        self.holder = holder


class SyncTokenTooOld(Refusal):
    """The sync token is older than the tombstones kept, of another collection or incarnation, from the future, or
    none of ours (RFC 6578 section 3.2, precondition valid-sync-token)."""

    def __init__(self) -> None:
        super().__init__("the sync token is no longer valid: synchronise from the start")
