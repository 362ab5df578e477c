"""The bus's own connections to PostgreSQL: never waiting without end, even for a network that swallows everything."""

from contextlib import suppress
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import URL

from dav_gateway.bus.times import LEASE
from dav_gateway.store.failures import translated

PATIENCE = LEASE
"""Seconds that an answer is waited for: a member that has none by then has no lease either."""

# A beat or an acknowledgement that a crash of the server takes back is missed by nobody: every connection ends with it.
_SETTINGS = {"synchronous_commit": "off", "statement_timeout": "2000", "lock_timeout": "1000"}


class BusConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection on which no statement waits longer than PATIENCE."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """What psycopg waits with; `timeout` is given when notifications are waited for. Raises
        psycopg.OperationalError when a statement's time is over; the connection is of no more use then."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, PATIENCE)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001 - named in the documentation of `wait`
            self.pgconn.finish()
            raise psycopg.OperationalError("timeout expired") from error


def connect(url: URL) -> BusConnection:
    """A new autocommit connection. Raises StoreUnavailable."""
    given = url.query.get("options", ())
    options = [given] if isinstance(given, str) else list(given)
    options += [f"-c {name}={value}" for name, value in _SETTINGS.items()]
    plain = url.set(drivername="postgresql").difference_update_query(["options"])
    with translated():
        return BusConnection.connect(
            plain.render_as_string(hide_password=False),
            autocommit=True,
            options=" ".join(options),
            connect_timeout=2,
            tcp_user_timeout=1000,
        )


def close(connection: BusConnection | None) -> None:
    """Close it, whatever state it is in."""
    if connection is not None:
        with suppress(psycopg.Error):
            connection.close()
