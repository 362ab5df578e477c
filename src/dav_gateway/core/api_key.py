"""API keys: what a portal of the company presents to act for its people. Like an app password, a key is scoped, shown
once and revocable; unlike one, it opens no calendar and belongs to no device."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from dav_gateway.core import one_time
from dav_gateway.core.moment import Moment
from dav_gateway.core.one_time import OneTimeSecret

PREFIX = "davgw_"
"""What a scanner of repositories recognises a leaked key by."""


class ApiScope(StrEnum):
    """What a key may do. Stored, so values are never renamed."""

    ACCOUNTS_READ = "accounts:read"
    APP_PASSWORDS_READ = "app-passwords:read"
    APP_PASSWORDS_ISSUE = "app-passwords:issue"
    APP_PASSWORDS_REVOKE = "app-passwords:revoke"
    AUDIT_READ = "audit:read"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One row of `api_key`, without its digest. `id` is public."""

    id: int
    name: str
    scopes: frozenset[ApiScope]
    created_at: Moment
    created_by: str
    revoked_at: Moment | None = None
    revoked_by: str | None = None

    def may(self, scope: ApiScope) -> bool:
        """Whether the key may do this, now."""
        return self.revoked_at is None and scope in self.scopes


def make(choose: Callable[[int], bytes]) -> OneTimeSecret:
    """A new key from `choose(n)`, which returns n random bytes."""
    return OneTimeSecret(PREFIX + one_time.make(choose).reveal())


def digest(text: str) -> str | None:
    """What is stored of a key that was presented; None for a text that is none."""
    return one_time.digest(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else None
