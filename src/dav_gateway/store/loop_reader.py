"""Single statements for an event loop, which serves others while the database thinks. See `postgres_loop_reader`."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from dav_gateway.store.prepared import Prepared, Row


class LoopReader(Protocol):
    """For one event loop. What it cannot do at once is for a thread to do, and never an error of the request."""

    async def rows(self, statement: Prepared, values: Mapping[str, object]) -> Sequence[Row]:
        """Every row of one statement, which is a transaction by itself. Raises StoreUnavailable, also when every
        connection is in use."""

    def close(self) -> None:
        """Let go of the connections."""
