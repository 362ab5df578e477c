"""SQLite for SQLAlchemy with BEGIN said by us: the driver would say it before some statements and not before others.

A dialect of its own rather than a listener for the event `begin`: as soon as an engine has one listener, every
statement looks for those of all other events too, which took a tenth of its time.
"""

import sqlite3
from typing import Any

from sqlalchemy import Connection, RootTransaction
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from dav_gateway.store.failures import as_unavailable

URL = "sqlite+gateway://"


class Dialect(SQLiteDialect_pysqlite):
    """For connections in autocommit mode (`isolation_level=None`)."""

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        """A deferred BEGIN takes no lock and fixes its snapshot at the first read."""
        if not dbapi_connection.in_transaction:
            dbapi_connection.execute("BEGIN")


registry.register("sqlite.gateway", __name__, "Dialect")


def begin_writing(c: Connection) -> RootTransaction:
    """A transaction that has the file's write lock and sees the newest state. Raises StoreUnavailable."""
    try:
        driver(c).execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        raise as_unavailable(error) or error from error
    return c.begin()


def begin_reading(c: Connection) -> None:
    """Begin what `end_reading` ends: a transaction of the driver alone, which SQLAlchemy joins with the first statement
    that goes through it. Its own is worth as much as the statement of a poll. Raises StoreUnavailable."""
    try:
        driver(c).execute("BEGIN")
    except sqlite3.Error as error:
        raise as_unavailable(error) or error from error


def end_reading(c: Connection) -> None:
    """Roll back, unless the connection is gone."""
    if c.in_transaction():
        c.rollback()
    elif not c.invalidated:
        driver(c).rollback()


def driver(c: Connection) -> sqlite3.Connection:
    """The driver's connection behind this one."""
    found = c.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found
