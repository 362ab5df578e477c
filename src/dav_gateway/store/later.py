"""Calls that are made after a while unless they are not needed any more; only one that is made has a thread started.

A revocation has to be ready to look after who has stopped, and as a rule is over before: threads of its own, started
and waited for each time, would cost it as much as a question to the database.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Thread
from time import monotonic

_IDLE_SECONDS = 10.0
_NO_ROOM_SECONDS = 0.05

_changed = Condition()
_calls: list[tuple[float, int, "Call"]] = []
_numbers = count()
_runner: Thread | None = None


class Call:
    """One that is due at some time."""

    def __init__(self, function: Callable[[], None]) -> None:
        self.function = function
        self.thread: Thread | None = None
        self.cancelled = False

    def cancel(self) -> Thread | None:
        """It is not needed any more: it will never be made, or else this is the thread in which it was begun."""
        with _changed:
            self.cancelled = True
            return self.thread


def call(seconds: float, function: Callable[[], None]) -> Call:
    """Call `function` in a thread of its own then. Raises RuntimeError, and it is never called, when the system has no
    room for the thread that keeps the time."""
    global _runner  # noqa: PLW0603 - one thread keeps the time for the whole process
    made = Call(function)
    due = monotonic() + seconds
    with _changed:
        if _runner is None or not _runner.is_alive():
            runner = Thread(target=_run, name="later", daemon=True)
            runner.start()
            _runner = runner
        heappush(_calls, (due, next(_numbers), made))
        if _calls[0][2] is made:
            _changed.notify()
    return made


def _run() -> None:
    global _runner  # noqa: PLW0603 - see above
    with _changed:
        while _calls or _changed.wait(_IDLE_SECONDS):
            # One that was cancelled stays until it is due: the next is later in any case, and wakes nobody.
            while _calls and _calls[0][0] <= monotonic():
                due = heappop(_calls)[2]
                if not due.cancelled and not _begun(due):
                    heappush(_calls, (monotonic() + _NO_ROOM_SECONDS, next(_numbers), due))
            if _calls:
                _changed.wait(_calls[0][0] - monotonic())
        _runner = None


def _begun(due: Call) -> bool:
    """Begin a call; False when the system has no room for another thread now."""
    thread = Thread(target=due.function, name="later-call", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return False
    due.thread = thread
    return True
