"""Login Flow v2 (Nextcloud developer manual, "Login Flow"): the states of one flow.

A client starts it, a person approves or denies it in a browser, and the client collects what was approved, once.

    started -> approved -> collected
       |          |
       +-> denied +-> expired <- started
"""

from dataclasses import dataclass
from enum import StrEnum

from dav_gateway.core.moment import SECOND, Moment

LIFETIME = 1200 * SECOND
"""Twenty minutes, as Nextcloud's."""


class FlowState(StrEnum):
    """Where a flow is. Stored, so values are never renamed."""

    STARTED = "started"
    APPROVED = "approved"
    DENIED = "denied"
    COLLECTED = "collected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Flow:
    """One row of `login_flow`, without its digests. `client` is the User-Agent that started it, printable and short;
    `wish` is what was approved, as the service writes it."""

    id: int
    state: FlowState
    client: str
    address: str
    created_at: Moment
    expires_at: Moment
    account_id: int | None = None
    wish: str | None = None
    decided_at: Moment | None = None
    collected_at: Moment | None = None
    credential_id: str | None = None

    def is_open(self, now: Moment) -> bool:
        """Whether it still waits for a person at `now`."""
        return self.state is FlowState.STARTED and now < self.expires_at
