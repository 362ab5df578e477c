"""The real command in processes of its own: the main flow, a terminal, a broken pipe, PostgreSQL, start and stop."""

import base64
import contextlib
import http.client
import json
import os
import pty
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "dav_gateway"]


class Installation:
    """A folder and an environment in which the program is run."""

    def __init__(self, folder: Path, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DAV_GATEWAY_")}
        always = {"DATA_DIRECTORY": str(folder / "data"), "LISTEN": f"127.0.0.1:{self.port}", "WORKERS": "1"}
        settings = always | settings
        self.environment = kept | {f"DAV_GATEWAY_{name}": value for name, value in settings.items()}
        self.folder = folder
        self.log = folder / "server.log"

    def run(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """Standard output, or the sentence on standard error when the code is not 0."""
        done = subprocess.run(
            [*PROGRAM, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False,
            env=self.environment, cwd=self.folder,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        if code == 0:
            assert done.stderr == ""
            return done.stdout
        assert done.stdout == ""
        [sentence] = done.stderr.splitlines()
        return sentence

    def issue(self, *options: str) -> dict[str, str]:
        issued: dict[str, str] = json.loads(
            self.run("app-password", "issue", "ana", "--service", "other", "--scope", "calendars", "--json", *options)
        )
        return issued

    @contextmanager
    def serving(self) -> Iterator["subprocess.Popen[bytes]"]:
        with self.log.open("wb") as log:
            process = subprocess.Popen([*PROGRAM, "serve"], env=self.environment, stderr=log, cwd=self.folder)
            try:
                deadline = time.monotonic() + 30
                while not self.ready():
                    assert process.poll() is None, self.log.read_text()
                    assert time.monotonic() < deadline, self.log.read_text()
                    time.sleep(0.05)
                yield process
            finally:
                process.kill()
                process.wait()
                self.wait_until_nobody_listens()

    def wait_until_nobody_listens(self) -> None:
        """The worker of a killed supervisor ends by itself."""
        deadline = time.monotonic() + 30
        with contextlib.suppress(ConnectionRefusedError):
            while time.monotonic() < deadline:
                with contextlib.closing(self.connect()) as connection:
                    connection.connect()
                time.sleep(0.05)
            raise AssertionError("somebody still listens")

    def events(self) -> set[str]:
        """What a log in JSON tells of."""
        return {
            json.loads(line)["event"] for line in self.log.read_text().splitlines(keepends=True) if line[-1] == "\n"
        }

    def ready(self) -> bool:
        with contextlib.suppress(OSError), contextlib.closing(self.connect()) as connection:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            return (response.status, response.read()) == (200, b"ready\n")
        return False

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def upload_without_credentials(self) -> int:
        """What a head is answered that announces a body and waits to be asked for it."""
        with contextlib.closing(self.connect()) as connection:
            connection.putrequest("PUT", "/dav/ana/calendars/calendar/x.ics")
            connection.putheader("Content-Length", "9")
            connection.putheader("Expect", "100-continue")
            connection.endheaders()
            response = connection.getresponse()
            response.read()
            return response.status

    def status(self, password: str) -> int:
        """What a new connection is answered."""
        with contextlib.closing(self.connect()) as connection:
            return propfind(connection, password)


def propfind(connection: http.client.HTTPConnection, password: str) -> int:
    """The status; the connection stays open."""
    basic = base64.b64encode(f"ana:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Depth": "0", "User-Agent": "curl/8.0"}
    connection.request("PROPFIND", "/dav/ana/calendars/", headers=headers)
    response = connection.getresponse()
    response.read()
    return response.status


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_an_app_password_works_until_it_is_revoked(here: Installation) -> None:
    here.run("account", "add", "ana", "--email", "ana@example.com")
    with here.serving() as server:
        issued = here.issue()
        assert issued["dav_url"] == f"http://127.0.0.1:{here.port}/dav/"
        idle = here.connect()
        assert propfind(idle, issued["password"]) == 207
        told = here.run("app-password", "revoke", issued["id"])
        assert told.startswith(f"Revoked: {issued['id']}.")
        assert idle.sock is not None
        idle.sock.settimeout(1)
        with contextlib.suppress(ConnectionResetError):
            assert idle.sock.recv(1) == b"", "the idle connection is still open"
        idle.close()
        assert here.status(issued["password"]) == 401
        assert here.upload_without_credentials() == 401, "refused before any of the body"
        server.terminate()
        assert server.wait(20) == 0
    written = here.log.read_bytes() + b"".join(
        file.read_bytes() for file in (here.folder / "data").iterdir() if file.is_file()
    )
    assert issued["password"][6:].encode() not in written
    assert b"Traceback" not in written
    lines = here.log.read_text().splitlines()
    assert any("started" in line and f"dav_url={issued['dav_url']}" in line for line in lines)
    assert any(line.endswith("reset=0") for line in lines[-2:])


def test_the_log_can_be_json(tmp_path: Path) -> None:
    here = Installation(tmp_path, LOGGING_FORMAT="json", LOGGING_LEVEL="info", PUBLIC_URL="http://dav.example.com")
    with here.serving() as server:
        deadline = time.monotonic() + 20
        while "started" not in here.events() and time.monotonic() < deadline:
            time.sleep(0.05)  # a worker may answer before the supervisor has said that all of them do
        server.terminate()
        assert server.wait(20) == 0
    assert {"advice", "started", "stopped"} <= here.events()


def test_an_address_that_is_taken(here: Installation) -> None:
    with socket.create_server(("127.0.0.1", here.port)):
        assert f"cannot listen on 127.0.0.1:{here.port}" in here.run("serve", code=1)


def test_a_broken_pipe_revokes_what_nobody_could_read(here: Installation) -> None:
    here.run("account", "add", "ana", "--email", "ana@example.com")
    reading, writing = os.pipe()
    os.close(reading)
    issue = ["app-password", "issue", "ana", "--service", "other", "--scope", "calendars"]
    done = subprocess.run(
        [*PROGRAM, *issue], stdout=writing, stderr=subprocess.PIPE, env=here.environment, cwd=here.folder, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
    [record] = json.loads(here.run("app-password", "list", "ana", "--json"))
    assert (record["state"], record["revoked_why"]) == ("revoked", "it could not be shown")


def test_a_password_is_asked_for_at_a_terminal_and_not_echoed(here: Installation) -> None:
    here.run("account", "add", "ana", "--email", "ana@example.com")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "account", "set-password", "ana"],
        stdin=theirs, stdout=theirs, stderr=theirs, env=here.environment, cwd=here.folder, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    screen = b""
    for prompt in (b"Password: ", b"Repeat for confirmation: "):
        while not screen.endswith(prompt):
            screen += os.read(ours, 1000)
        time.sleep(0.2)  # getpass throws away what was typed before it has switched the echo off
        os.write(ours, b"correct horse battery\n")
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 1000):
            screen += piece
    os.close(ours)
    assert process.wait(20) == 0
    assert b"The password of ana is set." in screen
    assert b"horse" not in screen
    assert json.loads(here.run("account", "show", "ana", "--json"))["has_password"] is True


def test_postgresql_is_upgraded_by_command_only(tmp_path: Path, empty_postgres_url: str) -> None:
    key = tmp_path / "gateway.key"
    key.touch(mode=0o600)
    key.write_text("ab" * 32)
    here = Installation(tmp_path, DATABASE_URL=empty_postgres_url, SECURITY_KEY_FILE=str(key))
    add = ["account", "add", "ana", "--email", "ana@example.com"]
    for arguments in (add, ["account", "list"], ["serve"]):
        assert "run `dav-gateway database upgrade`" in here.run(*arguments, code=1)
    assert json.loads(here.run("database", "status", "--json"))["current"] is None
    assert "is upgraded from empty to" in here.run("database", "upgrade")
    here.run(*add)
    assert "another account has the name ana" in here.run(*add, code=1)
    with here.serving():
        issued = here.issue()
        assert here.status(issued["password"]) == 207
        here.run("app-password", "pause", issued["id"])
        assert here.status(issued["password"]) == 401
        here.run("app-password", "resume", issued["id"])
        assert here.status(issued["password"]) == 207
        here.run("account", "deactivate", "ana")
        assert here.status(issued["password"]) == 401
    assert not (tmp_path / "data").exists()


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        here = Installation(tmp_path, DATABASE_URL=f"postgresql://gate:hu5h@127.0.0.1:{port}/dav")
        for arguments in (["account", "list"], ["database", "status"], ["database", "upgrade"], ["serve"]):
            assert "hu5h" not in here.run(*arguments, code=1)
