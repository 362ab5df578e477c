"""The processes of a campaign beside the gateways: lanes and bystanders, each with a pipe to the head."""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from tests.stress.events import Failure, Signals

END_SECONDS = 60.0


class Processes:
    """Started by `begin`; what they tell is taken by `receive`."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("fork")
        self._processes: list[Any] = []
        self._lanes: list[Connection] = []
        self._others: list[Connection] = []
        self.signals = Signals(self._context.Event(), self._context.Event(), self._context.Event())

    @property
    def busy(self) -> bool:
        """Whether any lane is at work."""
        return bool(self._lanes)

    def begin(self, target: Callable[..., None], *arguments: object, forever: bool = False) -> None:
        """Start one: `target(*arguments, pipe, signals)`. One that runs `forever` is not waited for."""
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=target, args=(*arguments, theirs, self.signals), daemon=True)
        process.start()
        theirs.close()
        self._processes.append(process)
        (self._others if forever else self._lanes).append(ours)

    def receive(self, take: Callable[[object], None], patience: float) -> None:
        """Take what there is."""
        for pipe in wait([*self._lanes, *self._others], patience):
            assert isinstance(pipe, Connection)
            try:
                take(pipe.recv())
            except EOFError:
                (self._lanes if pipe in self._lanes else self._others).remove(pipe)
                pipe.close()

    def finish(self, take: Callable[[object], None]) -> None:
        """Tell all to stop, and take the rest until they have."""
        self.signals.stop.set()
        deadline = time.monotonic() + END_SECONDS
        while (self._lanes or self._others) and time.monotonic() < deadline:
            self.receive(take, 1)
        for process in self._processes:
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()
                take(Failure("a process of the harness did not end"))
