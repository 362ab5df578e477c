"""What a process that serves does now and then in the background: mails, reminders, and putting away what is over.

None of it decides anything: an expired flow is refused whether or not it was swept, so a chore may be late or fail.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic

from dav_gateway.core.errors import GatewayError

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing to do every so many seconds. `act` is given a question: should it stop? It may raise GatewayError."""

    name: str
    seconds: float
    act: Callable[[Callable[[], bool]], object]


class Chores:
    """Does the chores of one process, one after the other, in a thread of its own."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        """Each is done at once after `start`, and then every so many seconds."""
        self.all = tuple(chores)
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._stopping.clear()
        self._thread = Thread(target=self._run, name="chores", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; returns when the chore at work is done (a delivery that hangs ends by its timeouts)."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        due = dict.fromkeys(range(len(self.all)), 0.0)
        period = min((chore.seconds for chore in self.all), default=1.0)
        while not self._stopping.is_set():
            for number, chore in enumerate(self.all):
                if monotonic() >= due[number] and not self._stopping.is_set():
                    due[number] = monotonic() + chore.seconds
                    self._do(chore)
            self._stopping.wait(period)

    def _do(self, chore: Chore) -> None:
        try:
            chore.act(self._stopping.is_set)
        except GatewayError as error:
            _logger.warning("%s could not be done: %s", chore.name, error)
        except Exception:
            _logger.exception("%s could not be done", chore.name)
