"""What the processes told, judged when the faults are known."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dav_gateway.bus.times import LEASE
from dav_gateway.core.scope import Scope
from dav_gateway.service.services import assemble
from dav_gateway.store import collections, objects
from dav_gateway.store.database import open_database
from tests.stress.bystanders import Written
from tests.stress.cluster import Node
from tests.stress.events import Answers, Failure, Harm, Lapse, Outcome, Trouble
from tests.stress.report import Result, Times

SLACK = 1.0
"""Seconds after its reset in which a client may notice it."""
BEFORE_END = 1.5
"""Seconds before a gateway says that a worker ended in which connections may have ended by that."""
SEVERING = {"blackhole", "database"}
"""Faults in which a worker hears nothing, and loses its lease. Nothing else may cost one; and nothing but a lost lease,
told by the worker itself, ends connections then."""
AFTERMATH = 3.0
"""Seconds after a fault in which a revocation's time counts as one under fault."""

CLOCKS = 0.005
"""Seconds by which a time that was told in milliseconds and came from another clock may be wrong."""

SLOWEST = 5


@dataclass
class Findings:
    """Everything that was told so far."""

    outcomes: list[Outcome] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    by_status: Counter[int] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    lapses: list[Lapse] = field(default_factory=list)
    ends: list[Harm] = field(default_factory=list)

    @property
    def broken(self) -> int:
        """Violations so far."""
        return sum(len(each.sentences) for each in self.outcomes) + len(self.violations)

    def take(self, message: object) -> None:
        """One message of `events`."""
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

    def look_at_nodes(self, nodes: Sequence[Node]) -> None:
        """Each stops when it is told to, and has logged no traceback."""
        for node in nodes:
            self.ends += [Harm("overload", node.port, at - BEFORE_END, at) for at in node.ends]
            self.lapses += node.lapses
            code = node.stop()
            if code != 0:
                self.violations.append(f"{node.name} stopped with {code}")
            self.violations += [f"{node.name} logged: {text}" for text in node.complaints()]

    def look_at_others(self, url: str) -> None:
        """Every write of other people that was answered 2xx is there."""
        database = open_database(url)
        try:
            accounts = assemble(database).accounts
            for each in self.written:
                account = accounts.get(each.account)
                with database.read() as connection:
                    calendar = collections.find(connection, account.id, Scope.CALENDARS, "calendar")
                    assert calendar is not None
                    found = objects.get_many(connection, calendar.id, each.versions)
                    stored = {one.name: one.octets for one in found}
                wrong = [name for name, allowed in each.versions.items() if stored.get(name) not in allowed]
                if wrong:
                    self.violations.append(f"{len(wrong)} acknowledged writes of others are lost: {wrong[:3]}")
        finally:
            database.dispose()

    def sum_up(self, result: Result, harms: Sequence[Harm], failures: Sequence[str], *, busy: bool) -> None:
        """Fill the result in. On a `busy` machine a gateway may lose its lease, or a worker, to other people's load: it
        says so, and resets connections as it does in a fault."""
        outcomes = self.outcomes
        result.revocations = len(outcomes)
        result.by_way = dict(Counter(each.way for each in outcomes))
        result.faults = dict(Counter(harm.kind for harm in harms))
        for name in ("connections", "octets", "rows", "lost", "admitted", "writes", "repeated"):
            setattr(result, name, sum(getattr(each, name) for each in outcomes))
        result.by_status = dict(self.by_status)
        result.violations = [sentence for each in outcomes for sentence in each.sentences]
        result.violations += [*self.violations, *failures]
        unmeant = [each for each in self.lapses if not any(_costs_lease(harm, each) for harm in harms)]
        result.lapses, result.unmeant_lapses = len(self.lapses), len(unmeant)
        wrong = [each for each in unmeant if not busy or not _was_over(each)]
        result.violations += [f"process {each.process} cut everybody without a fault: {each.why}" for each in wrong]
        again = _repeated(self.lapses)
        result.violations += [f"process {each.process} cut everybody again: {each.why}" for each in again]
        left = {id(each): each.connections for each in self.lapses if each not in wrong and each not in again}
        for trouble in sorted(self.troubles, key=lambda each: each.at):
            if not any(_allows(harm, trouble) for harm in [*harms, *(self.ends if busy else ())]):
                cut = next((each for each in self.lapses if left.get(id(each)) and _resets(each, trouble)), None)
                if cut is None:
                    near = _nearest(trouble, harms)
                    result.violations.append(f"{trouble.who}: the connection was {trouble.end} without a reason{near}")
                    continue
                left[id(cut)] -= 1
            result.ended_by_faults += 1
        timed = [each for each in outcomes if each.timed]
        hurt = {id(each) for each in timed if any(_touches(harm, each) for harm in harms)}
        result.normal = Times.of([each.took for each in timed if id(each) not in hurt])
        result.under_fault = Times.of([each.took for each in timed if id(each) in hurt])
        for each in sorted(timed, key=lambda one: one.took)[-SLOWEST:]:
            during = {harm.kind for harm in harms if _touches(harm, each)}
            where = f" ({', '.join(sorted(during))})" if during else ""
            result.slowest.append(f"{each.way} {each.took * 1000:.0f} ms{where}")
        result.refused = Times.of([each.refused_after for each in outcomes if each.refused_after is not None])


def _nearest(trouble: Trouble, harms: Sequence[Harm]) -> str:
    """Which faults were not long before, for whoever looks for the reason."""
    before = [(trouble.at - harm.ended, harm.kind) for harm in harms if -AFTERMATH < trouble.at - harm.ended < 10]
    return "".join(f"; {ago:.1f} s after {kind}" for ago, kind in sorted(before)[:4])


def _touches(harm: Harm, outcome: Outcome) -> bool:
    return harm.began - outcome.took <= outcome.began <= harm.ended + AFTERMATH


def _costs_lease(harm: Harm, lapse: Lapse) -> bool:
    """Whether a lease was lost by this fault: it lasted into the fault, began before all was well, and was over."""
    if harm.kind not in SEVERING or harm.port not in (0, lapse.port) or not _was_over(lapse):
        return False
    return harm.began <= lapse.lease_from + LEASE and lapse.lease_from <= harm.ended


def _repeated(lapses: Sequence[Lapse]) -> list[Lapse]:
    """All but the first for each lease: who came after it was served nothing."""
    ordered = sorted(lapses, key=lambda each: each.began)
    known = [(each.port, each.process, round(each.lease_from, 2)) for each in ordered]
    return [each for place, each in enumerate(ordered) if known[place] in known[:place]]


def _was_over(lapse: Lapse) -> bool:
    """Whether the lease was over. Who is told to leave with a lease in hand is told so wrongly, in any fault."""
    return lapse.began >= lapse.lease_from + LEASE - CLOCKS


def _resets(lapse: Lapse, trouble: Trouble) -> bool:
    """Whether a connection can be one of those that the worker reset then."""
    if trouble.end != "reset" or lapse.port != trouble.port or trouble.opened_at > lapse.ended:
        return False
    return lapse.began - CLOCKS <= trouble.at <= lapse.ended + SLACK


def _allows(harm: Harm, trouble: Trouble) -> bool:
    """Whether a connection may have ended by this fault itself."""
    if trouble.end == "silent" or harm.kind in SEVERING or harm.port not in (0, trouble.port):
        return False
    if not harm.began - 0.1 <= trouble.at <= harm.ended + SLACK:
        return False
    ports = harm.local_ports
    return ports is None or trouble.local_port in ports or (bool(ports) and abs(trouble.opened_at - harm.began) < 0.3)
