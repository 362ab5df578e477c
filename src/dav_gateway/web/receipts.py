"""A receipt of the service as the page tells it: the one place that knows its fields."""

from dataclasses import dataclass

from dav_gateway.core.moment import Moment
from dav_gateway.service.revocation import Receipt


@dataclass(frozen=True, slots=True)
class Told:
    """When sync had stopped, and what was cut for it."""

    ids: tuple[str, ...]
    at: Moment
    milliseconds: int
    connections: int
    requests: int


def told(receipt: Receipt) -> Told:
    """The receipt in the terms of the page."""
    took = max(0, receipt.done_at - receipt.decided_at)
    return Told(receipt.ids, receipt.done_at, took, receipt.connections, receipt.requests)
