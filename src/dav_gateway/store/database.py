"""The database: where it is, and the only three ways to a transaction: read, write, change credentials.

Functions of this package take the `Connection` that these give. Whatever makes the database unusable (locked, gone,
full, corrupt, severed) is raised as StoreUnavailable, wherever it happens; the next transaction tries anew.
"""

import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, event, exc, make_url
from sqlalchemy.engine import ExceptionContext

from dav_gateway.core.errors import Refusal, StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.store.backend import Backend
from dav_gateway.store.failures import as_unavailable
from dav_gateway.store.loop_reader import LoopReader
from dav_gateway.store.own_reader import OwnReader
from dav_gateway.store.sqlite_backend import SqliteBackend
from dav_gateway.store.sqlite_file import SqliteFile


@dataclass(frozen=True, slots=True)
class Fence:
    """The question asked inside a write, behind every lock that makes its answer last until the commit: may this
    credential still do this? `check` raises core.errors.Fenced when it may not."""

    credential_id: str
    check: Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class Announced:
    """The last number in `cut` of one change of credentials, and the boot time (seconds) right after its commit."""

    number: int
    committed_at: float


def boottime() -> float:
    """Seconds of a clock that nobody sets and that goes on while the machine sleeps (clock_getres(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def system_clock() -> Moment:
    """Now, by the machine's clock."""
    return Moment(time.time_ns() // 1_000_000)


class Database:
    """An open database, made by `open_database` after any fork; for all threads of a process.

    `process` names this one among those on the same database; `file` is the SQLite file, if it is one.
    """

    def __init__(self, url: URL, backend: Backend, clock: Callable[[], Moment]) -> None:
        """See `open_database`."""
        self.url = url
        self.dialect = backend.dialect
        self.waits = backend.waits
        self.one_writer = backend.one_writer
        self.engine = backend.engine
        self._backend = backend
        self._clock = clock
        self.process = secrets.token_hex(8)
        self.file = backend.file
        self._before_dispose: list[Callable[[], None]] = []
        event.listen(self.engine, "handle_error", _translate)

    def __repr__(self) -> str:
        return f"Database({self.url.render_as_string(hide_password=True)})"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: one snapshot of everything, and nothing in it can be kept."""
        self._backend.look()
        with self._backend.read(alone=False) as c:
            yield c

    @contextmanager
    def read_once(self) -> Iterator[Connection]:
        """A read of one statement: where BEGIN and COMMIT are round trips (`waits`) it has none, so a second statement
        would have a snapshot of its own."""
        self._backend.look()
        with self._backend.read(alone=True) as c:
            yield c

    def own_reader(self) -> OwnReader | None:
        """Reads for one thread that must not wait, such as an event loop's; None on an engine that is waited for."""
        engine = self._backend.own_reader()
        if engine is None:
            return None
        event.listen(engine, "handle_error", _translate)
        self.before_dispose(engine.dispose)
        return OwnReader(engine, self._backend.look)

    def loop_reader(self) -> LoopReader | None:
        """Single statements for an event loop that does not wait while the database thinks; None where nobody waits."""
        reader = self._backend.loop_reader()
        if reader is not None:
            self.before_dispose(reader.close)
        return reader

    @contextmanager
    def write(self, fence: Fence | None = None, *, urgent: bool = False) -> Iterator[Connection]:
        """A write transaction: committed when the block ends, rolled back by any exception that leaves it.

        With a fence, its question is asked first, and its answer holds until the commit. Fenced writes are short and
        may share a commit with others (`Backend.together`). An urgent one goes before others, as a change of
        credentials does. StoreUnavailable out of the commit itself means that nobody knows: on PostgreSQL a severed
        connection may have been severed after it.
        """
        self._backend.look()
        shared = fence is not None and not urgent
        with self._backend.together() if shared else self._backend.alone(urgent=urgent) as c:
            if fence is not None:
                self._backend.enter(c, fence.credential_id)
                fence.check(c)
            yield c

    @contextmanager
    def change_credentials(
        self, credential_ids: Collection[str], on_commit: Callable[[Announced], None] | None = None
    ) -> Iterator[Connection]:
        """A write that changes the liveness or the reach of credentials, or the account they belong to.

        When it returns, every write fenced by one of them has been committed or never will be, and `cut` names them
        for other processes; `on_commit` is called before the writers in flight are waited for. `credential_ids` is
        looked at when the block ends: a list may be filled inside it. StoreUnavailable may come after the commit, from
        the barrier: say it again, the change can be repeated.
        """
        self._backend.look()
        with self._backend.insisting(), self._backend.alone(urgent=True) as c:
            yield c
            named = sorted(set(credential_ids))
            if named:
                number = self._backend.append_cuts(c, named, self._clock(), self.process)
        committed_at = boottime()
        try:
            if named and on_commit is not None:
                on_commit(Announced(number(), committed_at))
        finally:
            self._backend.pass_barrier(named)

    @contextmanager
    def migrate(self) -> Iterator[Connection]:
        """A write transaction that no other migration of any process runs beside."""
        self._backend.look()
        with self._backend.alone(urgent=False) as c:
            self._backend.order_migrations(c)
            yield c

    def before_dispose(self, call: Callable[[], None]) -> None:
        """Have `call` let go of what else is open to this database when it is disposed of."""
        self._before_dispose.append(call)

    def dispose(self) -> None:
        """Close every connection that is not in use; no transaction is begun after this."""
        for call in self._before_dispose:
            call()
        self._backend.close()


def open_database(
    url: str, *, busy_timeout: float = 5.0, pool_size: int = 16, clock: Callable[[], Moment] = system_clock
) -> Database:
    """Open `sqlite:////absolute/path.db` or `postgresql://user@host/name`. No table is made: see `migration`.

    `busy_timeout` seconds are what any lock is waited for. Raises Refusal for a URL of another kind, StoreUnavailable
    when the SQLite file cannot be made; a PostgreSQL server is first asked by the first transaction.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        raise Refusal("the database URL cannot be read") from None
    backend: Backend
    match parsed.drivername.partition("+")[0]:
        case "sqlite":
            path = Path(parsed.database or "")
            if not path.is_absolute():
                raise Refusal("the database URL needs the absolute path of a file: sqlite:////var/lib/dav-gateway/db")
            backend = SqliteBackend(SqliteFile(path), busy_timeout=busy_timeout, pool_size=pool_size)
        case "postgresql" | "postgres":
            from dav_gateway.store.postgres_backend import PostgresBackend
            from dav_gateway.store.postgres_connections import connect_arguments, postgres_engine

            engine = postgres_engine(parsed, busy_timeout=busy_timeout, pool_size=pool_size)
            backend = PostgresBackend(engine, connect_arguments(parsed, busy_timeout=busy_timeout))
        case _:
            raise Refusal("the database URL must begin with sqlite:// or postgresql://")
    return Database(parsed, backend, clock)


def _translate(context: ExceptionContext) -> StoreUnavailable | None:
    return as_unavailable(context.original_exception)
