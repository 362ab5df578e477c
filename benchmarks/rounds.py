"""Measuring: the servers take turns, a short batch each, so that whatever else the machine does meets all of them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.asking import Hand, Unit, Wrong
from benchmarks.client import Connection
from benchmarks.peers import Server
from benchmarks.processes import Meter
from benchmarks.rows import Row

MOST_UNITS = 300
_PATIENCE = 3
"""How much longer than its CPU a turn may take: some servers send an answer in pieces, each waiting for the last."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is measured: so many turns of so many seconds, for each server and row."""

    turns: int
    seconds: float

    def units(self, cpu: float, wait: float) -> int:
        """How many make a turn, when one costs so many seconds of CPU and takes so many."""
        return max(1, min(MOST_UNITS, int(self.seconds / cpu), int(_PATIENCE * self.seconds / wait)))

    def turns_of(self, one: float) -> int:
        """Who needs longer than a turn for a single unit gets fewer of them, or none."""
        return self.turns if one < self.seconds else min(2, self.turns) if one < 4 * self.seconds else 0


@dataclass(frozen=True, slots=True)
class Cell:
    """A row, a size, a server: milliseconds of server CPU for a unit (the middle of the turns), of waiting for one
    (half, and all but a twentieth), and how many were measured. `wrong` says why there are none."""

    cpu: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    count: int = 0
    wrong: str = ""


class _Entrant:
    """A server in one row."""

    def __init__(self, server: Server, size: int, row: Row) -> None:
        self.row = row
        self.meter = Meter(server.roots())
        self.hand = Hand(Connection(server.port), server.place(size))
        self.costs: list[float] = []
        self.waits: list[float] = []
        self.turns = 0
        self.units = 0
        self.wrong = ""

    def warm(self, pace: Pace) -> None:
        """Two units: the first fills caches, the second shows how many fit into a turn, and is the only one of a server
        that needs so long that it is not asked again."""
        self._turn(1)
        self._forget()
        took = self._turn(1)
        self.units = pace.units(self.costs[-1], took)
        self.turns = pace.turns_of(took)
        if self.turns:
            self._forget()

    def _forget(self) -> None:
        self.costs.clear()
        self.waits.clear()

    def turn(self) -> None:
        """One batch."""
        self.turns -= 1
        self._turn(self.units)

    def _turn(self, count: int) -> float:
        units = list(self.row.units(self.hand, count))
        self.meter.start()
        waits = [self._do(unit) for unit in units]
        cost = self.meter.stop()
        self.hand.clear()
        self.costs.append(cost / len(units))
        self.waits += waits
        return sum(waits) / len(units)

    def _do(self, unit: Unit) -> float:
        took = 0.0
        for ask in unit:
            started = time.perf_counter()
            answer = self.hand.connection.ask(ask.octets)
            took += time.perf_counter() - started
            ask.check(answer)
        return took

    def cell(self) -> Cell:
        self.hand.connection.close()
        if self.wrong:
            return Cell(wrong=self.wrong)
        waits = sorted(self.waits)
        late = waits[min(len(waits) - 1, len(waits) * 95 // 100)]
        return Cell(median(self.costs) * 1000, median(waits) * 1000, late * 1000, len(waits))


def measure(row: Row, size: int, servers: Sequence[Server], pace: Pace) -> Mapping[str, Cell]:
    """One row at one size, by the names of the servers. One that answers wrongly is out, and its cell says why."""
    entrants = {server.name: _Entrant(server, size, row) for server in servers}

    def attempt(entrant: _Entrant, what: str) -> None:
        try:
            if what == "warm":
                entrant.warm(pace)
            else:
                entrant.turn()
        except (Wrong, OSError, EOFError, RuntimeError) as error:
            entrant.wrong, entrant.turns = f"{type(error).__name__}: {error}", 0

    for entrant in entrants.values():
        attempt(entrant, "warm")
    order = list(entrants.values())
    while any(entrant.turns for entrant in order):
        for entrant in order:
            if entrant.turns:
                attempt(entrant, "turn")
        order.reverse()
    return {name: entrant.cell() for name, entrant in entrants.items()}
