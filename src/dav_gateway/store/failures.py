"""Which errors of a driver mean that the database does not work now, told once for both engines."""

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import sqlalchemy.exc

from dav_gateway.core.errors import StoreUnavailable

_UNAVAILABLE = (
    sqlite3.OperationalError,  # locked, busy, disk full, I/O error, cannot open, read-only file system
    sqlalchemy.exc.TimeoutError,  # every connection of the pool is in use
)

_BY_CODE = re.compile(
    r"(?P<locked>SQLITE_(BUSY|LOCKED)\w*|55P03|40P01)"
    r"|(?P<disk_full>SQLITE_FULL|53100)"
    r"|(?P<authentication_failed>28...)"
    r"|(?P<no_such_database>3D000)"
    r"|(?P<too_many_connections>53300)"
    r"|(?P<took_too_long>57014)"
    r"|(?P<the_server_is_stopping_or_starting>57P0[123])"
)
"""Names of SQLite's results and SQLSTATEs (PostgreSQL, appendix A); each group is a reason, in words."""

_BY_TEXT = re.compile(
    r"(?P<connection_refused>Connection refused|No such file or directory|not currently accepting connections)"
    r"|(?P<host_unknown>failed to resolve host|could not translate host name)"
    r'|(?P<authentication_failed>authentication failed|no password supplied|role ".*" does not|no pg_hba\.conf entry)'
    r'|(?P<no_such_database>database ".*" does not exist)'
    r"|(?P<too_many_connections>too many (clients|connections)|remaining connection slots)"
    r"|(?P<no_answer_in_time>timeout expired)"
    r"|(?P<the_server_is_stopping_or_starting>(shutting down|starting up))"
    r"|(?P<connection_lost>server closed the connection|the connection is (lost|closed))"
)
"""What is said of a connection that was not made or was severed: libpq gives such an error no SQLSTATE."""


def as_unavailable(error: BaseException) -> StoreUnavailable | None:
    """The StoreUnavailable that `error` means, None when it means something else (a constraint, a mistake of ours).

    The text names the kind of failure only: messages of drivers may quote rows.
    """
    # Corruption is reported by the base class itself; constraint and programming errors are its subclasses.
    # psycopg is 10 MB of each process: where it was never imported, it has raised nothing.
    postgres = "psycopg" in sys.modules and isinstance(error, _unavailable_postgres())
    if postgres or isinstance(error, _UNAVAILABLE) or type(error) is sqlite3.DatabaseError:
        return StoreUnavailable(f"the database cannot be used at the moment: {_reason(error)}")
    return None


@contextmanager
def translated() -> Iterator[None]:
    """What a driver that is asked directly raises, as StoreUnavailable where it means that."""
    try:
        yield
    except Exception as error:
        raise as_unavailable(error) or error from error


@cache
def _unavailable_postgres() -> tuple[type[Exception], ...]:
    import psycopg

    return (
        psycopg.OperationalError,  # refused, severed, lock or statement timeout, deadlock, disk full, shutting down
        psycopg.InterfaceError,  # used after it was severed
        psycopg.InternalError,  # aborted transaction, corrupt index or page
        psycopg.errors.UndefinedTable,  # not migrated, or by another version (SQLite: OperationalError)
        psycopg.errors.UndefinedColumn,
    )


def _reason(error: BaseException) -> str:
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    found = _BY_CODE.fullmatch(code) if code else _BY_TEXT.search(str(error))
    if found is None:
        return code or type(error).__name__
    return next(name for name, text in found.groupdict().items() if text is not None).replace("_", " ")
