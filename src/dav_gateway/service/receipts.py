"""Receipts: what a revocation ended, who said so, and when the last byte could have gone out."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dav_gateway.bus.protocol import Acknowledgement
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import SECOND, Moment
from dav_gateway.store import audit, receipts
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One revocation, pause or narrowing.

    `decided_at`: when it was decided. `done_at`: from then on nothing can be sent or stored any more. `connections`
    were cut, and `requests` of them were running. `acknowledgements`: how each process that served came to its end.
    `number` is that of the record, None when there is none.
    """

    ids: tuple[str, ...]
    decided_at: Moment
    done_at: Moment
    connections: int
    requests: int
    acknowledgements: tuple[Acknowledgement, ...] = ()
    number: int | None = None


def receipt_of(
    ids: Sequence[str], decided_at: Moment, done_at: Moment, acknowledgements: Sequence[Acknowledgement]
) -> Receipt:
    """The receipt of a revocation that is done, not yet recorded."""
    connections, requests = _sum([_count_of(each, ids) for each in acknowledgements])
    return Receipt(tuple(ids), decided_at, done_at, connections, requests, tuple(acknowledgements))


def record(database: Database, receipt: Receipt, by: str | None) -> Receipt:
    """Record it, and say it in the audit of each credential; the receipt with its number.

    A database that cannot be written now takes nothing back: the receipt is then returned without a number.
    """
    try:
        with database.write(urgent=True) as connection:
            number = receipts.add(
                connection,
                receipt.ids,
                decided_at=receipt.decided_at,
                done_at=receipt.done_at,
                actor=by,
                connections=receipt.connections,
                requests=receipt.requests,
                acknowledgements=rows_of(receipt),
            )
            audit.append_owned(connection, *(_event(receipt, number, one, by) for one in receipt.ids))
    except StoreUnavailable as error:
        _log.warning("a revocation is done and its receipt could not be recorded: %s", error)
        return receipt
    return replace(receipt, number=number)


def rows_of(receipt: Receipt) -> tuple[receipts.Row, ...]:
    """The acknowledgements as they are recorded."""
    return tuple(
        (each.member, each.how, round(each.seconds * SECOND), *_count_of(each, receipt.ids))
        for each in receipt.acknowledgements
    )


def _event(receipt: Receipt, number: int, credential_id: str, by: str | None) -> Event:
    cut, running = _sum([each.tally.get(credential_id, (0, 0)) for each in receipt.acknowledgements])
    detail = {"receipt": number, "connections": cut, "requests": running}
    return Event(receipt.done_at, "cut", credential_id=credential_id, actor=by, detail=detail)


def _count_of(acknowledgement: Acknowledgement, ids: Sequence[str]) -> tuple[int, int]:
    return _sum([acknowledgement.tally.get(one, (0, 0)) for one in ids])


def _sum(counts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(cut for cut, _ in counts), sum(running for _, running in counts)
