"""Writers of one process that wait for the SQLite file share a transaction, and so one wait for the disk.

Who has written passes the open transaction on to the next in the queue of the writer mutex, who writes behind a
savepoint of its own, until nobody waits or the group is full; the last one commits. They still write one after the
other: each sees what those before it wrote and asks its fence in the transaction that commits it. Every member waits
for that commit, those too that were rolled back, because what they were refused for may come from a companion.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from sqlalchemy import Connection, Engine

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.store.connecting import connect
from dav_gateway.store.failures import as_unavailable
from dav_gateway.store.sqlite_dialect import begin_writing, driver
from dav_gateway.store.writer_mutex import WriterMutex

MOST = 32
"""Members of a group."""

SECONDS = 0.02
"""After this a group takes no further member: what a revocation in another process waits for in addition."""


class GroupCommit:
    """All writes of one process to one SQLite file; made after any fork."""

    def __init__(self, database: Path, engine: Engine, limit: float) -> None:
        """`limit`: seconds that a writer waits for the others at most."""
        self._engine = engine
        self._mutex = WriterMutex(database, limit, self._end)
        # Both belong to who has the mutex. The connection stays open: taking one from the pool and giving it back costs
        # as much as two of a write's statements.
        self._group: _Group | None = None
        self._c: Connection | None = None

    @contextmanager
    def alone(self, *, urgent: bool) -> Iterator[Connection]:
        """A transaction that is nobody else's."""
        c = connect(self._engine)
        try:
            self._mutex.acquire(urgent=urgent)
            try:
                with begin_writing(c):
                    yield c
            finally:
                self._mutex.release()
        finally:
            c.close()

    @contextmanager
    def together(self) -> Iterator[Connection]:
        """A part of a transaction, kept or undone by itself; at the end of the block it is on disk, or gone.

        Raises StoreUnavailable, in place of any other error, when the group's commit fails: then nothing is kept of
        any member.
        """
        self._mutex.acquire(joins=True)
        try:
            group = self._group = self._group or self._begin()
        except BaseException:
            self._mutex.release()
            raise
        try:
            try:
                with group.member() as c:
                    yield c
            finally:
                if not (group.is_open() and self._mutex.pass_on()):
                    self._mutex.release()
        finally:
            group.wait()

    def close(self) -> None:
        """Close the connection and the lock files; nobody may write any more."""
        if self._c is not None:
            self._c.close()
        self._mutex.close()

    def _begin(self) -> "_Group":
        if self._c is None or self._c.closed:
            self._c = connect(self._engine)
        return _Group(self._c)

    def _end(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            group.end()


class _Group:
    """One transaction; its connection is used by one member at a time, and closed where anything of it has failed."""

    def __init__(self, c: Connection) -> None:
        self._begun = monotonic()
        self._size = 0
        self._kept = 0
        self._failed: BaseException | None = None
        self._ended = threading.Event()
        self._c = c
        try:
            self._transaction = begin_writing(c)
            self._driver = driver(c)
        except BaseException:
            c.close()
            raise

    @contextmanager
    def member(self) -> Iterator[Connection]:
        """One member's part, behind a savepoint."""
        self._size += 1
        self._do("SAVEPOINT member")
        try:
            yield self._c
        except BaseException:
            self._do("ROLLBACK TO member")
            self._do("RELEASE member")
            raise
        self._do("RELEASE member")
        self._kept += 1

    def is_open(self) -> bool:
        """Whether it may have one more member."""
        return self._failed is None and self._size < MOST and monotonic() - self._begun < SECONDS

    def end(self) -> None:
        """Commit, or roll everything back, and tell the members. Raises nothing."""
        try:
            if self._kept and self._failed is None:
                self._transaction.commit()
            else:
                self._transaction.rollback()
        except BaseException as error:  # noqa: BLE001 - every member raises it
            self._failed = error
        finally:
            if self._failed is not None:
                with suppress(Exception):
                    self._c.close()  # rolls back what was not committed
            self._ended.set()

    def wait(self) -> None:
        """Return when the members' work is on disk. Raises StoreUnavailable when it is not, and will not be."""
        self._ended.wait()
        if self._failed is not None:
            raise as_unavailable(self._failed) or StoreUnavailable("the commit failed") from self._failed

    def _do(self, statement: str) -> None:
        """A statement about savepoints; it fails when SQLite has rolled the whole transaction back (disk full, I/O
        error), and then nobody may go on: without a transaction every further statement would be one of its own."""
        try:
            self._driver.execute(statement)
        except sqlite3.Error as error:
            self._failed = error
            raise StoreUnavailable("the database has rolled back what was being written") from error
