"""How many connections each worker has open, in memory that all workers of a supervisor share.

Each worker writes its own number only, an aligned machine word, so no lock is needed; a number that is a moment old
costs a little balance and nothing else.
"""

import mmap
import sys

_AWAY = -1
_WIDTH = 8


class Tally:
    """One number for each slot, behind the number of slots that were ever used. Made before the fork.

    A slot that takes no connections is away.
    """

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, (slots + 1) * _WIDTH)
        self._words = memoryview(self._memory).cast("q")

    def __len__(self) -> int:
        return len(self._words) - 1

    def share(self, slot: int) -> "Share":
        """What the worker in this slot will see; away until it takes connections. In the supervisor."""
        self.leave(slot)
        self._words[0] = max(self._words[0], slot + 1)
        return Share(self, slot)

    def put(self, slot: int, count: int) -> None:
        """Write a slot's number."""
        self._words[slot + 1] = count

    def leave(self, slot: int) -> None:
        """The worker in this slot takes no more connections: it retires, stops or is dead."""
        self._words[slot + 1] = _AWAY

    def least(self) -> int | None:
        """The smallest number of a slot that is not away."""
        return min((count for count in self._words[1 : self._words[0] + 1] if count != _AWAY), default=None)


class Share:
    """One worker's place in the tally."""

    def __init__(self, tally: Tally, slot: int) -> None:
        self._tally = tally
        self._slot = slot
        self._own = 0

    def put(self, count: int) -> None:
        """This worker has `count` connections open and takes more."""
        self._own = count
        self._tally.put(self._slot, count)

    def leave(self) -> None:
        """This worker takes no more, or only what nobody else takes."""
        self._own = sys.maxsize
        self._tally.leave(self._slot)

    def is_more_than_least(self) -> bool:
        """Whether another worker that takes connections has fewer than this one."""
        least = self._tally.least()
        return least is not None and self._own > least
