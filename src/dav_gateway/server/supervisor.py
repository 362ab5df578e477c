"""The process that starts workers, replaces the dead, and carries signals to them. It serves nobody itself.

    SIGTERM, SIGINT   every worker finishes what runs within its limit; a second SIGINT does not wait
    SIGHUP            the plan is made anew; its first worker proves it, the others follow, then the old ones retire
    SIGCHLD           a worker died: it is logged and replaced

One thread, one wait: the signals and the lines of the workers. A plan that cannot work stops at its first worker: at
the start the supervisor ends with that worker's sentence, at a reload the old generation goes on.
"""

import os
import secrets
import signal
import time
from functools import partial

import structlog

from dav_gateway.core.errors import GatewayError
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.server.generation import Generation, Plan, Post, Reread
from dav_gateway.server.listen import bind
from dav_gateway.server.notify import READY, STOPPING, notify, reloading
from dav_gateway.server.seat import RETIRE, STOP, STOP_NOW
from dav_gateway.server.tally import Tally
from dav_gateway.server.waiting import Waiting
from dav_gateway.server.worker import Worker, start_worker

_logger = structlog.get_logger("dav_gateway.supervisor")

MOST_WORKERS = 128
_MOST_GENERATIONS = 16
_START_SECONDS = 60.0
"""A worker that is not ready after so long is ended, and counts as failed."""

_STOP_MARGIN = 5.0
_STOP_NOW_SECONDS = 2.0
"""How much longer than its limit a worker may take to stop before it is killed."""


class WorkerFailed(GatewayError):
    """The first worker could not serve; `str()` is what it said."""


class Supervisor:
    """Runs a plan by workers. `reread` makes another plan when SIGHUP comes.

    To be made and run in the main thread of a process that has no other.
    """

    def __init__(self, plan: Plan, reread: Reread) -> None:
        self._plan = plan
        self._reread = reread
        self._node = secrets.token_hex(8)
        self._tally = Tally(MOST_WORKERS * _MOST_GENERATIONS)
        self._waiting = Waiting()
        self._generations: list[Generation] = []
        self._serving: Generation | None = None
        self._coming: Generation | None = None
        self._reload_wanted = False
        self._kill_at: float | None = None
        self._failure: str | None = None

    def run(self) -> None:
        """Serve until a signal ends it and all workers have ended. Raises CannotListen, and WorkerFailed when the
        first worker cannot serve."""
        sockets = bind(self._plan.host, self._plan.port)
        with self._waiting:
            self._coming = Generation(self._plan, sockets)
            self._generations.append(self._coming)
            while self._kill_at is None or any(generation.workers for generation in self._generations):
                self._start_due()
                for one in self._waiting.wait(self._next_deadline()):
                    self._obey(one)
                self._hear()
                self._reap()
                self._hold_to_limits()
                self._reload_if_wanted()
        if self._failure is not None:
            raise WorkerFailed(self._failure)

    # Signals

    def _obey(self, one: int) -> None:
        if one == signal.SIGHUP:
            self._reload_wanted = True
        elif one in {signal.SIGTERM, signal.SIGINT}:
            if self._kill_at is None:
                _logger.info("stopping", signal=signal.Signals(one).name)
                self._stop()
            elif one == signal.SIGINT:
                self._kill_at = time.monotonic() + _STOP_NOW_SECONDS
                for generation in self._generations:
                    generation.end(STOP_NOW)

    def _stop(self) -> None:
        notify(STOPPING)
        longest = max(generation.plan.stop_seconds for generation in self._generations)
        self._kill_at = time.monotonic() + longest + _STOP_MARGIN
        self._reload_wanted = False
        for generation in self._generations:
            generation.end(STOP)
            _close(generation)

    def _reload_if_wanted(self) -> None:
        """One at a time: a wish that comes during a reload is granted after it."""
        if not self._reload_wanted or self._serving is None or self._coming is not None:
            return
        self._reload_wanted = False
        notify(reloading())
        try:
            if len(self._generations) >= _MOST_GENERATIONS:
                raise GatewayError(f"workers of {_MOST_GENERATIONS - 1} earlier reloads still finish what they do")
            plan = self._reread()
            before = self._serving.plan
            same = (plan.host, plan.port) == (before.host, before.port)
            sockets = self._serving.sockets if same else bind(plan.host, plan.port)
        except GatewayError as error:
            self._refuse_reload(str(error))
            return
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the new plan, the old one goes on
            # Only the type: the text of an unknown error may quote anything, a secret among it.
            self._refuse_reload(f"unexpected fault ({type(error).__name__})")
            return
        self._coming = Generation(plan, sockets)
        self._generations.append(self._coming)

    def _refuse_reload(self, sentence: str) -> None:
        for line in sentence.splitlines():
            _logger.error("not reloaded", error=line)
        notify(READY)

    # Workers

    def _start_due(self) -> None:
        now = time.monotonic()
        for generation in self._generations:
            for post in generation.due(now):
                self._start(generation, post)

    def _start(self, generation: Generation, post: Post) -> None:
        slot = self._free_slot()
        forget = partial(self._forget, generation)
        try:
            worker = start_worker(
                generation.plan.work, WorkerPlace(self._node, slot), generation.sockets, self._tally, forget
            )
        except OSError as error:
            _logger.warning("no worker can be started", error=error.strerror, again_in=post.note_death(0.0))
            return
        post.worker, post.start_at = worker, None
        self._waiting.add(worker.line)

    def _forget(self, generation: Generation) -> None:
        """In a new worker: close what is the supervisor's alone, or another generation's."""
        self._waiting.forget()
        for each in self._generations:
            for worker in each.workers:
                worker.line.close()
            if each.sockets is not generation.sockets:
                _close(each)

    def _free_slot(self) -> int:
        taken = {worker.slot for generation in self._generations for worker in generation.workers}
        return next(slot for slot in range(len(self._tally)) if slot not in taken)

    def _hear(self) -> None:
        for generation in self._generations:
            for worker in generation.workers:
                before = worker.ready
                while worker.hear():
                    pass
                if worker.ready and not before:
                    _logger.info("worker started", pid=worker.pid, slot=worker.slot)
                    if not generation.ended:
                        self._note_ready(generation)

    def _note_ready(self, generation: Generation) -> None:
        generation.note_ready()
        if not generation.complete or generation is not self._coming:
            return
        before, self._serving, self._coming = self._serving, generation, None
        if before is not None:
            before.end(RETIRE)
            if before.sockets is not generation.sockets:
                _close(before)
        _logger.info(
            "started" if before is None else "reloaded", workers=len(generation.posts), **generation.plan.facts
        )
        notify(READY)

    def _reap(self) -> None:
        for generation in self._generations:
            for post in generation.posts:
                if post.worker is not None:
                    pid, status = os.waitpid(post.worker.pid, os.WNOHANG)
                    if pid:
                        self._note_death(generation, post, post.worker, os.waitstatus_to_exitcode(status))
        self._generations = [each for each in self._generations if each.workers or not each.ended]

    def _note_death(self, generation: Generation, post: Post, worker: Worker, code: int) -> None:
        while worker.hear():
            pass
        self._waiting.remove(worker.line)
        worker.line.close()
        self._tally.leave(worker.slot)
        facts: dict[str, object] = {"pid": worker.pid, "slot": worker.slot, "age": round(worker.age, 1)}
        facts |= {"signal": signal.Signals(-code).name} if code < 0 else {"exit_code": code}
        facts |= {"error": worker.why} if worker.why else {}
        expected = generation.ended and code == 0
        delay = post.note_death(worker.age)
        if generation.ended:
            post.start_at = None
            (_logger.info if expected else _logger.error)("worker ended", **facts)
            return
        reason = worker.why or f"a worker ended by {_how(code)} before it was ready"
        if generation is not self._coming or (generation.began and self._serving is None):
            _logger.error("worker ended", **facts, again_in=delay)
        elif self._serving is not None:
            _logger.error("worker ended", **facts)
            self._coming = None
            generation.end(RETIRE)
            if generation.sockets is not self._serving.sockets:
                _close(generation)
            self._refuse_reload(reason)
        else:
            self._failure = reason
            self._stop()

    # Time

    def _next_deadline(self) -> float | None:
        times = [self._kill_at, *(generation.next_start() for generation in self._generations)]
        times += [
            worker.started + _START_SECONDS
            for generation in self._generations
            for worker in generation.workers
            if not worker.ready
        ]
        known = [one for one in times if one is not None]
        return min(known) if known else None

    def _hold_to_limits(self) -> None:
        now = time.monotonic()
        for generation in self._generations:
            for worker in generation.workers:
                if (self._kill_at is not None and now >= self._kill_at) or (
                    not worker.ready and worker.age >= _START_SECONDS
                ):
                    worker.kill()


def _close(generation: Generation) -> None:
    for sock in generation.sockets:
        sock.close()


def _how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
