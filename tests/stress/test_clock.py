"""The wall clock of a gateway is set while it runs: it says when an app password expires, and nothing else."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.moment import MINUTE, Moment
from dav_gateway.core.scope import Scope
from dav_gateway.core.verifier import SCHEMES
from dav_gateway.service.services import Services, assemble
from dav_gateway.store.database import open_database
from tests.revocation.wire import Wire
from tests.stress import messages
from tests.stress.asking import ask
from tests.stress.cluster import Node
from tests.stress.faults import HOUR, set_clock
from tests.stress.stage import clock_settings, make_clock

SOON = 3.0
"""A second is the promise; the rest is for a busy machine."""


class Skewed:
    """A gateway with a clock of its own, and the services of another process whose clock is right."""

    def __init__(self, node: Node, clock: Path, services: Services) -> None:
        self.node, self.clock, self.services = node, clock, services

    def issue(self, expires_at: Moment | None = None) -> tuple[str, bytes]:
        """The id of a new app password, and a poll with it."""
        password, credential = self.services.issuing.issue(
            "ana",
            service=Service.OTHER,
            scopes={Scope.CALENDARS},
            expires_at=expires_at,
            origin=Origin.CLI,
            actor="test",
        )
        return credential.id, messages.poll("ana", messages.basic("ana", password.reveal()))

    def status(self, request: bytes) -> int:
        """What a new connection is answered."""
        return ask(self.node.port, request).status


@pytest.fixture(scope="module")
def skewed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Skewed]:
    folder = tmp_path_factory.mktemp("clock")
    url = f"sqlite:///{folder / 'gateway.db'}"
    (folder / "gateway.db").write_bytes(sqlite_template.read_bytes())
    database = open_database(url)
    services = assemble(database, profile=SCHEMES["blake2b"])
    services.accounts.provision(services.accounts.add(name="ana", email="ana@example.org", by="test"))
    clock = make_clock(folder / "clock")
    node = Node("node", folder, url, 1)
    node.environment = {**node.environment, **clock_settings(clock)}
    node.start()
    try:
        yield Skewed(node, clock, services)
        assert node.stop() == 0
    finally:
        node.kill()
        database.dispose()
    assert node.complaints() == []


@pytest.fixture(autouse=True)
def right_again(skewed: Skewed) -> Iterator[None]:
    yield
    set_clock(skewed.clock, 0)


def opened(skewed: Skewed, request: bytes) -> Wire:
    """A connection on which a poll was answered."""
    wire = Wire(skewed.node.port)
    wire.socket.sendall(request)
    assert wire.answer()[0] == 207
    return wire


def test_a_clock_set_forward_ends_what_has_expired_by_it(skewed: Skewed) -> None:
    _, lasting = skewed.issue()
    _, expiring = skewed.issue(Moment(skewed.services.clock() + 30 * MINUTE))
    with opened(skewed, expiring) as ends, opened(skewed, lasting) as goes_on:
        set_clock(skewed.clock, HOUR)
        assert ends.ended_within(SOON)
        assert skewed.status(expiring) == 401
        goes_on.socket.sendall(lasting)
        assert goes_on.answer()[0] == 207


@pytest.mark.parametrize("jump", [-72 * HOUR, -HOUR, HOUR, 72 * HOUR, 9000 * HOUR])
def test_a_revocation_holds_whatever_the_clock_says(skewed: Skewed, jump: int) -> None:
    credential_id, request = skewed.issue()
    with opened(skewed, request) as idle:
        set_clock(skewed.clock, jump)
        time.sleep(0.3)
        skewed.services.revocation.revoke([credential_id], by="test", why="")
        assert idle.ended_within(SOON)
        assert skewed.status(request) == 401
        set_clock(skewed.clock, 0)
        time.sleep(0.3)
        assert skewed.status(request) == 401
