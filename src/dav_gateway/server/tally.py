"""How many connections each worker has open, in memory that all workers of a supervisor share.

Each worker writes its own number only, an aligned machine word, so no lock is needed; a number that is a moment old
costs a little balance and nothing else.
"""

import mmap

_AWAY = -1
_WIDTH = 8


class Tally:
    """One number for each slot; made before the fork. A slot that takes no connections is away."""

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, slots * _WIDTH)
        self._open = memoryview(self._memory).cast("q")
        for slot in range(slots):
            self.leave(slot)

    def __len__(self) -> int:
        return len(self._open)

    def leave(self, slot: int) -> None:
        """The worker in this slot takes no more connections: it retires, stops or is dead."""
        self._open[slot] = _AWAY

    def share(self, slot: int) -> "Share":
        """What the worker in this slot sees."""
        return Share(self, slot)

    def counts(self) -> list[int]:
        """The number of each slot that is not away."""
        return [count for count in self._open if count != _AWAY]

    def put(self, slot: int, count: int) -> None:
        """Write a slot's number."""
        self._open[slot] = count


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
        """This worker takes no more."""
        self._tally.leave(self._slot)

    def is_more_than_least(self) -> bool:
        """Whether another worker that takes connections has fewer than this one."""
        return self._own > min(self._tally.counts(), default=self._own)
