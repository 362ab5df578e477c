"""How a process learns which credentials were changed by others, without reading more than it must."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.store import cuts
from dav_gateway.store.failures import as_unavailable
from dav_gateway.store.sqlite_file import SqliteFile


class CutFeed(Protocol):
    """A reader's place in the table `cut`. The first `take` that succeeds finds the place: what was cut before then is
    not told, so it is called once before connections are accepted."""

    def take(self) -> list[str]:
        """Ids of the credentials that others changed since the last call that returned, oldest first, each once. Raises
        StoreUnavailable; nothing is lost by that, the next call tells it."""

    def close(self) -> None:
        """Let go of the connection."""


class _Place:
    """The last sequence number told; what the process `own` said itself is passed over."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._seq: int | None = None

    def advance(self, c: Connection) -> list[str]:
        if self._seq is None:
            self._seq = cuts.last(c)
            return []
        new = cuts.after(c, self._seq)
        if new:
            self._seq = new[-1][0]
        return list(dict.fromkeys(credential_id for _, credential_id, process in new if process != self._own))


class SqliteCuts:
    """Looks at `PRAGMA data_version` first, 3 us in shared memory: it moves when any other connection commits."""

    def __init__(self, file: SqliteFile, read: Callable[[], AbstractContextManager[Connection]], own: str) -> None:
        """`file`: the one to follow; `read` gives a read transaction in it; `own`: the process that reads."""
        self._file = file
        self._read = read
        self._place = _Place(own)
        self._hint: sqlite3.Connection | None = None
        self._version: int | None = None

    def take(self) -> list[str]:
        """See CutFeed."""
        self._file.check()
        try:
            version = self._read_version()
        except sqlite3.Error as error:
            self.close()
            raise as_unavailable(error) or error from error
        if version == self._version:
            return []
        with self._read() as c:
            told = self._place.advance(c)
        self._version = version
        return told

    def close(self) -> None:
        """See CutFeed."""
        if self._hint is not None:
            self._hint.close()
            self._hint = self._version = None

    def _read_version(self) -> int:
        if self._hint is None:
            self._hint = self._file.connect(timeout=0)
        row = self._hint.execute("PRAGMA data_version").fetchone()
        return int(row[0])


class PostgresCuts:
    """Asks PostgreSQL in one round trip, on a connection of its own. LISTEN would fit behind the same `take`."""

    def __init__(self, engine: Engine, own: str) -> None:
        """`engine`: of the database to follow; `own`: the process that reads."""
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._place = _Place(own)
        self._connection: Connection | None = None

    def take(self) -> list[str]:
        """See CutFeed."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            return self._place.advance(self._connection)
        except StoreUnavailable:
            self.close()
            raise

    def close(self) -> None:
        """See CutFeed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
