"""What differs between the two engines: chiefly how a write and the liveness of its credential stay together.

The promise to `Database`: between the moment a fenced writer looks at its credential and its commit, no transaction
that changes this credential has returned. See `sqlite_backend` and `postgres_backend` for how.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from sqlalchemy import Connection, Engine

from dav_gateway.core.moment import Moment
from dav_gateway.store.loop_reader import LoopReader
from dav_gateway.store.sqlite_file import SqliteFile


class Backend(Protocol):
    """One for each open database; every method may raise StoreUnavailable."""

    engine: Engine

    @property
    def file(self) -> SqliteFile | None:
        """The file of a SQLite database."""

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which one it is."""

    @property
    def waits(self) -> bool:
        """Whether each statement waits for a network, and so do BEGIN and COMMIT."""

    @property
    def one_writer(self) -> bool:
        """Whether a write is the only one from its begin to its end: what it reads is the newest, and nobody's to
        change. Elsewhere what a write decides by is locked row by row, and read after that."""

    def read(self, *, alone: bool) -> AbstractContextManager[Connection]:
        """A read transaction: one snapshot of everything. `alone`: only one statement comes, so nothing has to hold
        the snapshot for another."""

    def own_reader(self) -> Engine | None:
        """A new engine of one connection for a thread that must not wait; None where reading means waiting."""

    def loop_reader(self) -> LoopReader | None:
        """Reads of an event loop that does other things meanwhile; None where reading does not mean waiting."""

    def look(self) -> None:
        """Called before every transaction, reads too: is the database still the one that was opened?"""

    def alone(self, *, urgent: bool) -> AbstractContextManager[Connection]:
        """A write transaction: committed when the block ends, rolled back by any exception that leaves it. An urgent
        one goes before others."""

    def together(self) -> AbstractContextManager[Connection]:
        """The same for a short write, which may share the wait for the disk with others; what it sees, keeps and undoes
        is as if it were alone."""

    def enter(self, c: Connection, credential_id: str) -> None:
        """Called first in a fenced write: what it reads after this is new enough to trust until its commit."""

    def insisting(self) -> AbstractContextManager[None]:
        """Around a change of credentials and its commit: nobody who has stopped keeps it waiting for a lock of theirs
        for long."""

    def append_cuts(self, c: Connection, credential_ids: Sequence[str], now: Moment, process: str) -> Callable[[], int]:
        """Called last in a change of credentials: `cuts.append`, whose sequence numbers become visible in order; who
        listens is told at the commit. The last number is asked for after that."""

    def pass_barrier(self, credential_ids: Collection[str]) -> None:
        """Called after a change of credentials is committed: return when no writer is left that looked before it."""

    def order_migrations(self, c: Connection) -> None:
        """Called first in a migration: let no other process migrate meanwhile."""

    def close(self) -> None:
        """Let go of everything that is not in use; called once."""
