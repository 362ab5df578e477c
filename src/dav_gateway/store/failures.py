"""Which errors of a driver mean that the database does not work now, told once for both engines."""

import sqlite3

import psycopg
import sqlalchemy.exc

from dav_gateway.core.errors import StoreUnavailable

_UNAVAILABLE = (
    sqlite3.OperationalError,  # locked, busy, disk full, I/O error, cannot open, read-only file system
    psycopg.OperationalError,  # refused, severed, lock or statement timeout, deadlock, disk full, shutting down
    psycopg.InterfaceError,  # used after it was severed
    psycopg.InternalError,  # aborted transaction, corrupt index or page
    psycopg.errors.UndefinedTable,  # not migrated, or by another version (SQLite: OperationalError)
    psycopg.errors.UndefinedColumn,
    sqlalchemy.exc.TimeoutError,  # every connection of the pool is in use
)


def as_unavailable(error: BaseException) -> StoreUnavailable | None:
    """The StoreUnavailable that `error` means, None when it means something else (a constraint, a mistake of ours).

    The text names the kind of failure only: messages of drivers may quote rows.
    """
    # Corruption is reported by the base class itself; constraint and programming errors are its subclasses.
    if isinstance(error, _UNAVAILABLE) or type(error) is sqlite3.DatabaseError:
        kind = getattr(error, "sqlite_errorname", None) or type(error).__name__
        return StoreUnavailable(f"the database cannot be used at the moment ({kind})")
    return None
