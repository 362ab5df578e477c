"""One wait for signals and for lines that can be read, in a process with one thread."""

import contextlib
import selectors
import signal
import socket
import time
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def _only_wake(_signal: int, _frame: FrameType | None) -> None:
    """Python writes the number of a signal to the wake-up socket only when the signal has a handler."""


class Waiting:
    """A context: inside it SIGCHLD, SIGHUP, SIGINT and SIGTERM do nothing but end the wait."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        self._before: dict[int, Any] = {}
        self._wakeup_before = -1
        for sock in (self._woken, self._waker):
            sock.settimeout(0)

    def __enter__(self) -> Self:
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._wakeup_before = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._before = {one: signal.signal(one, _only_wake) for one in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self.forget()

    def add(self, line: socket.socket) -> None:
        """End the wait also when this can be read."""
        self._selector.register(line, selectors.EVENT_READ)

    def remove(self, line: socket.socket) -> None:
        """No longer."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(line)

    def forget(self) -> None:
        """Close the descriptors. In a fork of this process nothing else changes."""
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def wait(self, until: float | None) -> list[int]:
        """Wait until something comes or that (monotonic) time has come; the signals that came."""
        timeout = None if until is None else max(0.0, until - time.monotonic())
        self._selector.select(timeout)
        with contextlib.suppress(BlockingIOError):
            return list(self._woken.recv(4096))
        return []
