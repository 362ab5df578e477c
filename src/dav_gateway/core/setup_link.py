"""One-time set-up links: what they hand over, and for how long they can be redeemed."""

from dataclasses import dataclass
from enum import StrEnum

from dav_gateway.core.moment import MINUTE, Moment

LIFETIME = 5 * MINUTE


class SetupKind(StrEnum):
    """What redeeming a link gives. Stored, so values are never renamed."""

    APPLE_PROFILE = "apple-profile"
    DAVX5 = "davx5"


@dataclass(frozen=True, slots=True)
class SetupLink:
    """One row of `setup_link`, without its digest. `wishes` is what redeeming it issues, as the service writes it."""

    id: int
    account_id: int
    kind: SetupKind
    wishes: str
    created_at: Moment
    expires_at: Moment
    redeemed_at: Moment | None = None

    def is_open(self, now: Moment) -> bool:
        """Whether it can be redeemed at `now`."""
        return self.redeemed_at is None and now < self.expires_at
