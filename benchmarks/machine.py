"""The machine that a table was measured on, in words."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

_GIB = 1024**3


def described() -> str:
    """Processor, cores, memory, system, Python and day."""
    found = re.search(r"(?m)^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text())
    processor = found[1].strip() if found else platform.processor() or platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    today = datetime.now(UTC).date().isoformat()
    return (
        f"{processor}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB of memory, {system}, "
        f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}, {today}"
    )


def load() -> float:
    """The load of the last minute: what else the machine does, and the benchmark itself."""
    return os.getloadavg()[0]
