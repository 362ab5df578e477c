"""PostgreSQL for SQLAlchemy with BEGIN said by us: each is a round trip, and a statement that is alone needs none.

A transaction that only reads ends with COMMIT: psycopg forgets every prepared statement at a ROLLBACK.
"""

from enum import StrEnum
from typing import Any

import psycopg
from sqlalchemy import Connection
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
    NOTHING = ""
    """One statement is a transaction by itself."""


_IDLE = psycopg.pq.TransactionStatus.IDLE


class DriverConnection(psycopg.Connection[Any]):
    """A connection of the driver, in autocommit mode. `next_begin`: what begins the next transaction, and that only."""

    next_begin = Begin.WRITING


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
        if begin:
            driver.execute(begin.value, prepare=False)

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing, when the transaction has ended or there was none."""
        if dbapi_connection.pgconn.transaction_status != _IDLE:
            dbapi_connection.rollback()


registry.register("postgresql.gateway", __name__, "Dialect")


def begin(c: Connection, how: Begin) -> None:
    """Begin the connection's transaction. Raises StoreUnavailable."""
    driver = c.connection.driver_connection
    assert isinstance(driver, DriverConnection)
    driver.next_begin = how
    c.begin()
