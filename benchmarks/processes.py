"""What a server costs the machine, as the kernel knows it: CPU and memory of a process and all its descendants."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SCHEDULED = 2
_KIB = 1024


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


class Meter:
    """The CPU of a server between `start` and `stop`."""

    def __init__(self, roots: Iterable[int]) -> None:
        self._roots = list(roots)
        self._before: dict[int, int] = {}

    def start(self) -> None:
        """From now on."""
        self._before = cpu(tree(self._roots))

    def stop(self) -> float:
        """Seconds since `start`. What is still done for an answer that is out already is waited for."""
        time.sleep(0.003)
        after = cpu(tree(self._roots))
        if gone := self._before.keys() - after.keys():
            raise RuntimeError(f"processes ended while they were measured: {sorted(gone)}")
        return sum(spent - self._before.get(pid, 0) for pid, spent in after.items()) / 1e9


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
