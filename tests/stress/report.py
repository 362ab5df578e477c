"""What a campaign found, as a table for people and as a page of the documentation."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of something that was measured often."""

    number: int = 0
    p50: float = 0
    p90: float = 0
    p99: float = 0
    longest: float = 0

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Times":
        """The figures of a sample."""
        if not seconds:
            return cls()
        ordered = sorted(seconds)

        def at(share: float) -> float:
            return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)

        return cls(len(ordered), at(0.5), at(0.9), at(0.99), round(ordered[-1] * 1000, 1))

    def __str__(self) -> str:
        return f"{self.p50:g} / {self.p90:g} / {self.p99:g} / {self.longest:g}" if self.number else "-"


@dataclass
class Result:
    """One configuration."""

    engine: str
    workers: int
    nodes: int
    seed: int
    lanes: int = 4
    faults: dict[str, int] = field(default_factory=dict)
    revocations: int = 0
    by_way: dict[str, int] = field(default_factory=dict)
    connections: int = 0
    seconds: float = 0
    octets: int = 0
    rows: int = 0
    lost: int = 0
    admitted: int = 0
    writes: int = 0
    repeated: int = 0
    by_status: dict[int, int] = field(default_factory=dict)
    ended_by_faults: int = 0
    lapses: int = 0
    unmeant_lapses: int = 0
    normal: Times = field(default_factory=Times)
    under_fault: Times = field(default_factory=Times)
    refused: Times = field(default_factory=Times)
    slowest: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    complete: bool = True

    @property
    def name(self) -> str:
        """The configuration in a few words."""
        nodes = "" if self.nodes == 1 else f", {self.nodes} nodes"
        lanes = "" if self.lanes > 1 else ", one revoking process"
        return f"{self.engine}, {self.workers} worker{'s' if self.workers > 1 else ''}{nodes}{lanes}"


COLUMNS = (
    "configuration", "faults", "revocations", "a second", "connections", "octets after", "rows after", "writes lost",
    "let in", "violations", "others' answers 2xx / 503", "revoke ms p50 / p90 / p99 / max", "under fault",
    "first refusal",
)  # fmt: skip


def row(result: Result) -> list[str]:
    """One line of the table."""
    fine = sum(number for status, number in result.by_status.items() if status < 300)
    return [
        result.name + ("" if result.complete else " (interrupted)"),
        ", ".join(f"{number} {kind}" for kind, number in sorted(result.faults.items())) or "none",
        str(result.revocations),
        f"{result.revocations / result.seconds:.1f}" if result.seconds else "-",
        str(result.connections),
        str(result.octets),
        str(result.rows),
        f"{result.lost} of {result.writes}",
        str(result.admitted),
        str(len(result.violations)),
        f"{fine} / {result.by_status.get(503, 0)}",
        str(result.normal),
        str(result.under_fault),
        str(result.refused),
    ]


def as_text(results: Sequence[Result]) -> str:
    """For a terminal: a block for each configuration, which no width breaks."""
    blocks = []
    for result in results:
        pairs = zip(COLUMNS, row(result), strict=True)
        lines = [f"  {name:<32}{value}" for name, value in pairs]
        ways = ", ".join(f"{number} {way}" for way, number in sorted(result.by_way.items()))
        lines += [f"  {'ways':<32}{ways}", f"  {'seed':<32}{result.seed}"]
        lines.append(f"  {'requests ended by faults':<32}{result.ended_by_faults}")
        lines.append(f"  {'leases lost':<32}{result.lapses}, without a fault {result.unmeant_lapses}")
        lines.append(f"  {'slowest':<32}{', '.join(result.slowest)}")
        lines += [f"  VIOLATION {sentence}" for sentence in result.violations[:20]]
        if len(result.violations) > 20:
            lines.append(f"  ... and {len(result.violations) - 20} more")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def as_page(results: Sequence[Result], command: str) -> str:
    """The page docs/stress.md: command, machine, figures."""
    head = "| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS)
    lines = "\n".join("| " + " | ".join(row(result)) + " |" for result in results)
    total: dict[str, int] = {}
    for result in results:
        total[result.engine] = total.get(result.engine, 0) + result.revocations
    sums = ", ".join(f"{number} on {engine}" for engine, number in total.items())
    violations = sum(len(result.violations) for result in results)
    ways: dict[str, int] = {}
    for result in results:
        for way, number in result.by_way.items():
            ways[way] = ways.get(way, 0) + number
    drawn = ", ".join(f"{number} {way}" for way, number in sorted(ways.items(), key=lambda each: -each[1]))
    seeds = ", ".join(sorted({str(result.seed) for result in results}))
    return PAGE.format(
        command=command,
        machine=machine(),
        seeds=seeds,
        sums=sums,
        violations=violations,
        ways=drawn,
        table=f"{head}\n{lines}",
    )


PAGE = """# The stress campaign: what was seen

Written by `{command}` (seeds {seeds}) on {machine}.

**{sums}; {violations} violations.** Ways: {ways}.

{table}

Four processes revoke at the same time where the name does not say one. Each revocation struck while up to four of
these ran under the app password: downloads through a small receive buffer, uploads in pieces (with a length, chunked,
with Expect), polls on one connection, floods of writes, idle connections; over connections to any worker of any node.
Meanwhile other people polled, wrote, fetched and downloaded.

- *octets after*: counted by the client's kernel (`tcpi_bytes_received`) at the return of the call and 0.3 s later.
- *rows after*: objects of that app password in the database, read at the return and again at the end.
- *writes lost*: writes that were answered 2xx and are not there at the end, or with other octets.
- *let in*: new requests after the return that were answered by anything but a refusal.
- *others' answers*: every other answer is a violation, and so is a connection that ends without a reason: the end of
  its worker by a fault, or the worker's own word that it lost its lease then and reset so many; and that word needs
  a fault in which a worker hears nothing, and a lease that began before it was over.
- *revoke*: how long the call took in the process that made it; *under fault* from the beginning of a fault until three
  seconds after its end. The clients, the gateways and PostgreSQL share the cores of the one machine.
- *first refusal*: from the return until a new request on a new connection had its refusal.
"""


def machine() -> str:
    """What it ran on, without names."""
    model = "an unknown processor"
    with_model = Path("/proc/cpuinfo")
    if with_model.exists():
        lines = [line for line in with_model.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    kernel = platform.release().split("-")[0]
    return f"{os.cpu_count()} cores of {model}, Linux {kernel}, Python {platform.python_version()}"
