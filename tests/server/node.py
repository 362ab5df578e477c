"""A supervisor and its workers, started by the command line, with its log read as it grows."""

import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dav_gateway.bootstrap import open_services
from dav_gateway.config import load
from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.scope import Scope
from dav_gateway.service.cutter import NoConnections

LIMIT = 30.0
_FACT = re.compile(r"(\w+)=(\S+)")


def poll(client: socket.socket) -> int:
    """The status of a small request on this connection, 0 when the connection is gone."""
    try:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        said = b""
        while not said.endswith(b"\r\n\r\nalive\n"):
            piece = client.recv(4096)
            if not piece:
                return 0
            said += piece
    except ConnectionError:
        return 0
    return int(said.split()[1])


class Node:
    """One `dav-gateway serve` on a free port, with the account ana when it is started by `node_in`."""

    process: "subprocess.Popen[bytes]"

    def __init__(self, folder: Path, workers: int, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.folder = folder
        self.file = folder / "gateway.toml"
        self.log = folder / "server.log"
        self.password = ""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DAV_GATEWAY_")}
        self.environment = kept | {f"DAV_GATEWAY_{name}": value for name, value in settings.items()}
        self.configure(workers=workers)

    def configure(self, **values: object) -> None:
        """Write the configuration file."""
        always = {"listen": f"127.0.0.1:{self.port}", "data_directory": "data"}
        lines = [f"{key} = {json.dumps(value)}" for key, value in (always | values).items()]
        self.file.write_text("\n".join(lines) + "\n")

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and what was said by one command."""
        done = subprocess.run(
            self._command(*arguments), env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "dav_gateway", *arguments, "--config", str(self.file)]

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command("serve"), env=self.environment, stderr=log)
        self.wait_for("started")

    # What it says

    def lines(self, event: str, *facts: str) -> list[dict[str, str]]:
        """The facts of every line of the log about this event that has all these facts, oldest first."""
        found = [line for line in self.log.read_text().splitlines() if f"] {event}  " in line]
        return [dict(_FACT.findall(line)) for line in found if set(facts) <= set(line.split())]

    def said(self, *words: str) -> dict[str, str]:
        """The facts of the only such line."""
        (line,) = self.lines(*words)
        return line

    def wait_for(self, *words: str, times: int = 1) -> dict[str, str]:
        """The facts of the newest such line, once there are so many."""
        self.until(lambda: len(self.lines(*words)) >= times)
        return self.lines(*words)[-1]

    def until(self, condition: Callable[[], object], limit: float = LIMIT) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < deadline, f"it did not happen:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.02)

    def workers(self) -> list[int]:
        """The processes that are the supervisor's children."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def newest(self) -> int:
        """The worker that was started last."""
        return int(self.lines("worker started")[-1]["pid"])

    # What a client does

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 30)

    def ask(self, path: str = "/readyz") -> tuple[int, bytes]:
        """Status and head of one request on a connection of its own."""
        with self.connect() as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            said = client.recv(4096)
        return int(said.split()[1]), said

    def head(self, method: str, path: str, *lines: str) -> bytes:
        """A request's head with ana's app password."""
        basic = base64.b64encode(f"ana:{self.password}".encode()).decode()
        always = ["Host: localhost", "User-Agent: curl/8", f"Authorization: Basic {basic}"]
        return "\r\n".join([f"{method} {path} HTTP/1.1", *always, *lines, "", ""]).encode()

    def upload_head(self, name: str, length: int) -> bytes:
        return self.head("PUT", f"/dav/ana/calendars/calendar/{name}", f"Content-Length: {length}")

    def event(self, uid: str, description: str = "") -> bytes:
        """An event as a client would upload it."""
        return (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\n"
            f"UID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T090000Z\r\nDESCRIPTION:{description}\r\n"
            "END:VEVENT\r\nEND:VCALENDAR\r\n"
        ).encode()


@contextmanager
def node_in(folder: Path, workers: int, **settings: str) -> Iterator[Node]:
    """A running node, and an app password for its account ana. It is ended whatever the test did to it."""
    node = Node(folder, workers, **settings)
    settings, _ = load(node.file, environ=node.environment)
    with open_services(settings, cutter=NoConnections()) as services:
        services.accounts.add(name="ana", email="ana@example.com", by="test")
        secret, _ = services.issuing.issue(
            "ana", service=Service.OTHER, scopes={Scope.CALENDARS}, origin=Origin.CLI, actor="test"
        )
        node.password = secret.reveal()
    try:
        node.start()
        yield node
        assert "Traceback" not in node.log.read_text()
    finally:
        node.process.kill()
        node.process.wait()
