"""Ours, as its users run it: `dav-gateway serve`, an app password by Basic auth, nothing set but where things are."""

import json
import os
import shutil
import sys
from collections.abc import Sequence

from benchmarks.filling import by_put
from benchmarks.peers import ANY, BOOK, CALENDAR, account
from benchmarks.peers.postgresql import Postgres
from benchmarks.peers.process import Process, basic, free_port, run, scratch
from benchmarks.processes import children
from benchmarks.requests import Place
from dav_gateway import __version__

WORKERS = 2
_FILLING_CLIENTS = 8


class GatewayServer:
    """`engine` is sqlite or postgresql; the CPU of PostgreSQL counts as the server's."""

    version = __version__
    most = ANY

    def __init__(self, engine: str = "sqlite") -> None:
        self.name = f"dav-gateway, {'SQLite' if engine == 'sqlite' else 'PostgreSQL'}"
        self.how = f"{WORKERS} workers, app password (argon2id verifier) read on every request"
        self.port = free_port()
        self._folder = scratch(f"gateway-{engine}")
        self._postgres = Postgres(self._folder / "postgresql") if engine == "postgresql" else None
        self._places: dict[int, Place] = {}
        self._process: Process | None = None

    def start(self, sizes: Sequence[int]) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DAV_GATEWAY_")},
            "DAV_GATEWAY_DATA_DIRECTORY": str(self._folder),
            "DAV_GATEWAY_LISTEN": f"127.0.0.1:{self.port}",
            "DAV_GATEWAY_WORKERS": str(WORKERS),
        }
        if self._postgres is not None:
            key = self._folder / "gateway.key"
            key.write_text("ab" * 32)
            key.chmod(0o600)
            self._environment |= {
                "DAV_GATEWAY_DATABASE_URL": self._postgres.start(),
                "DAV_GATEWAY_SECURITY_KEY_FILE": str(key),
            }
            self._command("database", "upgrade")
        for size in sizes:
            self._places[size] = self._account(size)
        self.launch().wait_for(self.port)
        for place in self._places.values():
            by_put(self.port, place, _FILLING_CLIENTS)

    def launch(self) -> Process:
        """Start the process and come back at once: it need not listen yet."""
        self._process = Process(self._program("serve"), self._folder / "server.log", self._environment)
        return self._process

    def halt(self) -> None:
        """End the process; what it kept stays."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def stop(self) -> None:
        self.halt()
        if self._postgres is not None:
            self._postgres.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def roots(self) -> list[int]:
        assert self._process is not None
        return [self._process.pid, *([] if self._postgres is None else [self._postgres.pid])]

    def workers(self) -> list[int]:
        """The processes that serve."""
        assert self._process is not None
        return children(self._process.pid)

    def place(self, size: int) -> Place:
        return self._places[size]

    def _account(self, size: int) -> Place:
        name = account(size)
        self._command("account", "add", name, "--email", f"{name}@example.com")
        scopes = ("--scope", "calendars", "--scope", "contacts")
        issued = json.loads(self._command("app-password", "issue", name, "--service", "other", *scopes, "--json"))
        home = f"/dav/{name}/"
        return Place(
            size,
            f"{home}calendars/",
            f"{home}calendars/{CALENDAR}/",
            f"{home}contacts/{BOOK}/",
            basic(name, issued["password"]),
        )

    def _program(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "dav_gateway", *arguments]

    def _command(self, *arguments: str) -> str:
        return run(*self._program(*arguments), environment=self._environment)
