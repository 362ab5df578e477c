"""PostgreSQL for SQLAlchemy with BEGIN said by us: each is a round trip, and a statement that is alone needs none.

A transaction that only reads ends with COMMIT: psycopg forgets every prepared statement at a ROLLBACK. One that is
urgent runs in libpq's pipeline mode: BEGIN, the rows it adds and COMMIT wait for no answer of their own.
"""

from contextlib import AbstractContextManager, suppress
from enum import StrEnum
from typing import Any

import psycopg
from sqlalchemy import Connection, RootTransaction
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine.interfaces import IsolationLevel

DRIVER = "postgresql+gateway"
PREPARED = 256
"""Statements that a connection keeps prepared: more than there are kinds of them in the requests of devices."""


class Begin(StrEnum):
    """What begins a transaction."""

    WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED"
    READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    """One snapshot for all statements."""
    AHEAD = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    """As WRITING, in pipeline mode: an INSERT that brings nothing back is answered with the next statement that does,
    or with COMMIT. If it failed, so does that one."""
    NOTHING = ""
    """One statement is a transaction by itself."""


_IDLE = psycopg.pq.TransactionStatus.IDLE


class DriverConnection(psycopg.Connection[Any]):
    """A connection of the driver, in autocommit mode. `next_begin`: what begins the next transaction, and that only."""

    next_begin = Begin.WRITING
    _pipeline_ahead: psycopg.Pipeline | None = None
    _mode: AbstractContextManager[psycopg.Pipeline]

    def go_ahead(self) -> None:
        """Enter pipeline mode until `fall_back`."""
        mode = self.pipeline()
        self._pipeline_ahead, self._mode = mode.__enter__(), mode

    @property
    def is_ahead(self) -> bool:
        """Whether it is in pipeline mode."""
        return self._pipeline_ahead is not None

    def catch_up(self) -> None:
        """Wait for the answers that are outstanding in pipeline mode. Raises what the first of them raises."""
        if self._pipeline_ahead is not None:
            self._pipeline_ahead.sync()

    def fall_back(self) -> None:
        """The same, and leave pipeline mode."""
        if self._pipeline_ahead is not None:
            self._pipeline_ahead = None
            self._mode.__exit__(None, None, None)


class Dialect(PGDialect_psycopg):
    """For connections that leave transactions to us."""

    supports_statement_cache = True

    def connect(self, *arguments: Any, **more: Any) -> Any:
        """A new connection."""
        connection = DriverConnection.connect(*arguments, autocommit=True, **more)
        connection.prepared_max = PREPARED
        return connection

    def get_default_isolation_level(self, dbapi_conn: Any) -> IsolationLevel:  # noqa: ARG002 - each BEGIN says its own
        """What a transaction has that nothing else is said of."""
        return "READ COMMITTED"

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin a transaction as it was asked for, a writing one where nothing was."""
        driver = dbapi_connection.driver_connection
        begin, driver.next_begin = driver.next_begin, Begin.WRITING
        if begin is Begin.AHEAD:
            driver.go_ahead()
        if begin:
            driver.execute(begin.value, prepare=False)

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:  # noqa: ARG002 - SQLAlchemy's
        """Execute a statement and have its answer; in pipeline mode that of `do_executemany` is not waited for."""
        driver: DriverConnection = cursor.connection
        if isinstance(cursor, psycopg.ServerCursor):
            driver.fall_back()  # they are not for pipeline mode
        cursor.execute(statement, parameters)
        driver.catch_up()

    def do_commit(self, dbapi_connection: Any) -> None:
        """Commit, together with what is not answered yet."""
        driver = dbapi_connection.driver_connection
        if driver.is_ahead:
            driver.execute("COMMIT", prepare=False)
            driver.fall_back()
        else:
            driver.commit()

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing, when the transaction has ended or there was none."""
        driver = dbapi_connection.driver_connection
        with suppress(psycopg.Error):  # of what was asked and is undone now
            driver.fall_back()
        if driver.pgconn.transaction_status != _IDLE:
            driver.rollback()


registry.register("postgresql.gateway", __name__, "Dialect")


def begin(c: Connection, how: Begin) -> RootTransaction:
    """Begin the connection's transaction. Raises StoreUnavailable."""
    driver = c.connection.driver_connection
    assert isinstance(driver, DriverConnection)
    driver.next_begin = how
    return c.begin()
