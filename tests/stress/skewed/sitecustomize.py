"""Found by Python at its start (site) when this folder is on PYTHONPATH: a wall clock that the campaign can move.

`STRESS_CLOCK` names a file of eight octets, nanoseconds to add. The monotonic clocks stay as they are, as they do when
an operator or NTP sets a machine's time.
"""

import mmap
import os
import struct
import time
from pathlib import Path

_place = os.environ.get("STRESS_CLOCK")
if _place:
    with Path(_place).open("rb") as _file:
        _view = mmap.mmap(_file.fileno(), 8, access=mmap.ACCESS_READ)
    _real = time.time_ns

    def _moved() -> int:
        return _real() + int(struct.unpack_from("q", _view)[0])

    time.time_ns = _moved
    time.time = lambda: _moved() / 1e9
