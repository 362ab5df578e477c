"""The gateway beside other CalDAV and CardDAV servers, all on this machine, asked the same over loopback HTTP.

    python -m benchmarks [--save]                                what `make benchmark` does
    python -m benchmarks --quick                                 ours alone on SQLite, 100 events, some seconds
    python -m benchmarks --rows poll list --sizes 10000          the named rows only
    python -m benchmarks --engine postgresql --peers cyrus       ours on PostgreSQL, beside one peer
    python -m benchmarks --sizes 100000 --peers none             ours alone, large

Prints milliseconds of server CPU for each request, and whether the target is met.
"""

import argparse
import itertools
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks import gateway_facts, load, machine, page, plot, table
from benchmarks.peers import Absent, Server
from benchmarks.peers.cyrus import Cyrus
from benchmarks.peers.davical import Davical
from benchmarks.peers.gateway import GatewayServer
from benchmarks.peers.python_peers import Radicale, Xandikos
from benchmarks.rounds import Pace, measure
from benchmarks.rows import ROWS

PEERS: Mapping[str, Callable[[], Server]] = {
    "radicale": Radicale,
    "xandikos": Xandikos,
    "cyrus": Cyrus,
    "davical": Davical,
}
ENGINES = ("sqlite", "postgresql")
LOADED = ("polls-a-second", "puts-a-second", "start")
DOCS = Path(__file__).parents[1] / "docs"
_ORDINARY = 1000


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    keys = [row.key for row in ROWS]
    parser.add_argument("--rows", nargs="+", choices=[*keys, *LOADED], default=[*keys, *LOADED])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--peers", nargs="+", choices=[*PEERS, "none"], default=list(PEERS))
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.25, help="of each turn")
    parser.add_argument("--quick", action="store_true", help="ours alone on SQLite, 100 events, a turn each")
    parser.add_argument("--save", action="store_true", help="write docs/benchmarks.md and docs/benchmarks.svg")
    given = parser.parse_args()
    if given.quick:
        given.sizes, given.peers, given.turns, given.seconds = [100], ["none"], 1, 0.05
        given.engine = ["sqlite"]
    return given


def started(given: argparse.Namespace, ends: ExitStack) -> tuple[list[Server], dict[str, str]]:
    """Ours and the peers that are here, filled and serving; and of the others why they are not. `ends` stops them."""
    wanted: list[Server] = [GatewayServer(engine) for engine in given.engine]
    wanted += [PEERS[name]() for name in given.peers if name != "none"]
    here: list[Server] = []
    absent: dict[str, str] = {}
    for server in wanted:
        began = time.monotonic()
        ends.callback(server.stop)
        try:
            server.start([size for size in given.sizes if size <= server.most])
        except Absent as reason:
            absent[server.name] = str(reason)
            print(f"{server.name} is not measured: {reason}", flush=True)
            continue
        here.append(server)
        print(f"{server.name} {server.version}: filled in {time.monotonic() - began:.0f} s", flush=True)
    return here, absent


def measured(given: argparse.Namespace, servers: list[Server], run: page.Run) -> None:
    """Fill `run`, printing as it goes."""
    ours = [server for server in servers if isinstance(server, GatewayServer)]
    size = _ORDINARY if _ORDINARY in given.sizes else given.sizes[0]
    if "start" in given.rows:
        run.start = gateway_facts.starts(ours[0], size)
        print(f"first answer after {run.start.seconds:.2f} s ({run.start.cpu:.2f} s of CPU);", end=" ")
        print(f"an idle worker has {run.start.idle.resident:.0f} MB (PSS {run.start.idle.proportional:.0f} MB)\n")
    rows = [row for row in ROWS if row.key in given.rows]
    if rows:
        print(table.text(table.heading(run.names)), flush=True)
    for row in rows:
        for each in given.sizes:
            here = [server for server in servers if each <= server.most]
            cells = measure(row, each, here, Pace(given.turns, given.seconds))
            run.loads.append(machine.load())
            run.lines += [table.Line(row, each, cells, server.name) for server in ours]
            print(table.text(table.cells(run.lines[-len(ours)], run.names)), f"  load {run.loads[-1]:.1f}", flush=True)
            for name, cell in cells.items():
                if cell.wrong:
                    print(f"    {name}: {cell.wrong}")
    loaded(given, [server for server in servers if size <= server.most], size, run)
    run.loads.append(machine.load())
    run.after = gateway_facts.largest(ours[0])


def loaded(given: argparse.Namespace, servers: list[Server], size: int, run: page.Run) -> None:
    """The part of `measured` that many clients do at once."""
    seconds = given.seconds * 8
    if "polls-a-second" in given.rows:
        for clients, server in itertools.product(load.CLIENTS, servers):
            found = run.polls[server.name, clients] = load.polls(server, size, clients, seconds)
            print(f"{server.name}: {clients} clients, {found.rate:.0f} polls/s, {found.cpu:.3f} ms {found.wrong}")
    if "puts-a-second" in given.rows:
        for server in servers:
            found = run.puts[server.name, load.CLIENTS[-1]] = load.puts(
                server, given.sizes[0], load.CLIENTS[-1], seconds
            )
            print(
                f"{server.name}: {load.CLIENTS[-1]} writers, {found.rate:.0f} PUT/s, {found.cpu:.3f} ms {found.wrong}"
            )


def main() -> None:
    """Run, print, save."""
    # Told to end, it ends what it started.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    given = arguments()
    began = time.monotonic()
    with ExitStack() as ends:
        servers, absent = started(given, ends)
        run = page.Run(machine.described(), servers, absent)
        measured(given, servers, run)
    run.minutes = (time.monotonic() - began) / 60
    judged = [line for line in run.lines if line.met is not None]
    print(f"\n{sum(bool(line.met) for line in judged)} of {len(judged)} targets met, {run.minutes:.1f} minutes")
    if given.save:
        DOCS.joinpath("benchmarks.md").write_text(page.page(run))
        if len(given.sizes) > 1:
            plot.save(run.lines, run.names, DOCS / "benchmarks.svg")
    wrong = [line for line in run.lines if line.cells[line.ours].wrong]
    sys.exit(f"{len(wrong)} rows were answered wrongly" if wrong else 0)


if __name__ == "__main__":
    main()
