"""Read transactions for a thread that must not wait: one connection that stays open, and no pool to queue for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.store.sqlite_dialect import begin_reading, end_reading


class OwnReader:
    """Reads for the one thread that calls it. A lock that somebody holds is StoreUnavailable at once."""

    def __init__(self, engine: Engine, look: Callable[[], None]) -> None:
        """`engine` has one connection; `look` raises StoreUnavailable when the database is no longer the one opened."""
        self._engine = engine
        self._look = look
        self._connection: Connection | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """As `Database.read`: one snapshot of everything, rolled back at the end."""
        self._look()
        if self._connection is None:
            self._connection = self._engine.connect()
        begin_reading(self._connection)
        try:
            yield self._connection
        except StoreUnavailable:
            # A connection that failed is not used again.
            self._connection.invalidate()
            raise
        finally:
            end_reading(self._connection)
