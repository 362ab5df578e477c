"""PostgreSQL: an advisory lock for each credential, shared by its writers.

A writer takes the lock shared and looks at the credential then, in a second statement: the snapshot of a statement is
taken before it waits for a lock. Whoever changes a credential commits first and then passes the barrier, which is to
take the lock exclusively once: after that, every writer that looked before the commit has ended. New sharers queue
behind a waiting exclusive lock, so a revocation is not starved.
"""

import logging
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import Event, Thread
from time import monotonic
from typing import Literal

import psycopg
from sqlalchemy import Connection, Engine, Integer, bindparam, func, select, text

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.store import cuts, later
from dav_gateway.store.connecting import connect
from dav_gateway.store.failures import translated
from dav_gateway.store.loop_reader import LoopReader
from dav_gateway.store.postgres_dialect import Begin, DriverConnection, begin
from dav_gateway.store.postgres_loop_reader import PostgresLoopReader
from dav_gateway.store.prepared import Prepared

_log = logging.getLogger(__name__)

PATIENCE = 0.3
"""Seconds that a revocation waits for other sessions before the database ends those that have stopped: once for rows
before its commit, once at the barrier after it; both together are less than a lease lasts in any case (bus.times)."""

_CREDENTIALS, _CUTS, _MIGRATIONS = 0x0DA7, 0x0DA8, 0x0DA9
_KEY = bindparam("key", type_=Integer)
_SHARED = Prepared(select(func.pg_advisory_xact_lock_shared(_CREDENTIALS, _KEY)))
_PASS = text(
    "SELECT pg_advisory_xact_lock(:space, :key)"
    " FROM (SELECT set_config('lock_timeout', :milliseconds, true) OFFSET 0) AS patience"
).bindparams(_KEY, bindparam("space", _CREDENTIALS, type_=Integer))
"""One statement, which is a transaction by itself; `set_config` is volatile, so it is called, and called first."""
_CUT_ORDER = f"SELECT pg_advisory_xact_lock({_CUTS}, 0)"
_MIGRATION_ORDER = text(f"SELECT pg_advisory_xact_lock({_MIGRATIONS}, 0)")
_TAKE_YOUR_TIME = text("SET LOCAL statement_timeout = 0")
_END_WRITERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_locks"
    " WHERE locktype = 'advisory' AND classid = :space AND objsubid = 2 AND granted"
    " AND objid IN (SELECT CAST(key & 4294967295 AS oid) FROM unnest(CAST(:keys AS bigint[])) AS key)"
    " AND pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
).bindparams(space=_CREDENTIALS)
_END_STOPPED = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
    " AND state = 'idle in transaction' AND backend_xid IS NOT NULL"
    " AND state_change < clock_timestamp() - CAST(:seconds AS double precision) * interval '1 second'"
)


class PostgresBackend:
    """The Backend of a PostgreSQL database."""

    dialect: Literal["postgresql"] = "postgresql"
    file = None
    waits = True
    one_writer = False

    def __init__(self, engine: Engine, arguments: Mapping[str, object]) -> None:
        """Both of `postgres_connections`: `arguments` are those of the engine's connections."""
        self.engine = engine
        self._arguments = arguments
        self._insisted: Thread | None = None

    @contextmanager
    def read(self, *, alone: bool) -> Iterator[Connection]:
        """A snapshot for all statements, or one for each without the round trips that begin and end a transaction."""
        c = connect(self.engine)
        try:
            begin(c, Begin.NOTHING if alone else Begin.READING)
            yield c
            if not c.invalidated:  # whoever was told that the database is gone may have answered that already
                c.commit()
        finally:
            c.close()

    def own_reader(self) -> None:
        """None: every read waits for the network."""

    def loop_reader(self) -> LoopReader:
        """Connections of its own beside those of the engine."""
        return PostgresLoopReader(self.engine, self._arguments)

    def look(self) -> None:
        """Nothing: the server answers or it does not."""

    @contextmanager
    def alone(self, *, urgent: bool) -> Iterator[Connection]:
        """A transaction; nobody queues for it, rows are locked one by one. An urgent one waits for fewer answers."""
        c = connect(self.engine)
        try:
            with begin(c, Begin.AHEAD if urgent else Begin.WRITING):
                yield c
        finally:
            c.close()

    def together(self) -> AbstractContextManager[Connection]:
        """The same: the server itself commits in groups what is committed at the same time."""
        return self.alone(urgent=False)

    def enter(self, c: Connection, credential_id: str) -> None:
        """Take the credential's lock shared until the transaction ends."""
        _SHARED.all(c, {"key": _key(credential_id)})

    def append_cuts(self, c: Connection, credential_ids: Sequence[str], now: Moment, process: str) -> Callable[[], int]:
        """One transaction at a time appends cuts; numbers of a sequence alone become visible out of order.

        The lock is taken, and the cuts are appended, with the commit: nobody is kept waiting for a client's turn.
        """
        driver = c.connection.driver_connection
        assert isinstance(driver, DriverConnection)
        with translated():
            driver.execute(_CUT_ORDER)
            values = {"ids": list(credential_ids), "at": now, "process": process}
            appended = driver.execute(cuts.APPEND_AND_TELL, values)
        return lambda: int(appended.fetchall()[0][0])

    @contextmanager
    def insisting(self) -> Iterator[None]:
        """End the sessions that have written and then said nothing for a while, if this change has to wait as long.

        A node that was cut off inside a transaction keeps its row locks until its session ends.
        """
        done = Event()
        insistence = later.call(PATIENCE, lambda: self._insist(done))
        try:
            yield
        finally:
            done.set()
            self._insisted = insistence.cancel() or self._insisted

    def _insist(self, done: Event) -> None:
        """Again and again: the session that is waited for may have stopped during the wait."""
        while not done.is_set():
            self._end_stopped()
            done.wait(PATIENCE / 5)

    def pass_barrier(self, credential_ids: Collection[str]) -> None:
        """Take each credential's lock exclusively once.

        Writers that do not end in time (their process is stopped, their network gone) have their sessions ended by the
        database, which rolls them back: a revocation fails closed instead of waiting. The time is for all together.
        """
        keys = sorted({_key(credential_id) for credential_id in credential_ids})
        deadline = monotonic() + PATIENCE
        for number, key in enumerate(keys):
            try:
                self._pass(key, max(1, round((deadline - monotonic()) * 1000)))
            except StoreUnavailable as error:
                if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                    raise
                with self.engine.begin() as c:
                    c.execute(_END_WRITERS, {"keys": keys[number:]})
                self._pass(key, round(PATIENCE * 1000))

    def _pass(self, key: int, milliseconds: int) -> None:
        with self.read(alone=True) as c:
            c.execute(_PASS, {"milliseconds": str(milliseconds), "key": key})

    def _end_stopped(self) -> None:
        try:
            with self.engine.begin() as c:
                c.execute(_END_STOPPED, {"seconds": PATIENCE * 0.8})
        except StoreUnavailable as error:
            _log.warning("sessions that have stopped could not be ended: %s", error)

    def order_migrations(self, c: Connection) -> None:
        """One migration at a time, however long it takes."""
        c.execute(_MIGRATION_ORDER)
        c.execute(_TAKE_YOUR_TIME)

    def close(self) -> None:
        """Close idle connections, when who ended sessions last has given back theirs."""
        if self._insisted is not None:
            self._insisted.join(PATIENCE)
        self.engine.dispose()


def _key(credential_id: str) -> int:
    """A signed 32-bit key; two credentials that share one wait for each other without need, and that is all."""
    unsigned = zlib.crc32(credential_id.encode())
    return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned
