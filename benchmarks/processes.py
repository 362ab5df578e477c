"""What a server costs the machine, as the kernel knows it: CPU and memory of a process and all its descendants."""

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SCHEDULED = 2
_KIB = 1024
_TICKS = os.sysconf("SC_CLK_TCK")


def tree(roots: Iterable[int]) -> list[int]:
    """The processes and whatever they started that still lives."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            fields = _read(place / "stat").rpartition(")")[2].split()
            if fields:
                children.setdefault(int(fields[1]), []).append(int(place.name))
    found: list[int] = []
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu(pids: Iterable[int]) -> dict[int, int]:
    """Nanoseconds that each has computed, its ended threads included.

    By the clock of the process (clock_getcpuclockid(3)): the ticks of /proc/<pid>/stat are 10 ms, and
    /proc/<pid>/schedstat forgets threads that ended, which a server with a thread for each request has thousands of.
    """
    found = {}
    for pid in pids:
        try:
            found[pid] = time.clock_gettime_ns((~pid << 3) | _SCHEDULED)
        except OSError:
            continue
    return found


def waited(pids: Iterable[int]) -> float:
    """Seconds that their ended children had computed (cutime and cstime of proc(5))."""
    fields = (_read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split() for pid in pids)
    return sum(int(each[13]) + int(each[14]) for each in fields if each) / _TICKS


class Meter:
    """The CPU of a server between `start` and `stop`."""

    def __init__(self, roots: Iterable[int]) -> None:
        self._roots = list(roots)
        self._before: dict[int, int] = {}
        self._waited = 0.0

    def start(self) -> None:
        """From now on."""
        pids = tree(self._roots)
        self._before, self._waited = cpu(pids), waited(pids)

    def stop(self) -> float:
        """Seconds since `start`. What is still done for an answer that is out already is waited for."""
        time.sleep(0.003)
        pids = tree(self._roots)
        after = cpu(pids)
        # Who ended meanwhile (an autovacuum of PostgreSQL) is counted by its parent, in ticks, with all of its life.
        ended = waited(pids) - self._waited
        ended -= sum(spent for pid, spent in self._before.items() if pid not in after) / 1e9
        return sum(spent - self._before.get(pid, 0) for pid, spent in after.items()) / 1e9 + max(0.0, ended)


@dataclass(frozen=True, slots=True)
class Memory:
    """MB of a process: all that is mapped in, and its fair share of what it has in common with others."""

    resident: float
    proportional: float


def memory(pid: int) -> Memory:
    """What a process occupies."""
    text = _read(Path(f"/proc/{pid}/smaps_rollup"))
    found = {name: int(size) / _KIB for name, size in re.findall(r"(?m)^(Rss|Pss):\s+(\d+) kB", text)}
    return Memory(found.get("Rss", 0.0), found.get("Pss", 0.0))


def children(pid: int) -> list[int]:
    """The processes that it started itself."""
    return [int(child) for child in _read(Path(f"/proc/{pid}/task/{pid}/children")).split()]


def _read(place: Path) -> str:
    try:
        return place.read_text()
    except OSError:
        return ""
