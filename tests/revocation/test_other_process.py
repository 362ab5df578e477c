"""A change committed by another process cuts what this server is doing, within 100 ms (the other process is this test).

Each of these goes red when the watcher does not look, when the cut does not reset, or when a commit is not fenced.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from tests.dav.support import calendar_object
from tests.interop.live_gateway import Gateway, running
from tests.revocation.wire import Wire, basic

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.service.services import Services, assemble
from dav_gateway.store.database import open_database

CALENDAR = "/dav/ana/calendars/calendar/"
SOON = 0.1
"""Seconds in which the promise for other processes holds (watch.py looks every 20 ms)."""
LATE = 2.0
"""What a machine that is busy with other tests may take before it is called broken."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("revocation")) as gateway:
        gateway.add_account("ana")
        yield gateway


@pytest.fixture
def services(gateway: Gateway) -> Iterator[Services]:
    database = open_database(f"sqlite:///{gateway.folder / 'var' / 'gateway.db'}")
    yield assemble(database)
    database.dispose()


@pytest.fixture
def password(services: Services) -> Iterator[str]:
    secret, credential = services.issuing.issue(
        "ana", service=Service.OTHER, scopes={Scope.CALENDARS}, origin=Origin.CLI, actor="test"
    )
    yield secret.reveal()
    services.accounts.activate("ana", by="test")
    services.revocation.revoke([credential.id], by="test", why="the test is over")


def poll(wire: Wire, password: str) -> int:
    wire.send("PROPFIND", CALENDAR, basic("ana", password), "Depth: 0")
    return wire.answer()[0]


def next_answer(gateway: Gateway, password: str) -> int:
    """The status of a new request. Until this server has heard of the change, it may reset that connection as well."""
    for _ in range(3):
        with Wire(gateway.port) as wire, suppress(ConnectionError):
            return poll(wire, password)
    raise AssertionError("every new connection was reset")


STOPS: dict[str, Callable[[Services, str], object]] = {
    "revoke": lambda services, one: services.revocation.revoke([one], by="test", why=""),
    "revoke all": lambda services, _one: services.revocation.revoke_all("ana", by="test", why=""),
    "pause": lambda services, one: services.revocation.pause(one, by="test"),
    "deactivate": lambda services, _one: services.accounts.deactivate("ana", by="test"),
    "narrow": lambda services, one: services.revocation.narrow(one, by="test", access=Access.READ_ONLY),
}


@pytest.mark.parametrize("stop", STOPS)
def test_idle_connections_end_and_the_next_request_is_refused(
    gateway: Gateway, services: Services, password: str, stop: str
) -> None:
    with Wire(gateway.port) as idle, Wire(gateway.port) as other:
        assert poll(idle, password) == 207
        STOPS[stop](services, password[:5])
        if stop != "narrow":
            assert next_answer(gateway, password) == 401
        assert idle.ended_within(LATE)
        # A connection without credentials is nobody's and stays.
        other.send("OPTIONS", "/dav/")
        assert other.answer()[0] == 200


def test_the_cut_comes_within_a_tenth_of_a_second(gateway: Gateway, services: Services) -> None:
    took = []
    for _ in range(5):
        secret, credential = services.issuing.issue(
            "ana", service=Service.OTHER, scopes={Scope.CALENDARS}, origin=Origin.CLI, actor="test"
        )
        with Wire(gateway.port) as idle:
            assert poll(idle, secret.reveal()) == 207
            services.revocation.revoke([credential.id], by="test", why="")
            committed = time.monotonic()
            assert idle.ended_within(LATE)
            took.append(time.monotonic() - committed)
    assert sorted(took)[2] < SOON, took


def test_a_running_download_is_reset(gateway: Gateway, services: Services, password: str) -> None:
    size = 8_000_000
    path = f"{CALENDAR}large-{password[:5]}.ics"
    body = calendar_object(f"large-{password[:5]}", "DESCRIPTION:" + "\r\n ".join(["x" * 1000] * (size // 1000)))
    with Wire(gateway.port) as upload:
        upload.send("PUT", path, basic("ana", password), body=body)
        assert upload.answer()[0] == 201
    with Wire(gateway.port, receive_buffer=65536) as download:
        download.send("GET", path, basic("ana", password))
        first = len(download.socket.recv(10_000))
        services.revocation.revoke([password[:5]], by="test", why="")
        time.sleep(SOON)
        rest = download.bytes_until_the_end(LATE)
        assert rest is not None
        assert first + rest < len(body) / 2


@pytest.mark.parametrize("how", ["Content-Length", "chunked", "Expect"])
def test_a_running_upload_is_reset_and_stores_nothing(
    gateway: Gateway, services: Services, password: str, how: str
) -> None:
    name = f"up-{password[:5]}.ics"
    body = calendar_object(f"up-{password[:5]}", "DESCRIPTION:" + "x" * 40_000)
    with Wire(gateway.port) as upload:
        if how == "chunked":
            upload.send("PUT", CALENDAR + name, basic("ana", password), "Transfer-Encoding: chunked")
            upload.socket.sendall(b"%x\r\n" % len(body) + body[: len(body) // 2])
        elif how == "Expect":
            upload.send("PUT", CALENDAR + name, basic("ana", password), "Expect: 100-continue", length=len(body))
            assert upload.socket.recv(100).startswith(b"HTTP/1.1 100")
            upload.socket.sendall(body[: len(body) // 2])
        else:
            upload.send("PUT", CALENDAR + name, basic("ana", password), body=body[: len(body) // 2], length=len(body))
        time.sleep(0.1)
        services.revocation.revoke([password[:5]], by="test", why="")
        assert upload.ended_within(LATE)
    secret, _ = services.issuing.issue(
        "ana", service=Service.OTHER, scopes={Scope.CALENDARS}, origin=Origin.CLI, actor="test"
    )
    with Wire(gateway.port) as look:
        look.send("GET", CALENDAR + name, basic("ana", secret.reveal()))
        assert look.answer()[0] == 404


def test_an_expiry_falls_due_without_a_request(gateway: Gateway, services: Services) -> None:
    due = Moment(services.clock() + 1500)
    secret, _ = services.issuing.issue(
        "ana", service=Service.OTHER, scopes={Scope.CALENDARS}, expires_at=due, origin=Origin.CLI, actor="test"
    )
    with Wire(gateway.port) as idle:
        assert poll(idle, secret.reveal()) == 207
        assert not idle.ended_within(1.0)
        assert idle.ended_within(LATE)
        assert services.clock() >= due
    assert next_answer(gateway, secret.reveal()) == 401


def test_the_command_line_cuts_too(gateway: Gateway) -> None:
    made = gateway.issue("ana", "calendars")
    with Wire(gateway.port) as idle:
        assert poll(idle, made.text) == 207
        gateway.revoke(made)
        assert idle.ended_within(LATE)
    assert next_answer(gateway, made.text) == 401
