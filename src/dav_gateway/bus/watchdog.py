"""The kernel's hand on a worker that has stopped: a timer that kills the process unless it is put off in time.

No thread of the process has to run for it: it ends one that is stopped by a signal, that holds the interpreter, or
whose disk does not answer. SO_LINGER is armed on every connection (server/connection), so its end resets them all, and
what the kernel still had to send is dropped.
"""

import ctypes
import os
import signal
import time

from dav_gateway.core.errors import GatewayError

_SIGEV_SIGNAL = 0
_TIMER_ABSTIME = 1


class _Event(ctypes.Structure):
    """struct sigevent of <signal.h>, 64 bytes on Linux (sigevent(3type))."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_char * 48),
    )


class _Time(ctypes.Structure):
    """struct timespec."""

    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    """struct itimerspec: no repetition, one expiry."""

    _fields_ = (("interval", _Time), ("value", _Time))


class Watchdog:
    """A POSIX timer of this process (timer_create(2)) on the clock of `times.boottime`. Not inherited by a fork."""

    def __init__(self) -> None:
        """Makes the timer, not yet set. Raises GatewayError where the kernel has none: then nobody may serve."""
        self._library = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        event = _Event(None, signal.SIGKILL, _SIGEV_SIGNAL, b"")
        made = self._library.timer_create(time.CLOCK_BOOTTIME, ctypes.byref(event), ctypes.byref(self._timer))
        self._require(made)

    def put_off(self, until: float) -> None:
        """Kill this process at that boot time, unless this is called again before."""
        seconds, rest = divmod(until, 1)
        setting = _Setting(_Time(0, 0), _Time(int(seconds), int(rest * 1e9)))
        self._require(self._library.timer_settime(self._timer, _TIMER_ABSTIME, ctypes.byref(setting), None))

    def lift(self) -> None:
        """Let the process live: it serves nobody any more."""
        self._require(self._library.timer_settime(self._timer, 0, ctypes.byref(_Setting()), None))

    def _require(self, outcome: int) -> None:
        if outcome != 0:
            number = ctypes.get_errno()
            raise GatewayError(f"the kernel's timer cannot be used: {os.strerror(number)}")
