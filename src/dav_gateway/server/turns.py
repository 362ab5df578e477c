"""Whose job is next when there are more than threads: those who wait take turns, and nobody has all threads.

Without that one app password with fifty connections, each fetching a whole calendar, has everybody else wait behind
fifty such answers.
"""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Job = TypeVar("Job")


class Turns(Generic[Job]):
    """Jobs that wait, by whose they are. Not safe for threads: its user has a lock."""

    def __init__(self, most_at_work: int, most_waiting: int) -> None:
        """How many jobs of one may be at work, and how many may wait."""
        self._most_at_work, self._most_waiting = most_at_work, most_waiting
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        self._at_work: dict[str, int] = {}

    def add(self, whose: str, job: Job) -> bool:
        """Let a job wait for its turn; False when too many of the same wait."""
        waiting = self._waiting.setdefault(whose, deque())
        if len(waiting) >= self._most_waiting:
            return False
        waiting.append(job)
        return True

    def take(self) -> tuple[str, Job] | None:
        """The next job, at work from now on; None when there is none, or each is of one who has enough at work."""
        for whose, waiting in self._waiting.items():
            at_work = self._at_work.get(whose, 0)
            if at_work < self._most_at_work:
                self._at_work[whose] = at_work + 1
                job = waiting.popleft()
                if waiting:
                    self._waiting.move_to_end(whose)
                else:
                    del self._waiting[whose]
                return whose, job
        return None

    def done(self, whose: str) -> None:
        """A job of theirs is not at work any more."""
        left = self._at_work.pop(whose) - 1
        if left:
            self._at_work[whose] = left
