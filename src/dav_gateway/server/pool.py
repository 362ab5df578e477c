"""The threads that run the WSGI application: a fixed number, a bounded queue, nothing carried over between requests."""

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar, cast

Result = TypeVar("Result")
_Job = tuple[Callable[..., Any], tuple[Any, ...], "asyncio.Future[Any]"]
_Mailbox = SimpleQueue[_Job | None]


class Busy(Exception):
    """All threads work and as many calls wait as may."""


class ThreadPool:
    """`run` belongs to one event loop. Each call gets an empty context, so no context variable outlives its request.

    Leaner than `concurrent.futures` on purpose: one wake-up of a thread and one of the loop, no second future. A job
    goes to the thread that worked last, whose memory is still at hand. Of threads that wait for one SimpleQueue, who
    gets an item wakes the next one for nothing, and that one takes the interpreter from who has the job.
    """

    def __init__(self, threads: int, waiting: int, name: str = "dav") -> None:
        self._room = threads + waiting
        self._taken = 0
        self._state = threading.Lock()
        self._idle: list[_Mailbox] = []
        self._jobs: deque[_Job | None] = deque()
        # Daemons: a request that hangs must not keep the process alive after its connections were reset.
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """The result of `call(*arguments)` in a thread; what it raises is raised here. Raises Busy when full."""
        if self._taken >= self._room:
            raise Busy
        future = asyncio.get_running_loop().create_future()
        self._taken += 1
        self._hand_over((call, arguments, future))
        return cast("Result", await future)

    def close(self, timeout: float = 1.0) -> None:
        """Let the threads end after what is queued; wait `timeout` seconds for each at most."""
        for _ in self._threads:
            self._hand_over(None)
        for thread in self._threads:
            thread.join(timeout)

    def _hand_over(self, job: _Job | None) -> None:
        with self._state:
            if not self._idle:
                self._jobs.append(job)
                return
            mailbox = self._idle.pop()
        mailbox.put(job)

    def _next(self, mailbox: _Mailbox) -> _Job | None:
        with self._state:
            if self._jobs:
                return self._jobs.popleft()
            self._idle.append(mailbox)
        return mailbox.get()

    def _work(self) -> None:
        mailbox: _Mailbox = SimpleQueue()
        while (job := self._next(mailbox)) is not None:
            call, arguments, future = job
            result: Any = None
            error: BaseException | None = None
            if not future.cancelled():
                try:
                    result = contextvars.Context().run(call, *arguments)
                except BaseException as raised:  # noqa: BLE001 - it is raised again where the result is awaited
                    error = raised
            try:
                future.get_loop().call_soon_threadsafe(self._settle, future, result, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
            del job, call, arguments, future, result, error  # a thread that waits keeps no request alive

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
