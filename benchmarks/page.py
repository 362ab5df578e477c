"""docs/benchmarks.md: one run as a page, the machine described, each row met or not met by its target."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.gateway_facts import MEMORY_TARGET, START_TARGET, Start
from benchmarks.load import Load
from benchmarks.objects import hits
from benchmarks.peers import Server
from benchmarks.processes import Memory
from benchmarks.rounds import Cell
from benchmarks.table import Line, cells, heading, markdown, number

POLLS_TARGET, PUTS_TARGET = 2600, 500
_POLLS_KNOWN = 1700

_INTRODUCTION = """\
Written by `make benchmark`; what is asked and how it is measured is in `benchmarks/`. On a busy machine the figures of
time and rate say nothing, and those of CPU rise for everybody, by up to a half and more: the ratios still tell."""
_HOW = """\
**The rows** are milliseconds of CPU of the server, all its processes, for one request of one client over loopback HTTP
with keep-alive, the check of the password included. Every answer is checked. The servers take turns. Events have 600 to
900 bytes; a fifth of them recurs. `ratio` is ours to the best peer's, `wanted` that of the target to the best peer that
was known when the target was set, and `held` whether ours is as good: ratios hardly depend on the machine and its hour.
`met` is by the target in milliseconds. What the rows that miss it consist of is in
[profile.md](profile.md)."""


@dataclass
class Run:
    """All that one run measured. `polls` and `puts` are by the server and the number of clients; `absent` says of a
    peer why it is not there."""

    machine: str
    servers: Sequence[Server]
    absent: Mapping[str, str]
    lines: list[Line] = field(default_factory=list)
    polls: dict[tuple[str, int], Load] = field(default_factory=dict)
    puts: dict[tuple[str, int], Load] = field(default_factory=dict)
    start: Start | None = None
    after: Memory | None = None
    loads: list[float] = field(default_factory=list)
    minutes: float = 0.0

    @property
    def names(self) -> list[str]:
        """The servers by name, ours first."""
        return [server.name for server in self.servers]


def page(run: Run) -> str:
    """The whole page."""
    return "\n".join([*_introduction(run), *_tables(run), *_loaded(run), *_facts(run), *_waiting(run)]) + "\n"


def _introduction(run: Run) -> Iterator[str]:
    yield "# Speed, beside other servers"
    yield ""
    yield _INTRODUCTION
    yield ""
    busy = f"load average {min(run.loads):.1f} to {max(run.loads):.1f}, of which the run itself is about 1"
    yield f"{run.machine}; {run.minutes:.0f} minutes, {busy}."
    yield ""
    servers = [[server.name, server.version, server.how] for server in run.servers]
    yield from markdown(["server", "version", "as measured"], servers, text_columns=3)
    yield ""
    yield from (f"Not measured: {name} ({reason})." for name, reason in run.absent.items())
    yield ""
    yield _HOW
    yield "The month has " + ", ".join(f"{hits(size)} of {size} events" for size in _sizes(run)) + "."
    yield ""


def _sizes(run: Run) -> list[int]:
    return sorted({line.size for line in run.lines})


def _tables(run: Run) -> Iterator[str]:
    for ours in dict.fromkeys(line.ours for line in run.lines):
        lines = [line for line in run.lines if line.ours == ours]
        yield f"## {ours}"
        yield ""
        yield from markdown(heading(run.names), [cells(line, run.names) for line in lines])
        yield ""
        yield _counted("Met in milliseconds", [(line, line.met) for line in lines])
        yield _counted("Ratio held", [(line, line.held) for line in lines])
        yield _counted("Ahead of every peer", [(line, line.ratio and line.ratio < 1) for line in lines])
        yield ""
        wrong = [(line, name, cell.wrong) for line in lines for name, cell in line.cells.items() if cell.wrong]
        for line, name, reason in wrong:
            yield f"- {name}, {line.row.title} ({line.size}): `{reason[:160]}`"
        if wrong:
            yield ""
    if len(_sizes(run)) > 1:
        yield "![How the cost grows with the calendar](benchmarks.svg)"
        yield ""


def _counted(what: str, judged: Sequence[tuple[Line, bool | float | None]]) -> str:
    """How many lines are so, and which are not; None is not judged."""
    failed = [f"{line.row.title} ({line.size})" for line, is_so in judged if is_so is not None and not is_so]
    number_judged = sum(is_so is not None for _, is_so in judged)
    return f"{what}: {number_judged - len(failed)} of {number_judged}. " + f"Not: {'; '.join(failed)}." * bool(failed)


def _loaded(run: Run) -> Iterator[str]:
    polls = f"Target: {POLLS_TARGET} with 16 clients and 2 workers (best peer known: {_POLLS_KNOWN})."
    puts = f"Target: {PUTS_TARGET} with 16 writers into one calendar, each answered after its commit."
    for title, found, note in (("Polls a second", run.polls, polls), ("PUTs a second", run.puts, puts)):
        if not found:
            continue
        yield f"## {title}"
        yield ""
        yield f"{note} The clients share the cores with the server."
        yield ""
        rows = [[name, str(clients), *(_load_columns(load))] for (name, clients), load in found.items()]
        yield from markdown(["server", "clients", "a second", "p50 ms", "p95 ms", "CPU ms each"], rows)
        yield ""


def _load_columns(load: Load) -> list[str]:
    if load.wrong:
        return [f"wrong: `{load.wrong[:100]}`", "", "", ""]
    return [f"{load.rate:.0f}", number(load.p50), number(load.p95), number(load.cpu)]


def _facts(run: Run) -> Iterator[str]:
    if run.start is None:
        return
    yield "## Start and memory"
    yield ""
    rows = [
        ["from the start to the first answered poll", f"{run.start.seconds:.2f} s", f"{START_TARGET} s"],
        ["CPU until then, all processes", f"{run.start.cpu:.2f} s", ""],
        ["an idle worker, resident", f"{run.start.idle.resident:.0f} MB", f"{MEMORY_TARGET:.0f} MB"],
        ["an idle worker, its share (PSS)", f"{run.start.idle.proportional:.0f} MB", ""],
    ]
    if run.after is not None:
        rows.append(["the largest worker after all of the above, resident", f"{run.after.resident:.0f} MB", ""])
    yield from markdown(["", "measured", "target"], rows)
    yield ""


def _waiting(run: Run) -> Iterator[str]:
    if not run.lines:
        return
    yield "## Waiting"
    yield ""
    yield "Milliseconds that one client waited: half of the answers came sooner, and all but a twentieth."
    yield ""
    ours = run.lines[0].ours
    rows = [
        [line.row.title, str(line.size), *(_waits(line.cells.get(name)) for name in run.names)]
        for line in run.lines
        if line.ours == ours
    ]
    yield from markdown(["request", "N", *run.names], rows)


def _waits(cell: Cell | None) -> str:
    return f"{number(cell.p50)} / {number(cell.p95)}" if cell is not None and not cell.wrong else ""
