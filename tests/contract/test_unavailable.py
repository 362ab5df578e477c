"""Trouble with the database is StoreUnavailable, in bounded time, and over when the trouble is."""

import secrets
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from dav_gateway.bus.opening import open_bus
from dav_gateway.core.account import Account
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.store import accounts, collections, migration, objects
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database, open_database
from dav_gateway.store.failures import as_unavailable
from dav_gateway.store.objects import NewObject

T1 = Moment(1_790_000_000_001)


@contextmanager
def _opened(url: str, **options: float) -> Iterator[Database]:
    database = open_database(url, **options)  # type: ignore[arg-type]
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _unavailable(reason: str | None = None, *, at_least: float = 0, at_most: float = 1) -> Iterator[None]:
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable) as failure:
        yield
    if reason is not None:
        assert str(failure.value) == f"the database cannot be used at the moment: {reason}"
    assert at_least <= time.monotonic() - begun < at_most


def _works(database: Database) -> None:
    with database.write() as c:
        accounts.every(c)
    with database.read() as c:
        accounts.every(c)


def test_a_locked_sqlite_file_is_waited_for_as_long_as_configured(sqlite_url: str) -> None:
    with _opened(sqlite_url, busy_timeout=0.3) as database:
        holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with _unavailable(at_least=0.25), database.write():
            pass
        with _unavailable(at_least=0.25), database.change_credentials([]):
            pass
        with database.read() as c:
            assert accounts.every(c) == []
        holder.execute("ROLLBACK")
        holder.close()
        _works(database)


def test_an_exclusively_locked_sqlite_file_cannot_be_read_either(sqlite_url: str) -> None:
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with _opened(sqlite_url, busy_timeout=0.3) as database:
        with _unavailable(at_least=0.25), database.read() as c:
            accounts.every(c)
        holder.execute("COMMIT")
        holder.close()
        _works(database)


def test_a_sqlite_file_that_was_moved_away(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with _opened(sqlite_url) as database:
        member = open_bus(database).join(None)
        member.read(0)
        _works(database)
        path.rename(path.with_suffix(".away"))
        for opener in (database.read, database.write, lambda: database.change_credentials([])):
            with _unavailable(), opener():
                pass
        with _unavailable():
            member.read(0)
        assert not path.exists()
        path.with_suffix(".away").rename(path)
        _works(database)
        assert member.read(0).ids == ()
        member.leave()


def test_a_sqlite_file_that_was_replaced_needs_a_restart(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    backup = path.with_suffix(".backup")
    shutil.copyfile(path, backup)
    with _opened(sqlite_url) as database:
        _works(database)
        backup.rename(path)
        with _unavailable(), database.read():
            pass


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "poem.db"
    path.write_bytes(b"Caminante, no hay camino, se hace camino al andar.\n" * 100)
    with _opened(f"sqlite:///{path}") as database:
        with _unavailable(), database.read() as c:
            accounts.every(c)
        with _unavailable():
            migration.upgrade(database)
    with pytest.raises(StoreUnavailable, match="directory"):
        open_database(f"sqlite:///{tmp_path}")
    with pytest.raises(StoreUnavailable, match="directory"):
        open_database(f"sqlite:///{path}/below/a/file.db")


def test_a_full_disk_changes_nothing(sqlite_database: Database) -> None:
    with sqlite_database.write() as c:
        ana = accounts.add(c, name="ana", email="ana@example.org", display_name="Ana", now=T1)
        calendar = _calendar(c, ana)
    with _unavailable("disk full"), sqlite_database.write() as c:
        pages = c.exec_driver_sql("PRAGMA page_count").scalar_one()
        c.exec_driver_sql(f"PRAGMA max_page_count={pages + 5}")
        objects.put(c, calendar.id, NewObject("small", "1", "VEVENT", b"x"), T1)
        objects.put(c, calendar.id, NewObject("large", "2", "VEVENT", b"x" * 1_000_000), T1)
    with sqlite_database.read() as c:
        assert collections.get(c, calendar.id) == calendar
        assert objects.count(c, calendar.id) == 0


def test_tables_that_are_not_there(empty_database_url: str) -> None:
    with _opened(empty_database_url) as database, _unavailable(), database.read() as c:
        accounts.every(c)


def test_more_transactions_than_connections(database_url: str) -> None:
    with _opened(database_url, busy_timeout=0.2, pool_size=1) as database:
        with (
            database.read(),
            database.read(),
            _unavailable(at_least=0.15),
            database.read(),
        ):
            pass
        _works(database)


def test_no_failure_quotes_what_was_written(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    with _opened(sqlite_url, busy_timeout=0.05) as database:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as failure, database.write():
            pass
        holder.close()
    assert str(failure.value) == "the database cannot be used at the moment: locked"


def test_a_severed_session_costs_one_transaction_at_most(postgres_url: str) -> None:
    with _opened(postgres_url) as database:
        member = open_bus(database).join(None)
        member.read(0)
        with _unavailable(), database.write() as c:
            accounts.every(c)
            _sever(postgres_url)
            accounts.every(c)
        with database.read(), database.read():
            pass
        _sever(postgres_url)
        for _ in range(3):
            _works(database)
        with _unavailable():
            member.read(0)
        assert member.read(0).ids == ()
        member.leave()


def test_a_session_severed_before_the_commit_changed_nothing(postgres_url: str, postgres_database: Database) -> None:
    with _unavailable(), postgres_database.write() as c:
        accounts.add(c, name="ana", email="ana@example.org", display_name="Ana", now=T1)
        _sever(postgres_url)
    with postgres_database.read() as c:
        assert accounts.every(c) == []


def test_a_server_that_takes_no_connections(postgres_url: str, postgres_server: Callable[[str], str]) -> None:
    with _opened(postgres_url) as database:
        _works(database)
        with psycopg.connect(postgres_server("postgres"), autocommit=True) as admin:
            name = database.url.database
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            _sever(postgres_url, through=admin)
            for _ in range(2):
                with _unavailable("connection refused"), database.read():
                    pass
                with _unavailable("connection refused"), database.write():
                    pass
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        _works(database)


def test_no_server_at_all(tmp_path: Path) -> None:
    with (
        _opened(f"postgresql://nobody@/nothing?host={tmp_path}") as database,
        _unavailable("connection refused", at_most=3),
        database.read(),
    ):
        pass


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with (
            _opened(f"postgresql://gate:hu5h@127.0.0.1:{nobody.getsockname()[1]}/dav") as database,
            _unavailable("connection refused", at_most=3),
            database.read(),
        ):
            pass


def test_a_host_that_nobody_knows() -> None:
    with (
        _opened("postgresql://gate:hu5h@db.invalid/dav") as database,
        _unavailable("host unknown", at_most=30),
        database.read(),
    ):
        pass


def test_what_a_server_refuses_a_connection_for(postgres_url: str, postgres_server: Callable[[str], str]) -> None:
    full = f"only_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_server("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {full} LOGIN CONNECTION LIMIT 0")
        for url, reason in (
            (make_url(postgres_url).set(database="no_such_database"), "no such database"),
            (make_url(postgres_url).set(username="nobody_of_this_name"), "authentication failed"),
            (make_url(postgres_url).set(username=full), "too many connections"),
        ):
            with (
                _opened(url.render_as_string(hide_password=False)) as database,
                _unavailable(reason),
                database.read(),
            ):
                pass
        admin.execute(f"DROP ROLE {full}")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (psycopg.errors.DiskFull("row with hu5h"), "disk full"),
        (psycopg.errors.InvalidPassword("hu5h"), "authentication failed"),
        (psycopg.errors.TooManyConnections("hu5h"), "too many connections"),
        (psycopg.errors.DeadlockDetected("hu5h"), "locked"),
        (psycopg.errors.QueryCanceled("hu5h"), "took too long"),
        (psycopg.errors.AdminShutdown("hu5h"), "the server is stopping or starting"),
        (psycopg.errors.IoError("hu5h: Connection refused"), "58030"),
        (psycopg.OperationalError('FATAL: password authentication failed for user "hu5h"'), "authentication failed"),
        (psycopg.OperationalError("hu5h"), "OperationalError"),
        (sqlite3.OperationalError("hu5h"), "OperationalError"),
    ],
    ids=repr,
)
def test_the_reason_is_a_few_words_of_our_own(error: Exception, reason: str) -> None:
    assert str(as_unavailable(error)) == f"the database cannot be used at the moment: {reason}"


@pytest.mark.parametrize("error", [psycopg.errors.UniqueViolation("x"), sqlite3.IntegrityError("x"), ValueError("x")])
def test_other_errors_are_none_of_this(error: Exception) -> None:
    assert as_unavailable(error) is None


def test_a_row_that_another_session_holds_is_waited_for_as_long_as_configured(postgres_url: str) -> None:
    with _opened(postgres_url, busy_timeout=0.3) as database:
        with database.write() as c:
            ana = accounts.add(c, name="ana", email="ana@example.org", display_name="Ana", now=T1)
        with psycopg.connect(postgres_url) as holder:
            holder.execute("UPDATE account SET title = 'x'")
            with _unavailable("locked", at_least=0.25), database.write() as c:
                accounts.change(c, ana.id, title="y")
            holder.rollback()
        _works(database)


def _sever(url: str, through: psycopg.Connection | None = None) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    statement = (
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
        " WHERE datname = %s AND pid <> pg_backend_pid()"
    )
    if through is not None:
        through.execute(statement, (name,))
        return
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement, (name,))


def _calendar(c: object, owner: Account) -> Collection:
    return collections.create(
        c,  # type: ignore[arg-type]
        account_id=owner.id,
        home="calendars",
        name="team",
        components=[],
        properties={},
        now=T1,
    )
