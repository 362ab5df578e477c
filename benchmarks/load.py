"""What a server does for many clients at once: requests a second, and how long each waits."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.asking import WRITTEN, Hand, Wrong, fresh
from benchmarks.client import Answer, Connection
from benchmarks.crowd import many
from benchmarks.peers import Server
from benchmarks.processes import Meter
from benchmarks.requests import POLL, Place, propfind

CLIENTS = (1, 4, 16)


@dataclass(frozen=True, slots=True)
class Load:
    """Requests a second of wall time; milliseconds of waiting and of server CPU for one of them."""

    rate: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    cpu: float = 0.0
    wrong: str = ""


class _Polls:
    def __init__(self, place: Place) -> None:
        self._octets = propfind(place, place.calendar, 0, POLL)

    def requests(self) -> Iterator[bytes]:
        return itertools.repeat(self._octets)

    def check(self, answer: Answer) -> None:
        if answer.status != 207:
            raise Wrong(f"a poll was answered {answer.status}: {answer.body[:300]!r}")


class _Puts:
    def __init__(self, place: Place) -> None:
        self._place = place
        self.made: list[str] = []

    def requests(self) -> Iterator[bytes]:
        while True:
            path, octets = fresh(self._place)
            self.made.append(path)
            yield octets

    def check(self, answer: Answer) -> None:
        if answer.status not in WRITTEN:
            raise Wrong(f"a PUT was answered {answer.status}: {answer.body[:300]!r}")


def polls(server: Server, size: int, clients: int, seconds: float) -> Load:
    """So many clients that poll one calendar as fast as they are answered."""
    return _loaded(server, _Polls(server.place(size)), clients, seconds)


def puts(server: Server, size: int, clients: int, seconds: float) -> Load:
    """So many clients that write new events into one calendar; they are deleted afterwards."""
    place = server.place(size)
    work = _Puts(place)
    found = _loaded(server, work, clients, seconds)
    hand = Hand(Connection(server.port), place, work.made)
    hand.clear()
    hand.connection.close()
    return found


def _loaded(server: Server, work: _Polls | _Puts, clients: int, seconds: float) -> Load:
    waits: list[float] = []

    def take(answer: Answer, waited: float) -> None:
        work.check(answer)
        waits.append(waited)

    meter = Meter(server.roots())
    try:
        many(server.port, work.requests(), clients, take, seconds / 5)
        waits.clear()
        meter.start()
        lasted = many(server.port, work.requests(), clients, take, seconds)
        cost = meter.stop()
    except (Wrong, OSError, EOFError, RuntimeError) as error:
        return Load(wrong=f"{type(error).__name__}: {error}")
    waits.sort()
    return Load(
        len(waits) / lasted,
        median(waits) * 1000,
        waits[len(waits) * 95 // 100] * 1000,
        cost * 1000 / len(waits),
    )
