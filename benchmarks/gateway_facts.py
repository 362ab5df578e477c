"""What only the gateway is asked: how soon it answers after its start, and what its workers occupy."""

import time
from dataclasses import dataclass
from statistics import median

from benchmarks.client import Connection
from benchmarks.peers.gateway import GatewayServer
from benchmarks.processes import Memory, Meter, memory
from benchmarks.requests import POLL, propfind

START_TARGET = 1.5
MEMORY_TARGET = 80.0
_STARTS = 3


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the start of the program to its first answered poll, by the clock and of CPU, in the middle of some
    starts; and the largest worker right then."""

    seconds: float
    cpu: float
    idle: Memory


def starts(server: GatewayServer, size: int) -> Start:
    """Start it a few times over what it keeps. It is left running."""
    place = server.place(size)
    poll = propfind(place, place.calendar, 0, POLL)
    waited, computed, occupied = [], [], []
    for _ in range(_STARTS):
        server.halt()
        began = time.monotonic()
        meter = Meter([server.launch().pid])
        while not _answers(server.port, poll):
            time.sleep(0.005)
        waited.append(time.monotonic() - began)
        computed.append(meter.stop())
        time.sleep(1.0)
        occupied.append(largest(server))
    return Start(median(waited), median(computed), occupied[-1])


def largest(server: GatewayServer) -> Memory:
    """The worker that occupies most."""
    return max((memory(pid) for pid in server.workers()), key=lambda each: each.resident)


def _answers(port: int, poll: bytes) -> bool:
    connection = Connection(port)
    try:
        return connection.ask(poll).status == 207
    except (OSError, EOFError):
        return False
    finally:
        connection.close()
