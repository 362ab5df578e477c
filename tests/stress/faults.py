"""The harm done while app passwords are taken away. One fault at a time, and the node comes back before the next.

kill       SIGKILL to a worker
stop       SIGSTOP to a worker; the gateway has to end it by itself
blackhole  the wire between a node and PostgreSQL goes dead without a word
disk       no worker of a node can write to a file any more (RLIMIT_FSIZE, which needs no privilege, is what a full
           disk is to a process: writes fail). PostgreSQL's own disk is not touched: its server ends by itself then
database   PostgreSQL is stopped (fast) and started again
clock      the wall clock of a node's processes jumps by hours or days
"""

import os
import random
import resource
import signal
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.stress.cluster import Node, let_in
from tests.stress.events import Harm, Signals
from tests.stress.stage import Stage
from tests.stress.stores import PostgresStore

KINDS = ("kill", "stop", "blackhole", "disk", "database", "clock")
NOT_ON = {"sqlite": {"blackhole", "database"}, "postgresql": {"disk"}}
FROZEN_LIMIT = 5.0
BACK_LIMIT = 60.0
"""Seconds until a node is whole again. A worker that has died young again and again is started after up to 30 of them
(`server/generation`), and chance may strike the youngest each time."""
HOUR = 3600 * 10**9
JUMPS = (-72 * HOUR, -HOUR, -(10**10), 10**10, HOUR, 72 * HOUR, 9000 * HOUR)


class Faults:
    """The thread that does it. `harms` is read when it has ended."""

    def __init__(
        self,
        kinds: tuple[str, ...],
        on: Stage,
        seed: int,
        witnesses: Mapping[int, tuple[str, str]],
        quiet: tuple[float, float],
        signals: Signals,
    ) -> None:
        """`witnesses`: for the port of each node an account and an authorization that it lets in when it is well;
        `quiet`: bounds of the time between two faults. They are signalled, and that each kind has been done."""
        self.harms: list[Harm] = []
        self.failures: list[str] = []
        self._kinds, self._on, self._witnesses = kinds, on, witnesses
        self._quiet, self._signals = quiet, signals
        self._random = random.Random(f"{seed}/faults")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)

    def start(self) -> None:
        """Begin, with a quiet while."""
        if self._kinds:
            self._thread.start()
        else:
            self._signals.enough.set()

    def stop(self) -> None:
        """End after the fault that is being done, with everything healed."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        bag: list[str] = []
        try:
            while not self._stopping.wait(self._random.uniform(*self._quiet)):
                bag = bag or self._random.sample(self._kinds, len(self._kinds))
                getattr(self, f"_{bag.pop()}")(self._random.randrange(len(self._on.nodes)))
                if not bag:
                    self._signals.enough.set()
        except Exception as error:  # noqa: BLE001 - told to the campaign, which fails by it
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            self._signals.enough.set()
            self._signals.fault.clear()

    def _kill(self, place: int) -> None:
        node = self._on.nodes[place]
        pid = self._random.choice(node.worker_ids())
        with self._harm("kill", node, pid):
            os.kill(pid, signal.SIGKILL)
            self._revive(node, pid)

    def _stop(self, place: int) -> None:
        node = self._on.nodes[place]
        pid = self._random.choice(node.worker_ids())
        os.kill(pid, signal.SIGSTOP)
        with self._harm("stop", node, pid) as harm:
            while time.monotonic() < harm.began + FROZEN_LIMIT and _is_there(pid):
                time.sleep(0.02)
            if _is_there(pid):
                self.failures.append(f"a stopped worker of {node.name} was not ended within {FROZEN_LIMIT:g} s")
                os.kill(pid, signal.SIGKILL)
            self._revive(node, pid)

    def _blackhole(self, place: int) -> None:
        node, hole = self._on.nodes[place], self._on.holes[place]
        with self._harm("blackhole", node, None):
            hole.stall()
            time.sleep(self._random.uniform(0.5, 4))
            hole.flow()
            self._wait_until_back(node)

    def _disk(self, place: int) -> None:
        node = self._on.nodes[place]
        with self._harm("disk", node, 0):
            for soft in (1, resource.RLIM_INFINITY):
                for pid in node.worker_ids():
                    with suppress(ProcessLookupError):
                        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
                time.sleep(self._random.uniform(0.5, 2) if soft == 1 else 0)
            self._wait_until_back(node)

    def _database(self, _place: int) -> None:
        assert isinstance(self._on.store, PostgresStore)
        with self._harm("database", None, None):
            self._on.store.stop()
            time.sleep(self._random.uniform(0.5, 3))
            self._on.store.start()
            for node in self._on.nodes:
                self._wait_until_back(node)

    def _clock(self, place: int) -> None:
        node = self._on.nodes[place]
        killed = self._random.choice((0, self._random.choice(node.worker_ids())))
        with self._harm("clock", node, killed):
            set_clock(self._on.clocks[place], self._random.choice(JUMPS))
            time.sleep(self._random.uniform(0.2, 1.5))
            if killed:
                # Whoever starts now believes the wrong time from the first.
                os.kill(killed, signal.SIGKILL)
                self._revive(node, killed)
            time.sleep(self._random.uniform(0.2, 1.5))
            set_clock(self._on.clocks[place], 0)

    @contextmanager
    def _harm(self, kind: str, node: Node | None, pid: int | None) -> Iterator[Harm]:
        """`pid`: whose connections end; None: those that its workers say, or all of the node's only one; 0: none."""
        ports = None if pid is None or (node is not None and node.workers == 1 and pid) else _clients_of(pid)
        harm = Harm(kind, node.port if node else 0, time.monotonic(), local_ports=ports)
        self.harms.append(harm)
        self._signals.fault.set()
        yield harm
        self._signals.fault.clear()
        harm.ended = time.monotonic()

    def _revive(self, node: Node, pid: int) -> None:
        deadline = time.monotonic() + BACK_LIMIT
        while _is_there(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._wait_until_back(node)

    def _wait_until_back(self, node: Node) -> None:
        deadline = time.monotonic() + BACK_LIMIT
        while (
            len(node.worker_ids()) < node.workers or node.asleep() or not let_in(node.port, *self._witnesses[node.port])
        ):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{node.name} is not back after {BACK_LIMIT:g} s")
            time.sleep(0.05)


def set_clock(clock: Path, jump: int) -> None:
    """Move the wall clock of the processes that look at this file by nanoseconds."""
    with clock.open("r+b") as file:  # in place: it is mapped
        file.write(struct.pack("q", jump))


def _is_there(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def _clients_of(pid: int) -> frozenset[int]:
    """Ports of the clients that a process has connections with."""
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        if pid:
            return frozenset(each.raddr.port for each in psutil.Process(pid).net_connections("tcp") if each.raddr)
    return frozenset()
