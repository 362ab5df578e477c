"""One configuration from start to verdict."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.stress import bystanders, lane
from tests.stress.faults import NOT_ON, Faults
from tests.stress.lane import Order
from tests.stress.processes import Processes
from tests.stress.report import Result
from tests.stress.stage import Stage, populate, stage
from tests.stress.verdict import Findings
from tests.stress.ways import WAYS

PROGRESS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for. `pause`: seconds that other people think between requests; `quiet`: bounds of the seconds
    between two faults; `late`: see `lane.Order`; `only`: ways of taking away, all for none; `busy`: see
    `verdict`."""

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
    busy: bool = False
    keep_log: Path | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The faults that this engine can have."""
        return tuple(kind for kind in self.faults if kind not in NOT_ON[self.engine])


def run(plan: Plan, say: Callable[[str], None]) -> Result:
    """Run it and judge it; KeyboardInterrupt ends it early and the result says so. `say` is told how it goes."""
    result = Result(plan.engine, plan.workers, plan.nodes, plan.seed, plan.lanes)
    with stage(plan.engine, workers=plan.workers, nodes=plan.nodes, faults=plan.kinds, in_memory=plan.in_memory) as on:
        accounts, people = populate(on, plan.lanes)
        witnesses = {person.port: (person.account, person.authorization) for person in people}
        findings, processes = Findings(), Processes()
        faults = Faults(plan.kinds, on, plan.seed, witnesses, plan.quiet, processes.signals)
        began = time.monotonic()
        try:
            processes.begin(bystanders.run, people, plan.seed, plan.pause, forever=True)
            time.sleep(0.3)
            for number, account in enumerate(accounts):
                processes.begin(lane.run, _order(plan, on, number, account))
            faults.start()
            _follow(plan, on, processes, findings, faults, say, result.name)
        except KeyboardInterrupt:
            result.complete = False
        result.seconds = time.monotonic() - began
        processes.signals.stop.set()
        faults.stop()
        processes.finish(findings.take)
        findings.look_at_nodes(on.nodes)
        findings.look_at_others(on.store.url)
        findings.sum_up(result, faults.harms, faults.failures, busy=plan.busy)
        if plan.keep_log is not None:
            for node in on.nodes:
                (plan.keep_log / f"{node.name}.log").write_bytes(node.said())
    return result


def _follow(
    plan: Plan,
    on: Stage,
    processes: Processes,
    findings: Findings,
    faults: Faults,
    say: Callable[[str], None],
    name: str,
) -> None:
    """Until all lanes are through, the faults cannot go on, or a node ends by itself."""
    began = said = time.monotonic()
    while processes.busy and not faults.failures:
        processes.receive(findings.take, 0.5)
        for node in on.nodes:
            if node.process.poll() is not None and not faults.harms:
                findings.violations.append(f"{node.name} ended by itself with {node.process.returncode}")
                return
        now = time.monotonic()
        if now - said >= PROGRESS_SECONDS:
            said = now
            done = len(findings.outcomes)
            rate = done / (now - began)
            harms = len(faults.harms)
            say(f"{name}: {done} of {plan.revocations}, {rate:.0f}/s, {harms} faults, {findings.broken} violations")


def _order(plan: Plan, on: Stage, number: int, account: str) -> Order:
    share = plan.revocations // plan.lanes + (number < plan.revocations % plan.lanes)
    # A node whose clock is wrong lets an app password expire at another moment.
    unfit = {"expire"} if "clock" in plan.kinds else set()
    return Order(
        number=number,
        account=account,
        database_url=on.store.url,
        ports=tuple(node.port for node in on.nodes),
        workers=plan.workers,
        revocations=share,
        seed=plan.seed,
        environment={
            **{key: value for key, value in on.nodes[0].environment.items() if key.startswith("DAV_GATEWAY_")},
            "DAV_GATEWAY_DATABASE_URL": on.store.url,
        },
        ways=tuple(way.name for way in WAYS if way.name not in unfit and (not plan.only or way.name in plan.only)),
        ambushes=bool(plan.kinds),
        late=plan.late,
    )
