"""Polls a second through real sockets with one and with more workers, and the CPU that the whole server spent on them.

    python -m benchmarks.workers --workers 1 2 --rounds 3

Sixteen clients keep their connections and poll as devices do (PROPFIND for ctag and sync token). The load comes from
wrk, a client that costs little beside the server; both share the machine's cores, so `server CPU` (from /proc, of the
supervisor and its workers) tells more than the rate where other programs run too. The rounds of all sizes are mixed,
so that whatever else the machine does meets each of them.
"""

import argparse
import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.poll import BODY

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = 1024


@dataclass(frozen=True)
class Round:
    """What one round of load came to. `seconds` of CPU are the server's; memory is in MB, the largest worker's."""

    rate: float
    seconds: float
    requests: int
    median_ms: float
    largest: float

    @property
    def cost(self) -> float:
        """Milliseconds of CPU for a poll."""
        return self.seconds * 1000 / self.requests


def processes(supervisor: int) -> list[int]:
    """The supervisor and its workers."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return [supervisor, *map(int, children)]


def cpu(pids: list[int]) -> float:
    """Seconds that these processes have computed."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def memory(pid: int, kind: str) -> float:
    """MB of `Rss` or `Pss` of a process."""
    found = re.search(rf"(?m)^{kind}:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(found[1]) / _PAGE if found else 0.0


class Gateway:
    """An installation in a folder, with one account and its app password."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DAV_GATEWAY_")},
            "DAV_GATEWAY_DATA_DIRECTORY": str(folder),
            "DAV_GATEWAY_LISTEN": f"127.0.0.1:{self.port}",
            "DAV_GATEWAY_LOGGING_LEVEL": "warning",
        }
        self._command("account", "add", "ana", "--email", "ana@example.org")
        issued = self._command("app-password", "issue", "ana", "--service", "other", "--scope", "calendars", "--json")
        self.basic = base64.b64encode(f"ana:{json.loads(issued)['password']}".encode()).decode()

    def _command(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "dav_gateway", *arguments]
        return subprocess.run(command, env=self._environment, check=True, capture_output=True, text=True).stdout

    @contextmanager
    def serving(self, workers: int) -> Iterator[int]:
        """The supervisor's process id while it serves."""
        command = [sys.executable, "-m", "dav_gateway", "serve", "--workers", str(workers)]
        with subprocess.Popen(command, env=self._environment) as process:
            try:
                while len(processes(process.pid)) <= workers or not self._answers():
                    if process.poll() is not None:
                        raise SystemExit("the server did not start")
                    time.sleep(0.05)
                yield process.pid
            finally:
                process.terminate()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as client:
                client.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
                return b" 200 " in client.recv(100)
        except OSError:
            return False

    def script(self) -> Path:
        """The poll as wrk's Lua has it."""
        file = self._folder / "poll.lua"
        file.write_text(
            f'wrk.method = "PROPFIND"\nwrk.body = [[{BODY.decode()}]]\n'
            f'wrk.headers = {{["Authorization"] = "Basic {self.basic}", ["Depth"] = "0", '
            '["User-Agent"] = "benchmark/1", ["Content-Type"] = "text/xml"}\n'
        )
        return file


def load(gateway: Gateway, supervisor: int, clients: int, seconds: float) -> Round:
    """One round."""
    pids = processes(supervisor)
    before = cpu(pids)
    wrk = [
        "wrk",
        "-t1",
        f"-c{clients}",
        f"-d{seconds:g}s",
        "--latency",
        "--timeout",
        "30s",
        "-s",
        str(gateway.script()),
    ]
    url = f"http://127.0.0.1:{gateway.port}/dav/ana/calendars/calendar/"
    told = subprocess.run([*wrk, url], check=True, capture_output=True, text=True).stdout
    spent = cpu(pids) - before
    done = re.search(r"(\d+) requests in ([\d.]+)(m?s)", told)
    half = re.search(r"50%\s+([\d.]+)(us|ms|s)", told)
    if done is None or half is None or "Non-2xx" in told or "Socket errors" in told:
        raise SystemExit(f"the load was not answered:\n{told}")
    took = float(done[2]) / (1000 if done[3] == "ms" else 1)
    latency = float(half[1]) * {"us": 0.001, "ms": 1, "s": 1000}[half[2]]
    largest = max(memory(pid, "Rss") for pid in pids[1:])
    return Round(int(done[1]) / took, spent, int(done[1]), latency, largest)


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed (Debian has it)")
    rounds: dict[int, list[Round]] = {size: [] for size in arguments.workers}
    print(" workers   polls/s  median ms  CPU ms/poll  cores used   RSS MB   load")
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(Path(folder))
        for number in range(arguments.rounds):
            # Turned around each time, so that a change in what the machine does favours neither.
            for size in arguments.workers if number % 2 == 0 else reversed(arguments.workers):
                with gateway.serving(size) as supervisor:
                    load(gateway, supervisor, arguments.clients, 1)
                    one = load(gateway, supervisor, arguments.clients, arguments.seconds)
                rounds[size].append(one)
                cores = one.seconds * one.rate / one.requests
                print(
                    f"{size:>8} {one.rate:>9.0f} {one.median_ms:>10.1f} {one.cost:>12.3f} {cores:>11.2f}"
                    f" {one.largest:>8.0f} {os.getloadavg()[0]:>6.1f}",
                    flush=True,
                )
    first = arguments.workers[0]
    for size in arguments.workers[1:]:
        middle = median(one.rate for one in rounds[size]) / median(one.rate for one in rounds[first])
        best = max(one.rate for one in rounds[size]) / max(one.rate for one in rounds[first])
        dearer = median(one.cost for one in rounds[size]) / median(one.cost for one in rounds[first])
        print(f"{size} workers: {middle:.2f} times the polls of {first} (best rounds: {best:.2f}),", end=" ")
        print(f"each at {dearer:.2f} times the CPU")


if __name__ == "__main__":
    main()
