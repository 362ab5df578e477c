"""The SQLite file: made with narrow permissions, opened with the settings we rely on, watched for being moved away.

WAL lets readers and the one writer work at the same time. synchronous=FULL, because a revocation or an object that was
answered for must survive a power cut (NORMAL may lose the last commits).
"""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from dav_gateway.core.errors import StoreUnavailable

_SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF")


class SqliteFile:
    """The file at a path as it was when the process opened it."""

    def __init__(self, path: Path) -> None:
        """Makes the folder (0700) and an empty file (0600) where there is none. Raises StoreUnavailable."""
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._identity = self._look()
        except OSError as error:
            raise StoreUnavailable(f"the database file cannot be opened: {error.strerror}") from error

    def check(self) -> None:
        """Raises StoreUnavailable when the file was moved away or replaced: what is written to a file without a name
        is lost, and a restored copy may hold credentials that were revoked since, so it needs a restart."""
        try:
            present = self._look() == self._identity
        except OSError:
            present = False
        if not present:
            raise StoreUnavailable("the database file is no longer the one that was opened")

    def connect(self, timeout: float) -> sqlite3.Connection:
        """A connection that leaves transactions to the caller and may pass from thread to thread; locks are waited for
        `timeout` seconds. Raises the errors of sqlite3."""
        # mode=rw: never makes a new file in place of one that was moved away.
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode=rw",
            uri=True,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            for setting in _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _look(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_dev, status.st_ino


def give_to_owner(path: Path, database: Path) -> None:
    """Let what a command of root has made beside a database file belong to who owns that file: the server that needs it
    next is not root. Raises OSError."""
    if os.geteuid() == 0:
        owner = database.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
