"""Connections to PostgreSQL (psycopg 3) that never wait for ever and are replaced when they are severed."""

import math
from select import POLLIN, poll

import psycopg
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from dav_gateway.store.postgres_dialect import DRIVER

STATEMENT_SECONDS = 30
IDLE_SECONDS = 60


def connect_arguments(url: URL, *, busy_timeout: float) -> dict[str, object]:
    """What every connection is made with beside its URL. `options` of the URL are kept; ours follow them."""
    settings = {
        "lock_timeout": round(busy_timeout * 1000),
        "statement_timeout": STATEMENT_SECONDS * 1000,
        "idle_in_transaction_session_timeout": IDLE_SECONDS * 1000,
        "synchronous_commit": "on",  # whatever the role's default: an answered revocation survives a crash
    }
    given = url.query.get("options", ())
    options = [given] if isinstance(given, str) else list(given)
    options += [f"-c {name}={value}" for name, value in settings.items()]
    return {
        "options": " ".join(options),
        "connect_timeout": max(2, math.ceil(busy_timeout)),  # libpq takes no less than two seconds
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }


def postgres_engine(url: URL, *, busy_timeout: float, pool_size: int) -> Engine:
    """An engine whose locks wait `busy_timeout` seconds at most."""
    engine = create_engine(
        url.set(drivername=DRIVER),
        connect_args=connect_arguments(url, busy_timeout=busy_timeout),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=busy_timeout,
        pool_use_lifo=True,
        hide_parameters=True,
        use_native_hstore=False,
    )
    event.listen(engine, "checkout", _refuse_severed)
    return engine


def _refuse_severed(connection: psycopg.Connection, _record: ConnectionPoolEntry, _proxy: object) -> None:
    """A ping without a round trip: the server says nothing unasked but farewell, so an idle socket that can be read
    belongs to a connection that ended. The pool then opens a new one in its place."""
    if connection.closed:
        raise DisconnectionError
    idle = poll()
    idle.register(connection.fileno(), POLLIN)
    if idle.poll(0):
        raise DisconnectionError
