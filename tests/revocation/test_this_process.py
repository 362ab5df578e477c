"""When revoke() returns in the serving process: no further byte, no commit, and the next request is 401 (invariant 1).

The server is the whole one, as bootstrap puts it together, in a thread of the test; clients are bare sockets. Each test
goes red when the mechanism that it is about is taken out: the attach before the credential is read, the reset with
linger 0, the fence inside the write, the expiry that falls due by itself.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.dav.support import calendar_object
from tests.revocation.wire import Wire, basic

from dav_gateway.config import load
from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Scope
from dav_gateway.service.revocation import Receipt
from dav_gateway.service.services import Services
from dav_gateway.serving import Server, build_server
from dav_gateway.store import collections, objects

CALENDAR = "/dav/ana/calendars/calendar/"
LARGE = 9_000_000


class Live:
    """A running gateway and its services."""

    def __init__(self, services: Services, port: int) -> None:
        self.services = services
        self.port = port

    def password(self, expires_at: Moment | None = None) -> str:
        secret, _ = self.services.issuing.issue(
            "ana",
            service=Service.OTHER,
            scopes={Scope.CALENDARS},
            expires_at=expires_at,
            origin=Origin.CLI,
            actor="test",
        )
        return secret.reveal()

    def poll(self, wire: Wire, password: str) -> int:
        wire.send("PROPFIND", CALENDAR, basic("ana", password), "Depth: 0")
        return wire.answer()[0]

    def stored(self) -> set[str]:
        with self.services.database.read() as connection:
            calendar = collections.find(connection, 1, "calendars", "calendar")
            assert calendar is not None
            return {each.name for each in objects.every(connection, calendar.id, octets=False)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("live")
    port = free_port()
    environ = {
        "DAV_GATEWAY_DATA_DIRECTORY": str(folder),
        "DAV_GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "DAV_GATEWAY_APP_PASSWORDS_VERIFIER": "blake2b",
    }
    settings, _ = load(None, environ=environ, cwd=folder)
    started, until = threading.Event(), threading.Event()
    with build_server(settings) as server:
        server.services.accounts.add(name="ana", email="ana@example.org", by="test")
        thread = threading.Thread(target=_serve, args=(server, started, until))
        thread.start()
        assert started.wait(10)
        yield Live(server.services, port)
        until.set()
        thread.join(30)
        assert not thread.is_alive()


def _serve(server: Server, started: threading.Event, until: threading.Event) -> None:
    server.run(lambda _port: started.set(), until=until)


STOPS: dict[str, Callable[[Services, str], Receipt]] = {
    "revoke": lambda services, one: services.revocation.revoke([one], by="test", why=""),
    "revoke all": lambda services, _one: services.revocation.revoke_all("ana", by="test", why=""),
    "pause": lambda services, one: services.revocation.pause(one, by="test"),
    "deactivate": lambda services, _one: services.accounts.deactivate("ana", by="test"),
}


@pytest.mark.parametrize("stop", STOPS)
def test_the_idle_connection_is_closed_and_the_next_request_is_401(live: Live, stop: str) -> None:
    password = live.password()
    try:
        with Wire(live.port) as idle, Wire(live.port) as second:
            assert live.poll(idle, password) == 207
            assert live.poll(second, password) == 207
            receipt = STOPS[stop](live.services, password[:5])
            assert receipt.connections >= 2
            assert idle.bytes_until_the_end(0.05) == 0
            assert second.bytes_until_the_end(0.05) == 0
        for _ in range(3):
            with Wire(live.port) as next_request:
                assert live.poll(next_request, password) == 401
    finally:
        live.services.accounts.activate("ana", by="test")
        live.services.revocation.revoke([password[:5]], by="test", why="over")


@pytest.mark.parametrize("stop", ["revoke", "pause"])
def test_no_byte_of_a_running_download_follows(live: Live, stop: str) -> None:
    password = live.password()
    name = f"{password[:5]}.ics"
    body = calendar_object(password[:5], "DESCRIPTION:" + "\r\n ".join(["x" * 1000] * (LARGE // 1000)))
    with Wire(live.port) as upload:
        upload.send("PUT", CALENDAR + name, basic("ana", password), body=body)
        assert upload.answer()[0] == 201
    with Wire(live.port, receive_buffer=32_768) as download:
        download.send("GET", CALENDAR + name, basic("ana", password))
        first = len(download.socket.recv(1000))
        time.sleep(0.2)  # everything that fits is under way: our buffers, both kernels
        receipt = STOPS[stop](live.services, password[:5])
        assert receipt.requests >= 1
        # What lies in the client's own kernel cannot be called back; a reset throws even most of that away.
        rest = download.bytes_until_the_end(1)
        assert rest is not None
        assert first + rest < 300_000
    live.services.revocation.revoke([password[:5]], by="test", why="over")


@pytest.mark.parametrize("head", [(), ("Expect: 100-continue",), ("Transfer-Encoding: chunked",)])
def test_a_running_upload_is_reset_and_never_committed(live: Live, head: tuple[str, ...]) -> None:
    password = live.password()
    name = f"{password[:5]}.ics"
    body = calendar_object(password[:5], "DESCRIPTION:" + "x" * 30_000)
    with Wire(live.port) as upload:
        if "chunked" in "".join(head):
            upload.send("PUT", CALENDAR + name, basic("ana", password), *head)
            upload.socket.sendall(b"%x\r\n" % len(body) + body[:20_000])
        else:
            upload.send("PUT", CALENDAR + name, basic("ana", password), *head, length=len(body))
            if head:
                assert upload.socket.recv(100).startswith(b"HTTP/1.1 100")
            upload.socket.sendall(body[:20_000])
        time.sleep(0.1)
        live.services.revocation.revoke([password[:5]], by="test", why="")
        assert upload.bytes_until_the_end(0.1) == 0
    assert name not in live.stored()


def test_what_is_not_committed_when_revoke_returns_never_is(live: Live) -> None:
    """PUTs from several connections race a revocation: the calendar is the same right after it and a while later."""
    for _ in range(15):
        password = live.password()
        stop = threading.Event()

        def flood(number: int, password: str = password, stop: threading.Event = stop) -> None:
            count = 0
            while not stop.is_set():
                try:
                    with Wire(live.port) as wire:
                        while not stop.is_set():
                            uid = f"{password[:5]}-{number}-{count}"
                            wire.send("PUT", f"{CALENDAR}{uid}.ics", basic("ana", password), body=calendar_object(uid))
                            if wire.answer()[0] == 401:
                                return
                            count += 1
                except OSError:
                    continue

        threads = [threading.Thread(target=flood, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        started = time.monotonic()
        while not any(name.startswith(password[:5]) for name in live.stored()) and time.monotonic() - started < 30:
            time.sleep(0.05)
        live.services.revocation.revoke([password[:5]], by="test", why="")
        right_after = live.stored()
        time.sleep(0.1)
        assert live.stored() == right_after
        stop.set()
        for thread in threads:
            thread.join()
        assert any(name.startswith(password[:5]) for name in right_after)


def test_an_expiry_falls_due_to_the_second_without_a_request(live: Live) -> None:
    due = Moment(live.services.clock() + 1200)
    password = live.password(due)
    with Wire(live.port) as idle:
        assert live.poll(idle, password) == 207
        assert not idle.ended_within(0.8)
        assert idle.ended_within(1.5)
    assert 0 <= live.services.clock() - due < 1000
    with Wire(live.port) as next_request:
        assert live.poll(next_request, password) == 401


def test_other_peoples_connections_go_on(live: Live) -> None:
    ended, going = live.password(), live.password()
    with Wire(live.port) as first, Wire(live.port) as second:
        assert live.poll(first, ended) == 207
        assert live.poll(second, going) == 207
        live.services.revocation.revoke([ended[:5]], by="test", why="")
        assert live.poll(second, going) == 207


def test_a_process_that_hears_nothing_ends_what_it_served_and_answers_503_in_good_order(live: Live) -> None:
    """Once: who comes afterwards is told to come again, on another connection, and is not reset in the middle."""
    password = live.password()
    assert live.services.database.file is not None
    path = live.services.database.file.path
    with Wire(live.port) as served:
        assert live.poll(served, password) == 207
        path.rename(path.with_suffix(".away"))
        try:
            assert served.ended_within(3)
            while live.services.watcher.healthy:
                time.sleep(0.01)
            for _ in range(5):
                with Wire(live.port) as told:
                    assert live.poll(told, password) == 503
                    time.sleep(0.1)
                    assert told.socket.recv(1) == b""  # not a reset
        finally:
            path.with_suffix(".away").rename(path)
    while not live.services.watcher.healthy:
        time.sleep(0.01)
    with Wire(live.port) as again:
        assert live.poll(again, password) == 207
