"""How long a collection remembers what was removed: as many removals as any device that still syncs has to hear of.

A device that comes back with an older sync token is told so (RFC 6578 section 3.2, `valid-sync-token`) and reads the
collection anew; every client does that by itself.
"""

from collections.abc import Callable

from dav_gateway.store import objects
from dav_gateway.store.database import Database

KEPT = 10_000
"""Removals of one collection; some hundred octets each."""
_AT_ONCE = 1000
"""Removals forgotten in one transaction: others write between two of them."""


def forget_old_removals(database: Database, should_stop: Callable[[], bool], *, kept: int = KEPT) -> int:
    """Forget all but the newest `kept` removals of each collection, and return how many were forgotten. Ends early when
    it `should_stop`; what is left is left for the next time. Raises StoreUnavailable."""
    with database.read() as connection:
        collections = objects.with_many_removed(connection, kept)
    forgotten = 0
    for collection_id in collections:
        while not should_stop():
            with database.write() as connection:
                some = objects.forget_some_removed(connection, collection_id, kept, _AT_ONCE)
            if not some:
                break
            forgotten += some
    return forgotten
