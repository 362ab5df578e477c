"""The threads that run the WSGI application: a fixed number, bounded queues, nothing carried over between requests."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from queue import SimpleQueue
from time import monotonic
from typing import Any, TypeVar, cast

from dav_gateway.server.turns import Turns

Result = TypeVar("Result")
_Job = tuple[Callable[..., Any], tuple[Any, ...], "asyncio.Future[Any]"]
_Taken = tuple[str, _Job]
_Mailbox = SimpleQueue[_Taken | None]


class Busy(Exception):
    """As many calls wait as may: of all, or of the same."""


class ThreadPool:
    """`run` belongs to one event loop. Each call gets an empty context, so no context variable outlives its request.

    Leaner than `concurrent.futures` on purpose: one wake-up of a thread and one of the loop, no second future. A job
    goes to the thread that worked last, whose memory is still at hand. Of threads that wait for one SimpleQueue, who
    gets an item wakes the next one for nothing, and that one takes the interpreter from who has the job.
    """

    def __init__(self, threads: int, waiting: int, name: str = "dav") -> None:
        """One and the same may have three threads of four, and half of what may wait."""
        self._room = threads + waiting
        self._taken = 0
        self._state = threading.Lock()
        self._idle: list[_Mailbox] = []
        self._turns: Turns[_Job] = Turns(max(1, threads - max(1, threads // 4)), max(1, waiting // 2))
        self._closing = False
        # Daemons: a request that hangs must not keep the process alive after its connections were reset.
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, whose: str, call: Callable[..., Result], *arguments: Any) -> Result:
        """The result of `call(*arguments)` in a thread; what it raises is raised here. `whose` it is decides when its
        turn comes. Raises Busy."""
        if self._taken >= self._room:
            raise Busy
        future = asyncio.get_running_loop().create_future()
        self._hand_over(whose, (call, arguments, future))
        self._taken += 1
        return cast("Result", await future)

    def close(self, timeout: float = 1.0) -> None:
        """Let the threads end after what is queued; wait `timeout` seconds for all of them at most: those that hang (a
        database that does not answer) must not keep the process from ending."""
        with self._state:
            self._closing = True
            idle, self._idle = self._idle, []
        for mailbox in idle:
            mailbox.put(None)
        deadline = monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))

    def _hand_over(self, whose: str, job: _Job) -> None:
        with self._state:
            if not self._turns.add(whose, job):
                raise Busy
            taken = self._turns.take() if self._idle else None
            if taken is None:
                return
            mailbox = self._idle.pop()
        mailbox.put(taken)

    def _next(self, mailbox: _Mailbox) -> _Taken | None:
        with self._state:
            if (taken := self._turns.take()) is not None:
                return taken
            if self._closing:
                return None
            self._idle.append(mailbox)
        return mailbox.get()

    def _work(self) -> None:
        mailbox: _Mailbox = SimpleQueue()
        while (taken := self._next(mailbox)) is not None:
            whose, (call, arguments, future) = taken
            result: Any = None
            error: BaseException | None = None
            if not future.cancelled():
                try:
                    result = contextvars.Context().run(call, *arguments)
                except BaseException as raised:  # noqa: BLE001 - it is raised again where the result is awaited
                    error = raised
            with self._state:
                self._turns.done(whose)
            try:
                future.get_loop().call_soon_threadsafe(self._settle, future, result, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
            # A thread that waits keeps no request alive.
            del taken, whose, call, arguments, future, result, error

    def _settle(self, future: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
        self._taken -= 1
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        elif isinstance(error, StopIteration):  # a future refuses it
            future.set_exception(RuntimeError("a call raised StopIteration"))
        else:
            future.set_exception(error)
