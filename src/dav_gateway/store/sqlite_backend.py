"""SQLite: one writer at a time is all there is, so the writer mutex with BEGIN IMMEDIATE is fence and barrier at once.

A write that changes a credential runs before or after a fenced one, never beside it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Literal

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import QueuePool, StaticPool

from dav_gateway.core.moment import Moment
from dav_gateway.store import cuts
from dav_gateway.store.connecting import connect
from dav_gateway.store.group_commit import GroupCommit
from dav_gateway.store.sqlite_dialect import URL
from dav_gateway.store.sqlite_file import SqliteFile


class SqliteBackend:
    """The Backend of a SQLite file."""

    dialect: Literal["sqlite"] = "sqlite"
    waits = False
    one_writer = True

    def __init__(self, file: SqliteFile, *, busy_timeout: float, pool_size: int) -> None:
        """`busy_timeout`: seconds that any lock is waited for at most."""
        self.file: SqliteFile = file
        self.engine = create_engine(
            URL,
            creator=lambda: file.connect(busy_timeout),
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=busy_timeout,
            pool_use_lifo=True,
            hide_parameters=True,
        )
        self._writes = GroupCommit(file.path, self.engine, busy_timeout)

    @contextmanager
    def read(self, *, alone: bool) -> Iterator[Connection]:  # noqa: ARG002 - to begin a transaction costs nothing here
        """One snapshot, of the first statement's moment."""
        c = connect(self.engine)
        try:
            c.begin()
            yield c
        finally:
            c.close()

    def own_reader(self) -> Engine:
        """An engine of one connection, which waits for no lock at all."""
        assert self.file is not None
        return create_engine(URL, creator=partial(self.file.connect, 0), poolclass=StaticPool, hide_parameters=True)

    def loop_reader(self) -> None:
        """None: nothing is waited for."""

    def look(self) -> None:
        """Raises StoreUnavailable when the file was moved away or replaced."""
        self.file.check()

    def alone(self, *, urgent: bool) -> AbstractContextManager[Connection]:
        """A transaction of its own."""
        return self._writes.alone(urgent=urgent)

    def together(self) -> AbstractContextManager[Connection]:
        """A part of a transaction that writers of this process share (`group_commit`)."""
        return self._writes.together()

    def enter(self, c: Connection, credential_id: str) -> None:
        """Nothing: the transaction began with BEGIN IMMEDIATE, so it sees the newest state and nobody can change it."""

    def insisting(self) -> AbstractContextManager[None]:
        """Nothing: it has the only lock there is, and who stops with it is ended by the kernel (bus/watchdog)."""
        return nullcontext()

    def append_cuts(self, c: Connection, credential_ids: Sequence[str], now: Moment, process: str) -> Callable[[], int]:
        """Writers follow each other, and the bus tells after the commit."""
        number = cuts.append(c, credential_ids, now, process)
        return lambda: number

    def pass_barrier(self, credential_ids: Collection[str]) -> None:
        """Nothing: the change itself waited for the writers before it."""

    def order_migrations(self, c: Connection) -> None:
        """Nothing: a migration is a write."""

    def close(self) -> None:
        """Close idle connections and the lock files."""
        self._writes.close()
        self.engine.dispose()
