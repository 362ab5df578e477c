"""What runs under an app password when it is taken away: downloads, uploads, polls, floods of writes, idle connections.

A `Victim` is one app password in use. Which activities, over which nodes and how fast, is drawn from its own random
numbers. `sent` holds every object that it asked to store, `acknowledged` those whose answer was 2xx.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.stress import messages
from tests.stress.client import Client
from tests.stress.wires import Wires

RECONNECTIONS = 3
ENOUGH = 60
"""Writes of one flood: it goes on longer than a revocation takes, and does not fill the disk when one is late."""


@dataclass
class Victim:
    """One app password, and everything that goes on under it."""

    id: str
    account: str
    authorization: str
    ports: list[int]
    wires: Wires
    random: random.Random
    kinds: list[str] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    sent: dict[str, bytes] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    stopped: bool = False

    def begin(self) -> None:
        """Start one to four activities."""
        for _ in range(self.random.choice((1, 2, 2, 3, 4))):
            kind = self.random.choice(list(KINDS))
            self.kinds.append(kind)
            self.open(KINDS[kind])

    def open(self, kind: "Callable[[Victim], Client]") -> None:
        """One more connection, to any node."""
        client = kind(self)
        self.clients.append(client)
        self.wires.add(client)

    def port(self) -> int:
        """The port of any node."""
        return self.random.choice(self.ports)

    def name(self) -> str:
        """A new name for an object: it tells whose it is."""
        return f"{self.id}-{len(self.sent)}.ics"

    def drain(self) -> None:
        """Nothing new is asked from now on, and what comes is taken at once."""
        self.stopped = True

        def drain() -> None:
            for client in self.clients:
                client.drain()

        self.wires.call(drain)

    def close(self) -> None:
        """Give all connections up."""

        def close() -> None:
            for client in self.clients:
                client.close()

        self.wires.call(close)


class _Activity(Client):
    def __init__(self, victim: Victim, *, receive_buffer: int | None = None, **pace: float) -> None:
        super().__init__(victim.port(), receive_buffer=receive_buffer, **pace)  # type: ignore[arg-type]
        self.victim = victim


class Idle(_Activity):
    """One poll, then silence."""

    def connected(self) -> None:
        self.send(messages.poll(self.victim.account, self.victim.authorization))


class Poll(Idle):
    """Polls on one connection, at once or with a little thought between."""

    def answered(self) -> None:
        if self.status == 207:
            self.later(self.victim.random.choice((0, 0.002, 0.01)), self.connected)


class Download(_Activity):
    """A large object through a small hole: most of it waits in the server and in both kernels."""

    def __init__(self, victim: Victim) -> None:
        draw = victim.random
        self.name = draw.choice(list(messages.LARGE))
        super().__init__(
            victim, receive_buffer=draw.choice((4096, 16384, 65536)), piece=8192, pause=draw.choice((0.001, 0.005, 0.5))
        )

    def connected(self) -> None:
        self.send(messages.get(self.victim.account, self.victim.authorization, self.name))

    def answered(self) -> None:
        if self.status == 200:
            self.later(0, self.connected)


class _Writing(_Activity):
    def __init__(self, victim: Victim) -> None:
        super().__init__(victim)
        self.writing = ""

    def answered(self) -> None:
        if self.writing and 200 <= self.status < 300:
            self.victim.acknowledged.add(self.writing)
            self.writing = ""
            self.go_on()

    def go_on(self) -> None:
        """The write was acknowledged."""


class Flood(_Writing):
    """Writes as fast as they are answered; a connection that is lost is made anew, as clients do."""

    def connected(self) -> None:
        victim = self.victim
        if len(victim.sent) >= ENOUGH * len(victim.kinds):
            return
        self.writing = victim.name()
        victim.sent[self.writing] = messages.event(self.writing)
        self.send(messages.put(victim.account, victim.authorization, self.writing, victim.sent[self.writing]))

    def go_on(self) -> None:
        self.later(self.victim.random.choice((0, 0, 0.005)), self.connected)

    def ended(self) -> None:
        victim = self.victim
        if not victim.stopped and sum(isinstance(each, Flood) for each in victim.clients) <= RECONNECTIONS:
            victim.open(Flood)


class Upload(_Writing):
    """One object in small pieces. Its last piece comes about when the revocation does."""

    framing = "length"

    def connected(self) -> None:
        victim = self.victim
        self.writing = victim.name()
        octets = victim.sent[self.writing] = messages.event(self.writing, victim.random.choice((500, 20_000)))
        path = messages.calendar_path(victim.account) + self.writing
        lines = {
            "length": [f"Content-Length: {len(octets)}"],
            "expect": [f"Content-Length: {len(octets)}", "Expect: 100-continue"],
            "chunked": ["Transfer-Encoding: chunked"],
        }[self.framing]
        self.send(messages.request("PUT", path, victim.authorization, *lines))
        pieces = victim.random.choice((2, 5, 10))
        size = -(-len(octets) // pieces)
        self.rest = [octets[start : start + size] for start in range(0, len(octets), size)]
        self.pause = victim.random.uniform(0, 0.12) / pieces
        if self.framing != "expect":
            self.later(0, self.trickle)

    def interim(self) -> None:
        self.later(0, self.trickle)

    def trickle(self) -> None:
        """Send the next piece."""
        piece = self.rest.pop(0)
        if self.framing == "chunked":
            piece = b"%x\r\n%b\r\n" % (len(piece), piece) + (b"" if self.rest else b"0\r\n\r\n")
        self.send(piece)
        if self.rest:
            self.later(self.pause, self.trickle)

    def go_on(self) -> None:
        self.later(0, self.connected)


class ExpectUpload(Upload):
    """One that asks before it sends."""

    framing = "expect"


class ChunkedUpload(Upload):
    """One that does not tell its length."""

    framing = "chunked"


KINDS: dict[str, Callable[[Victim], Client]] = {
    "download": Download,
    "upload": Upload,
    "upload with Expect": ExpectUpload,
    "chunked upload": ChunkedUpload,
    "poll": Poll,
    "flood": Flood,
    "idle": Idle,
}
