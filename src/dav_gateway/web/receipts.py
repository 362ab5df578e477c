"""A receipt of the service as the page tells it: the one place that knows its fields."""

from dataclasses import dataclass

from dav_gateway.core.moment import Moment
from dav_gateway.service.receipts import Receipt


@dataclass(frozen=True, slots=True)
class Told:
    """When sync had stopped, what was cut for it, how many processes have said so, and the number of the record."""

    ids: tuple[str, ...]
    at: Moment
    milliseconds: int
    connections: int
    requests: int
    processes: int
    number: int | None


def told(receipt: Receipt) -> Told:
    """The receipt in the terms of the page."""
    took = max(0, receipt.done_at - receipt.decided_at)
    # One that had ended, or had no right to serve any more, has confirmed nothing.
    processes = sum(each.how == "cut" for each in receipt.acknowledgements)
    return Told(receipt.ids, receipt.done_at, took, receipt.connections, receipt.requests, processes, receipt.number)
