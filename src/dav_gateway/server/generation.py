"""The workers that one reading of the configuration made, and when one that died is started again."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from dav_gateway.server.worker import Work, Worker

EARLY_SECONDS = 10.0
"""A worker that dies younger than this counts as failing, not as killed."""

_FIRST_DELAY = 0.5
_LAST_DELAY = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a generation serves: where, by how many workers, doing what. `facts` are told in the log."""

    host: str
    port: int
    workers: int
    stop_seconds: float
    work: Work
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Post:
    """One of the N places of a generation: a living worker, or the (monotonic) time at which to start one."""

    start_at: float | None = None
    worker: Worker | None = None
    early_deaths: int = 0

    def note_death(self, age: float) -> float:
        """The worker died at this age: it is started again after the returned seconds, 0 for at once.

        Only who dies young again and again waits: 0, 0.5, 1, 2, ... 30 seconds.
        """
        self.worker = None
        self.early_deaths = self.early_deaths + 1 if age < EARLY_SECONDS else 0
        delay = 0.0
        if self.early_deaths > 1:
            delay = min(_FIRST_DELAY * 2 ** (self.early_deaths - 2), _LAST_DELAY)
        self.start_at = time.monotonic() + delay
        return delay


class Generation:
    """`began`: its first worker got ready, so the plan works. `complete`: all of them were ready once."""

    def __init__(self, plan: Plan, sockets: list[socket.socket]) -> None:
        self.plan = plan
        self.sockets = sockets
        self.posts = [Post() for _ in range(plan.workers)]
        self.posts[0].start_at = time.monotonic()
        self.began = False
        self.complete = False
        self.ended = False

    @property
    def workers(self) -> list[Worker]:
        """The living ones."""
        return [post.worker for post in self.posts if post.worker is not None]

    def due(self, now: float) -> Iterator[Post]:
        """The posts whose worker is to be started now."""
        return (post for post in self.posts if post.start_at is not None and post.start_at <= now)

    def note_ready(self) -> None:
        """A worker got ready. The first one lets the others start: what is wrong with a plan is told once."""
        if not self.began:
            self.began = True
            for post in self.posts[1:]:
                post.start_at = time.monotonic()
        self.complete = self.complete or all(post.worker is not None and post.worker.ready for post in self.posts)

    def tell(self, message: bytes) -> None:
        """Say something to every worker."""
        for worker in self.workers:
            worker.tell(message)

    def end(self, message: bytes) -> None:
        """Tell every worker to end, and start none again."""
        self.ended = True
        for post in self.posts:
            post.start_at = None
        self.tell(message)

    def next_start(self) -> float | None:
        """When the next worker is to be started; None when none is."""
        return min((post.start_at for post in self.posts if post.start_at is not None), default=None)


Reread = Callable[[], Plan]
"""Reads the configuration again. Raises GatewayError when it cannot be used."""
