"""A real gateway for tests: `dav-gateway serve` as a process of its own, run by its own command line.

Nothing of the gateway is imported here: accounts and app passwords are made by the commands a person would type, and
everything else goes through a socket, but for trouble, which is made in the database.
"""

import base64
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

START_LIMIT = 20.0
STOP_LIMIT = 15.0


@dataclass(frozen=True)
class AppPassword:
    """What `app-password issue --json` printed."""

    id: str
    text: str = field(repr=False)
    login: str
    dav_url: str


@dataclass
class Gateway:
    """A running gateway, its folder and its address."""

    folder: Path
    port: int
    workers: int = 1
    host: str = "127.0.0.1"
    issued: list[AppPassword] = field(default_factory=list, repr=False)
    settings: dict[str, str] = field(default_factory=dict)
    """More settings by their names in the environment, without the prefix."""

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("DAV_GATEWAY_")}
        return kept | {
            "DAV_GATEWAY_DATA_DIRECTORY": str(self.folder / "var"),
            "DAV_GATEWAY_PUBLIC_URL": self.origin,
            "DAV_GATEWAY_LISTEN": f"127.0.0.1:{self.port}",
            "DAV_GATEWAY_WORKERS": str(self.workers),
            **{f"DAV_GATEWAY_{name}": value for name, value in self.settings.items()},
        }

    def command(self, *arguments: str, exit_code: int = 0, stdin: str = "") -> str:
        """Run one command of the gateway; its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "dav_gateway", *arguments],
            env=self.environment(), input=stdin, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == exit_code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def add_account(self, name: str, *options: str) -> None:
        self.command("account", "add", name, "--email", f"{name}@nogal.example", *options)

    def issue(self, account: str, *scopes: str, service: str = "other", options: tuple[str, ...] = ()) -> AppPassword:
        """A new app password of `account`."""
        asked = [part for scope in scopes for part in ("--scope", scope)]
        printed = self.command("app-password", "issue", account, "--service", service, *asked, *options, "--json")
        made = json.loads(printed)
        assert made["account"] == account
        assert made["scopes"] == sorted(scopes)
        password = AppPassword(made["id"], made["password"], made["login_name"], made["dav_url"])
        assert urlsplit(password.dav_url).path == "/dav/"
        self.issued.append(password)
        return password

    def revoke(self, password: AppPassword) -> None:
        self.command("app-password", "revoke", password.id)

    @contextmanager
    def out_of_order(self) -> Iterator[None]:
        """Meanwhile it cannot read who may come in, and answers 503."""
        with closing(sqlite3.connect(self.folder / "var" / "gateway.db", isolation_level=None)) as database:
            database.execute("ALTER TABLE credential RENAME TO elsewhere")
            try:
                yield
            finally:
                database.execute("ALTER TABLE elsewhere RENAME TO credential")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(folder: Path, workers: int = 1, host: str = "127.0.0.1", **settings: str) -> Iterator[Gateway]:
    """A gateway on a free port with a new SQLite database in `folder`, stopped at the end.

    The end is a test of its own: it stops when asked, without a traceback in its log, and no app password that was
    issued meanwhile stands in the log or in the database.
    """
    gateway = Gateway(folder, free_port(), workers, host, settings=settings)
    with gateway.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dav_gateway", "serve"],
            env=gateway.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_until_ready(gateway, process)
            yield gateway
            assert process.poll() is None, f"the gateway died:\n{gateway.log.read_text()[-4000:]}"
            process.terminate()
            assert process.wait(STOP_LIMIT) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    leaves_no_secret(gateway)
    said = gateway.log.read_text()
    assert "Traceback" not in said, said[said.index("Traceback") - 500 :][:4000]


def wait_until_ready(gateway: Gateway, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", gateway.port), 1) as asking:
                asking.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if b" 200 " in asking.recv(1000).partition(b"\r\n")[0]:
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"the gateway does not get ready:\n{gateway.log.read_text()[-4000:]}")


def leaves_no_secret(gateway: Gateway) -> None:
    places = [gateway.log, *(file for file in (gateway.folder / "var").rglob("*") if file.is_file())]
    kept = b"\n".join(place.read_bytes() for place in places).lower()
    for password in gateway.issued:
        header = base64.b64encode(f"{password.login}:{password.text}".encode()).lower()
        bare = password.text.replace("-", "").encode()
        for text in (password.text.encode()[6:], bare[5:], header):
            assert text not in kept, f"the secret of {password.id} is written down"
