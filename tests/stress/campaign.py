"""One configuration from start to verdict."""

import multiprocessing
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.scope import Scope
from dav_gateway.core.verifier import SCHEMES
from dav_gateway.service.services import Services, assemble
from dav_gateway.store import collections, objects
from dav_gateway.store.database import open_database
from dav_gateway.store.objects import NewObject
from tests.stress import bystanders, lane, messages
from tests.stress.blackhole import Blackhole
from tests.stress.bystanders import Person, Written
from tests.stress.cluster import Node
from tests.stress.events import Answers, Failure, Harm, Outcome, Signals, Trouble
from tests.stress.faults import NOT_ON, Faults
from tests.stress.lane import Order
from tests.stress.report import Result, Times
from tests.stress.stores import PostgresStore, SqliteStore, store
from tests.stress.ways import WAYS

LARGE_OCTETS = 2_000_000
PEOPLE_PER_NODE = 4
SLACK = 1.0
"""Seconds after a fault in which a connection may still end by it."""
AFTERMATH = 3.0
"""Seconds after a fault in which a revocation's time counts as one under fault."""
SKEWED = Path(__file__).parent / "skewed"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for. `pause`: seconds that other people think between requests; `quiet`: bounds of the seconds
    between two faults."""

    engine: str
    workers: int = 1
    nodes: int = 1
    revocations: int = 1000
    faults: tuple[str, ...] = ()
    seed: int = 1
    lanes: int = 4
    pause: float = 0.05
    quiet: tuple[float, float] = (1.5, 3.0)
    in_memory: bool = False
    late: float = 0.0
    only: tuple[str, ...] = ()
    keep_log: Path | None = None


@dataclass
class _Heard:
    """Everything that the processes have told so far."""

    outcomes: list[Outcome] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    by_status: Counter[int] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def take(self, message: object) -> None:
        """One message."""
        match message:
            case Outcome():
                self.outcomes.append(message)
            case Trouble():
                self.troubles.append(message)
            case Written():
                self.written.append(message)
            case Answers():
                self.by_status.update(message.by_status)
                self.violations += message.unfit
            case Failure():
                self.violations.append(f"the harness could not go on: {message.text}")


def run(plan: Plan, say: Callable[[str], None]) -> Result:
    """Run it and judge it; KeyboardInterrupt ends it early and the result says so. `say` is told how it goes."""
    result = Result(plan.engine, plan.workers, plan.nodes, plan.seed)
    kinds = tuple(kind for kind in plan.faults if kind not in NOT_ON[plan.engine])
    with ExitStack() as stack:
        folder, opened = stack.enter_context(store(plan.engine, in_memory=plan.in_memory))
        holes = (
            [Blackhole(opened.socket_path) for _ in range(plan.nodes)]
            if isinstance(opened, PostgresStore) and "blackhole" in kinds
            else []
        )
        for hole in holes:
            stack.callback(hole.close)
        clocks = _clocks(folder, plan.nodes) if "clock" in kinds else []
        nodes = _nodes(plan, folder, opened, holes, clocks)
        for node in nodes:
            stack.callback(node.kill)
        for node in nodes:
            node.start()
        _run_with(plan, kinds, nodes, opened, holes, clocks, result, say)
    return result


def _run_with(
    plan: Plan,
    kinds: tuple[str, ...],
    nodes: list[Node],
    opened: SqliteStore | PostgresStore,
    holes: list[Blackhole],
    clocks: list[Path],
    result: Result,
    say: Callable[[str], None],
) -> None:
    accounts, people = _populate(plan, opened, nodes)
    by_port = {person.port: (person.account, person.authorization) for person in people}
    heard = _Heard()
    processes = _Processes()
    signals = processes.signals
    faults = Faults(
        kinds,
        nodes,
        opened,
        holes,
        clocks,
        plan.seed,
        lambda node: by_port[node.port],
        plan.quiet,
        signals.fault,
        signals.enough,
    )
    began = time.monotonic()
    try:
        processes.begin(bystanders.run, people, plan.seed, plan.pause, forever=True)
        time.sleep(0.3)
        for number, account in enumerate(accounts):
            processes.begin(lane.run, _order(plan, kinds, number, account, opened.url, nodes))
        faults.start()
        _listen(plan, processes, heard, faults, nodes, say, result.name)
    except KeyboardInterrupt:
        result.complete = False
    result.seconds = time.monotonic() - began
    processes.signals.stop.set()
    faults.stop()
    processes.finish(heard.take)
    _judge_nodes(nodes, heard)
    _judge_bystanders(heard, opened.url)
    _sum_up(result, heard, faults)
    if plan.keep_log is not None:
        for node in nodes:
            (plan.keep_log / f"{node.name}.log").write_bytes(node.said())


class _Processes:
    """Lanes and bystanders, each with a pipe to the campaign."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("fork")
        self._processes: list[Any] = []
        self.pipes: list[Connection] = []
        self._forever: list[Connection] = []
        self.signals = Signals(self._context.Event(), self._context.Event(), self._context.Event())

    def begin(self, target: Callable[..., None], *arguments: object, forever: bool = False) -> None:
        """Start one: `target(*arguments, pipe, signals)`. One that runs `forever` is not waited for."""
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=target, args=(*arguments, theirs, self.signals), daemon=True)
        process.start()
        theirs.close()
        self._processes.append(process)
        (self._forever if forever else self.pipes).append(ours)

    @property
    def every_pipe(self) -> list[Connection]:
        """Those that may still say something."""
        return [*self.pipes, *self._forever]

    def receive(self, take: Callable[[object], None], patience: float) -> None:
        """Take what there is."""
        for pipe in wait(self.every_pipe, patience):
            assert isinstance(pipe, Connection)
            try:
                take(pipe.recv())
            except EOFError:
                (self.pipes if pipe in self.pipes else self._forever).remove(pipe)
                pipe.close()

    def finish(self, take: Callable[[object], None]) -> None:
        """Take the rest until all have ended."""
        deadline = time.monotonic() + 60
        while self.every_pipe and time.monotonic() < deadline:
            self.receive(take, 1)
        for process in self._processes:
            process.join(5)
            if process.is_alive():
                process.kill()
                take(Failure("a process of the harness did not end"))


def _listen(
    plan: Plan,
    processes: _Processes,
    heard: _Heard,
    faults: Faults,
    nodes: list[Node],
    say: Callable[[str], None],
    name: str,
) -> None:
    began = said = time.monotonic()
    while processes.pipes:
        processes.receive(heard.take, 0.5)
        if faults.failures:
            break
        for node in nodes:
            if node.process.poll() is not None and not faults.harms:
                heard.violations.append(f"{node.name} ended by itself with {node.process.returncode}")
                return
        now = time.monotonic()
        if now - said >= 5:
            said = now
            done = len(heard.outcomes)
            broken = sum(len(each.sentences) for each in heard.outcomes) + len(heard.violations)
            rate = done / (now - began)
            say(f"{name}: {done} of {plan.revocations}, {rate:.0f}/s, {len(faults.harms)} faults, {broken} violations")


def _nodes(
    plan: Plan, folder: Path, opened: SqliteStore | PostgresStore, holes: list[Blackhole], clocks: list[Path]
) -> list[Node]:
    made = []
    for place in range(plan.nodes):
        settings = {}
        node = Node(f"node{place}", folder, holes[place].url() if holes else opened.url, plan.workers)
        if clocks:
            settings = {"STRESS_CLOCK": str(clocks[place]), "PYTHONPATH": str(SKEWED)}
        node.environment = {**node.environment, **settings}
        made.append(node)
    return made


def _clocks(folder: Path, number: int) -> list[Path]:
    files = [folder / f"clock{place}" for place in range(number)]
    for file in files:
        file.write_bytes(struct.pack("q", 0))
    return files


def _populate(
    plan: Plan, opened: SqliteStore | PostgresStore, nodes: list[Node]
) -> tuple[list[str], tuple[Person, ...]]:
    """An account with a large object for each lane, and for the people at each node."""
    database = open_database(opened.url)
    try:
        services = assemble(database, profile=SCHEMES["blake2b"])
        lanes = [f"lane{number}" for number in range(plan.lanes)]
        crowds = [f"people{place}" for place in range(len(nodes))]
        for name in (*lanes, *crowds):
            _add(services, name)
        people = [
            Person(crowd, _authorization(services, crowd), node.port, f"{crowd}-{number}")
            for crowd, node in zip(crowds, nodes, strict=True)
            for number in range(PEOPLE_PER_NODE)
        ]
    finally:
        database.dispose()
    return lanes, tuple(people)


def _add(services: Services, name: str) -> None:
    account = services.accounts.add(name=name, email=f"{name}@example.org", by="stress")
    services.accounts.provision(account)
    with services.database.write() as connection:
        calendar = collections.find(connection, account.id, Scope.CALENDARS, "calendar")
        assert calendar is not None
        large = NewObject(messages.LARGE, "large", "VEVENT", messages.event("large", LARGE_OCTETS))
        objects.put(connection, calendar.id, large, services.clock())


def _authorization(services: Services, account: str) -> str:
    password, _ = services.issuing.issue(
        account, service=Service.OTHER, scopes={Scope.CALENDARS}, origin=Origin.CLI, actor="stress"
    )
    return messages.basic(account, password.reveal())


def _order(plan: Plan, kinds: tuple[str, ...], number: int, account: str, url: str, nodes: list[Node]) -> Order:
    share = plan.revocations // plan.lanes + (number < plan.revocations % plan.lanes)
    # A node whose clock is wrong lets an app password expire at another moment.
    ways = tuple(
        way.name
        for way in WAYS
        if not (plan.only and way.name not in plan.only) and not ("clock" in kinds and way.name == "expire")
    )
    environment = {key: value for key, value in nodes[0].environment.items() if key.startswith("DAV_GATEWAY_")}
    environment["DAV_GATEWAY_DATABASE_URL"] = url
    ports = tuple(node.port for node in nodes)
    return Order(number, account, url, ports, plan.workers, share, plan.seed, environment, ways, bool(kinds), plan.late)


def _judge_nodes(nodes: list[Node], heard: _Heard) -> None:
    for node in nodes:
        code = node.stop()
        if code != 0:
            heard.violations.append(f"{node.name} stopped with {code}")
        heard.violations += [f"{node.name} logged: {text}" for text in node.complaints()]


def _judge_bystanders(heard: _Heard, url: str) -> None:
    """Every write of theirs that was answered 2xx is there."""
    database = open_database(url)
    try:
        for each in heard.written:
            with database.read() as connection:
                account = assemble(database).accounts.get(each.account)
                calendar = collections.find(connection, account.id, Scope.CALENDARS, "calendar")
                assert calendar is not None
                stored = {one.name: one.octets for one in objects.get_many(connection, calendar.id, each.versions)}
            wrong = [name for name, allowed in each.versions.items() if stored.get(name) not in allowed]
            if wrong:
                heard.violations.append(f"{len(wrong)} acknowledged writes of others are lost: {wrong[:3]}")
    finally:
        database.dispose()


def _sum_up(result: Result, heard: _Heard, faults: Faults) -> None:
    outcomes = heard.outcomes
    result.revocations = len(outcomes)
    result.by_way = dict(Counter(each.way for each in outcomes))
    result.faults = dict(Counter(harm.kind for harm in faults.harms))
    for name in ("connections", "octets", "rows", "lost", "admitted", "writes", "repeated"):
        setattr(result, name, sum(getattr(each, name) for each in outcomes))
    result.by_status = dict(heard.by_status)
    result.violations = (
        [sentence for each in outcomes for sentence in each.sentences] + heard.violations + faults.failures
    )
    for trouble in heard.troubles:
        if any(_allows(harm, trouble) for harm in faults.harms):
            result.ended_by_faults += 1
        else:
            result.violations.append(f"{trouble.who}: the connection was {trouble.end} without a reason")
    timed = [each for each in outcomes if each.timed]
    hurt = [each for each in timed if any(_touches(harm, each) for harm in faults.harms)]
    calm = [each for each in timed if each not in hurt]
    result.normal = Times.of([each.took for each in calm])
    result.under_fault = Times.of([each.took for each in hurt])
    result.refused = Times.of([each.refused_after for each in outcomes if each.refused_after is not None])


def _touches(harm: Harm, outcome: Outcome) -> bool:
    return harm.began - outcome.took <= outcome.began <= harm.ended + AFTERMATH


def _allows(harm: Harm, trouble: Trouble) -> bool:
    if trouble.end == "silent" or harm.port not in (0, trouble.port):
        return False
    if not harm.began - 0.1 <= trouble.at <= harm.ended + SLACK:
        return False
    ports = harm.local_ports
    return ports is None or trouble.local_port in ports or (bool(ports) and abs(trouble.opened_at - harm.began) < 0.3)
