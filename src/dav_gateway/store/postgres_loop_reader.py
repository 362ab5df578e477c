"""PostgreSQL asked by the event loop itself: what a thread would cost (two hand-overs of the interpreter, a connection
checked out and in) is more than what the statement costs.

The connections are opened by the side, as many as are needed at once, and dropped at the first error: whoever finds
none goes the way of threads, which asks again and tells what is wrong.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from sqlalchemy import Engine

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.store.failures import as_unavailable
from dav_gateway.store.postgres_dialect import PREPARED
from dav_gateway.store.prepared import Prepared, Row

Result = TypeVar("Result")
_log = logging.getLogger(__name__)
CONNECTIONS = 4
"""Statements of a tenth of a millisecond that are asked at once at most."""


class Connection(psycopg.AsyncConnection[Any]):
    """Who is cancelled while waiting (a server stops) has gone at once, and drops it: the driver would ask the database
    to end the statement and wait for that, up to ten seconds when the database has stopped."""

    async def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        return await waiting.wait_async(gen, self.pgconn.socket, interval, timeout)


class PostgresLoopReader:
    """The LoopReader of a PostgreSQL database."""

    def __init__(self, engine: Engine, arguments: Mapping[str, object]) -> None:
        """What the engine's own connections are made with."""
        self._dialect = engine.dialect
        self._arguments = {**engine.dialect.create_connect_args(engine.url)[1], **arguments}
        self._idle: list[Connection] = []
        self._count = 0
        self._opening: asyncio.Task[None] | None = None
        self._closed = False

    async def rows(self, statement: Prepared, values: Mapping[str, object]) -> Sequence[Row]:
        if not self._idle:
            self._open_another()
            raise StoreUnavailable("every connection of the event loop is in use")
        written = statement.written(self._dialect)
        connection = self._idle.pop()
        try:
            cursor = await connection.execute(written.text, written.parameters(values))
            found = await cursor.fetchall()
        except BaseException as error:
            self._drop(connection)
            if isinstance(error, psycopg.Error):
                raise as_unavailable(error) or error from error
            raise
        self._keep(connection)
        return written.converted(found)

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._drop(self._idle.pop())

    def _open_another(self) -> None:
        """One at a time, so that a database that is away is not asked by every request."""
        if self._opening is None and self._count < CONNECTIONS:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        self._count += 1
        try:
            connection = await Connection.connect(autocommit=True, **self._arguments)
        except (psycopg.Error, OSError) as error:
            self._count -= 1
            _log.info("the event loop has no connection to the database: %s", as_unavailable(error) or type(error))
        else:
            connection.prepared_max = PREPARED
            self._keep(connection)
        finally:
            self._opening = None

    def _keep(self, connection: Connection) -> None:
        if self._closed:
            self._drop(connection)
        else:
            self._idle.append(connection)

    def _drop(self, connection: Connection) -> None:
        # Not the coroutine of the same purpose: nothing is said to a server that may be gone.
        connection.pgconn.finish()
        self._count -= 1
