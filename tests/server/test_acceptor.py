"""Workers beside each other: who takes a new connection, and that one which serves nobody lets the others go first."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
import uvloop

from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.server.acceptor import Acceptor
from dav_gateway.server.registry import ConnectionRegistry
from dav_gateway.server.seat import Seat
from dav_gateway.server.serve import ServerSettings, serve_on
from dav_gateway.server.tally import Tally


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as made:
        yield made


def taken(listening: socket.socket, away: tuple[bool, bool]) -> Counter[int]:
    """Which of two workers took how many of 12 connections; those that are away have no connection yet, the others
    have three."""
    tally, counts = Tally(2), Counter[int]()

    async def run() -> None:
        acceptors = []
        for number in range(2):
            share = tally.share(number)
            share.leave() if away[number] else share.put(3)

            def take(client: socket.socket, number: int = number) -> None:
                counts[number] += 1
                client.close()

            acceptors.append(Acceptor([listening.dup()], take, share))
        for _ in range(12):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            await reader.read()
            writer.close()
        for acceptor in acceptors:
            acceptor.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(run(), 30))
    return counts


@pytest.mark.parametrize("asleep", [0, 1])
def test_one_that_is_away_lets_the_others_go_first(listening: socket.socket, asleep: int) -> None:
    """It has the fewest connections, and would get every new one."""
    assert taken(listening, (asleep == 0, asleep == 1)) == {1 - asleep: 12}


def test_when_all_are_away_somebody_takes_what_comes(listening: socket.socket) -> None:
    assert taken(listening, (True, True)).total() == 12


def test_a_server_is_away_for_as_long_as_it_is_asleep(listening: socket.socket) -> None:
    tally, word, until = Tally(1), ["the database is gone"], threading.Event()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    seat = Seat(WorkerPlace("node", 0), [listening.dup()], tally.share(0), theirs)
    thread = threading.Thread(
        target=serve_on,
        args=(seat.sockets, None, ServerSettings(), ConnectionRegistry()),
        kwargs={"seat": seat, "until": until, "asleep": lambda: word[0] if word else None},
    )
    thread.start()
    assert ours.recv(16) == b"ready"
    try:
        assert tally.least() is None
        word.clear()
        for _ in range(1000):
            if tally.least() is not None:
                break
            threading.Event().wait(0.01)
        assert tally.least() == 0
    finally:
        until.set()
        thread.join()
        ours.close()
        theirs.close()
