"""Everybody else: people whose app passwords live, and who must notice nothing but a 503 now and then.

Each polls, writes, fetches what was written and downloads, all the time, on a connection that is kept as long as it
lasts. A request that gets no answer is repeated once on a new connection, as real clients do.
"""

import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tests.stress import messages
from tests.stress.client import Client
from tests.stress.events import Answers, Failure, Signals, Trouble
from tests.stress.wires import Wires

OBJECTS = 40
PATIENCE = 15.0
FIT = {"poll": {207}, "write": {201, 204}, "fetch": {200}, "download": {200}}


@dataclass(frozen=True, slots=True)
class Person:
    """One of them. Everybody has a name of their own for their objects."""

    account: str
    authorization: str
    port: int
    name: str


@dataclass(frozen=True, slots=True)
class Written:
    """What must be found at the end: for each object, what may be there; None where it may be missing."""

    account: str
    versions: Mapping[str, frozenset[bytes | None]]


class Bystander(Client):
    """One connection of a person; the next one takes over what this one could not do."""

    def __init__(self, life: "Life") -> None:
        super().__init__(life.person.port)
        self.life = life

    def connected(self) -> None:
        self.life.ask(self)

    def answered(self) -> None:
        self.life.hear(self)
        if self.last:
            self.close()
            self.life.go_on()
        else:
            self.later(self.life.pause(), self.connected)

    def ended(self) -> None:
        self.life.lost(self)


class Life:
    """What one person does."""

    def __init__(self, person: Person, wires: Wires, draw: random.Random, pause: float) -> None:
        self.person, self.troubles = person, list[Trouble]()
        self.statuses: Counter[int] = Counter()
        self.unfit: list[str] = []
        self.acknowledged: dict[str, bytes] = {}
        self.doubtful: dict[str, set[bytes]] = {}
        self.idle_ends = 0
        self.over = False
        self._wires, self._random, self._pause = wires, draw, pause
        self._doing = ""
        self._request = b""
        self._name = ""
        self._octets = b""
        self._since = 0.0
        self._repeated = False
        self._number = 0
        self.client = Bystander(self)
        wires.add(self.client)

    def pause(self) -> float:
        """How long to think."""
        return self._random.uniform(0, 2 * self._pause)

    def ask(self, client: Client) -> None:
        """Send the next request, or again the one that was not answered."""
        if self.over:
            return
        if not self._doing:
            self._doing = self._random.choices(list(FIT), (6, 3, 2, 1))[0]
            self._request = self._next()
            self._repeated = False
        self._since = time.monotonic()
        client.send(self._request)

    def hear(self, client: Client) -> None:
        """Judge an answer."""
        doing, self._doing = self._doing, ""
        status = client.status
        self.statuses[status] += 1
        if status == 503:
            if b"\r\nretry-after:" not in client.headers:
                self.unfit.append(f"{self.person.name}: 503 without Retry-After to a {doing}")
        elif status not in FIT[doing]:
            self.unfit.append(f"{self.person.name}: {status} to a {doing}: {client.body[:200]!r}")
        elif doing == "write":
            self.acknowledged[self._name] = self._octets
            self.doubtful[self._name].discard(self._octets)
        elif doing == "fetch" and client.body not in self.possible(self._name):
            self.unfit.append(f"{self.person.name}: {self._name} has octets that nobody sent")

    def possible(self, name: str) -> frozenset[bytes | None]:
        """What may be stored: the last that was acknowledged, and whatever got no answer or a 503, however late."""
        return frozenset({self.acknowledged.get(name), *self.doubtful[name]})

    def lost(self, client: Client) -> None:
        """The connection is over: connect anew, and say it when a request was running."""
        if self.over:
            return
        if self._doing and client.answers + bool(client.local_port) and self._since >= client.opened_at:
            self._note(client, client.end or "")
        elif client.end == "refused":
            self._note(client, "refused")
        else:
            self.idle_ends += 1
        if self._repeated:
            self._doing = ""
        self._repeated = bool(self._doing)
        self._wires.later(0.02 if client.end != "refused" else 0.1, self.reconnect)

    def go_on(self) -> None:
        """After an answer that ends the connection: think, and ask on a new one."""
        self._wires.later(self.pause(), self.reconnect)

    def reconnect(self) -> None:
        """A new connection."""
        if not self.over:
            self.client = Bystander(self)
            self.client.start(self._wires)

    def look(self) -> None:
        """A request that waits for ever is as good as lost."""
        if self._doing and self.client.end is None and time.monotonic() - self._since > PATIENCE:
            self._note(self.client, "silent")
            self.client.close()
            self._doing = ""
            self.reconnect()

    def _note(self, client: Client, end: str) -> None:
        person = self.person
        self.troubles.append(
            Trouble(
                time.monotonic(), person.port, client.local_port, client.opened_at, end, f"{person.name}: {self._doing}"
            )
        )

    def _next(self) -> bytes:
        person = self.person
        if self._doing == "fetch" and not self.acknowledged:
            self._doing = "poll"
        if self._doing == "poll":
            return messages.poll(person.account, person.authorization)
        if self._doing == "download":
            return messages.get(person.account, person.authorization, next(iter(messages.LARGE)))
        if self._doing == "fetch":
            self._name = self._random.choice(list(self.acknowledged))
            return messages.get(person.account, person.authorization, self._name)
        self._number += 1
        self._name = f"{person.name}-{self._number % OBJECTS}.ics"
        # Never the same twice: what is stored tells which write it was.
        self._octets = messages.event(self._name, 100 + self._number % 997).replace(
            b"-//stress", b"-//%d" % self._number
        )
        self.doubtful.setdefault(self._name, set()).add(self._octets)
        return messages.put(person.account, person.authorization, self._name, self._octets)


def run(people: tuple[Person, ...], seed: int, pause: float, tell: Connection, signals: Signals) -> None:
    """The process: until told to stop, then Answers, and a Written for each account."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wires = Wires()
    try:
        lives = [Life(person, wires, random.Random(f"{seed}/{person.name}"), pause) for person in people]
        while not signals.stop.wait(0.2):
            for life in lives:
                wires.call(life.look)
            _tell_troubles(lives, tell)
        for life in lives:
            life.over = True
        time.sleep(0.3)  # what was on its way is heard
        wires.stop()
        _tell_troubles(lives, tell)
        for life in lives:
            tell.send(Written(life.person.account, {name: life.possible(name) for name in life.doubtful}))
        total = sum((life.statuses for life in lives), Counter[int]())
        tell.send(Answers(dict(total), tuple(each for life in lives for each in life.unfit)))
    except Exception:  # noqa: BLE001 - told to the campaign, which fails by it
        tell.send(Failure(traceback.format_exc()))
    finally:
        tell.close()


def _tell_troubles(lives: list[Life], tell: Connection) -> None:
    for life in lives:
        found, life.troubles = life.troubles, []
        for each in found:
            tell.send(each)
