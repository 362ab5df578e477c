"""A process that issues app passwords, lets them be used, takes them away, and looks.

Several lanes run at once. At the return of the call each reads, in this order, what the kernel has counted on every
connection of the victim and what the database holds; a while later it reads both again.
"""

import heapq
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from typing import TypeVar

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.errors import GatewayError, NotFound, Refusal
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Scope
from dav_gateway.core.verifier import SCHEMES
from dav_gateway.service.services import Services, assemble
from dav_gateway.store.database import open_database
from tests.stress import messages, oracles
from tests.stress.client import begun_with, received
from tests.stress.events import Failure, Outcome, Signals
from tests.stress.looking import Look
from tests.stress.oracles import Heard, Stored, Verdict
from tests.stress.victims import Victim
from tests.stress.ways import PATIENCE, WAYS, CommandFailed, Scene
from tests.stress.wires import Wires

LOOK_AGAIN = 0.3
LONGEST_LEAD = 0.08
EVERY_WORKER = 10
BUSY_SECONDS = 20.0
AMBUSHES = 0.1
LONGEST_AMBUSH = 2.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """What a lane is told. `late` is what it waits after a return before it looks: 0, but for trying a harness on a
    gateway that promises less."""

    number: int
    account: str
    database_url: str
    ports: tuple[int, ...]
    workers: int
    revocations: int
    seed: int
    environment: Mapping[str, str]
    ways: tuple[str, ...]
    ambushes: bool
    late: float = 0.0


@dataclass(order=True)
class _Due:
    at: float
    number: int
    call: Callable[[], None] = field(compare=False)


def run(order: Order, tell: Connection, signals: Signals) -> None:
    """The process: one message for each victim, a Failure when something is wrong with the lane itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(0.0005)
    database = open_database(order.database_url, busy_timeout=BUSY_SECONDS, pool_size=4)
    wires = Wires()
    try:
        services = assemble(database, profile=SCHEMES["blake2b"])
        Lane(order, services, wires, tell, signals).run()
    except Exception:  # noqa: BLE001 - told to the campaign, which fails by it
        tell.send(Failure(traceback.format_exc()))
    finally:
        wires.stop()
        database.dispose()
        tell.close()


class Lane:
    """See the module."""

    def __init__(self, order: Order, services: Services, wires: Wires, tell: Connection, signals: Signals) -> None:
        """`tell` takes messages of `events`."""
        self._signals = signals
        self._order, self._services, self._wires, self._tell = order, services, wires, tell
        self._random = random.Random(f"{order.seed}/{order.number}")
        self._ways = [way for way in WAYS if way.name in order.ways]
        self._due: list[_Due] = []
        self._numbers = count()
        self._look = Look(services, order.account, tell)

    def run(self) -> None:
        """All revocations of this lane, more while there were not enough faults, and what is still to be looked at."""
        for number in count():
            done = number >= self._order.revocations and self._signals.enough.is_set()
            if done or self._signals.stop.is_set():
                break
            self._carry_out(until=time.monotonic())
            self._take_away_one(number)
        while self._due:
            self._carry_out(until=time.monotonic())
            time.sleep(0.01)

    def _carry_out(self, until: float) -> None:
        while self._due and self._due[0].at <= until:
            heapq.heappop(self._due).call()

    def _take_away_one(self, number: int) -> None:
        way = self._random.choices(self._ways, [way.share for way in self._ways])[0]
        expires_at = Moment(self._services.clock() + 400) if way.name == "expire" else None
        scene = self._issue(expires_at)
        victim = scene.victim
        victim.begin()
        self._wait_for_the_moment()
        at_call = {client: received(client.socket) for client in list(victim.clients)}
        began = time.monotonic()
        repeated, took = self._insist(lambda: way.strike(scene))[1:]
        returned = time.monotonic()
        if self._order.late:
            time.sleep(self._order.late)
        at_return = {client: received(client.socket) for client in list(victim.clients)}
        names = list(victim.sent)
        stored = self._look.stored(names)
        victim.drain()
        # Who answers a new connection is not ours to choose: often enough, everybody is among them.
        everywhere = self._order.ports * 3 * self._order.workers
        ports = (victim.port(),) if number % EVERY_WORKER else everywhere
        statuses, refused_after = self._look.ask_anew(way, victim, returned, ports)

        def settle() -> None:
            verdict = Verdict()
            heard = [
                Heard(
                    type(client).__name__,
                    at_call.get(client, 0),
                    octets,
                    received(client.socket),
                    client.end,
                    begun_with(client),
                    client.answers,
                )
                for client, octets in at_return.items()
            ]
            at_end = self._look.stored_surely(list(victim.sent))
            oracles.judge_octets(verdict, heard, still_reads=way.still_reads)
            oracles.judge_rows(verdict, Stored(stored, at_end))
            oracles.judge_acknowledged(verdict, victim.sent, list(victim.acknowledged), at_end)
            oracles.judge_refusals(verdict, way.refusal, statuses)
            victim.close()
            self._tell.send(
                Outcome(
                    way.name,
                    tuple(victim.kinds),
                    began,
                    took,
                    way.timed,
                    len(at_return),
                    verdict.octets,
                    verdict.rows,
                    verdict.lost,
                    verdict.admitted,
                    len(victim.acknowledged),
                    refused_after,
                    repeated,
                    tuple(
                        f"{way.name} of {victim.id} ({', '.join(victim.kinds)}): {each}" for each in verdict.sentences
                    ),
                )
            )

        restore = way.restore
        if restore is None:
            heapq.heappush(self._due, _Due(time.monotonic() + LOOK_AGAIN, next(self._numbers), settle))
        else:
            # It would be let in again, or another victim of the account not: look first.
            time.sleep(LOOK_AGAIN / 3)
            settle()
            self._insist(lambda: restore(scene))

    def _wait_for_the_moment(self) -> None:
        """Any moment; or, where there are faults, one at the beginning of the next: what was running before it is what
        a fault could let slip."""
        if self._order.ambushes and self._random.random() < AMBUSHES:
            time.sleep(0.05)
            if self._signals.fault.wait(LONGEST_AMBUSH):
                time.sleep(self._random.choice((0, 0.05, 0.3, 0.6)))
        else:
            time.sleep(self._random.uniform(0, LONGEST_LEAD))

    def _issue(self, expires_at: Moment | None) -> Scene:
        order = self._order
        password, credential = self._insist(
            lambda: self._services.issuing.issue(
                order.account,
                service=Service.OTHER,
                scopes={Scope.CALENDARS},
                expires_at=expires_at,
                origin=Origin.CLI,
                actor="stress",
            )
        )[0]
        authorization = messages.basic(order.account, password.reveal())
        victim = Victim(
            credential.id,
            order.account,
            authorization,
            list(order.ports),
            self._wires,
            random.Random(self._random.random()),
        )
        return Scene(self._services, victim, order.environment, expires_at)

    def _insist(self, call: Callable[[], T]) -> tuple[T, int, float]:
        """Say it until it is done, for a call that raises has promised nothing: what it returned, how often it failed,
        and how long the one took that did not."""
        deadline = time.monotonic() + PATIENCE
        failed = 0
        while True:
            began = time.monotonic()
            try:
                return call(), failed, time.monotonic() - began
            except (GatewayError, CommandFailed) as error:
                if time.monotonic() > deadline or isinstance(error, Refusal | NotFound):
                    raise
                failed += 1
                time.sleep(0.05)
