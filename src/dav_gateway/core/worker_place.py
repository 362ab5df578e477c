"""Where a process that serves stands among those beside it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """`node`: random hex of one run of a supervisor. `slot`: a number that no other living worker of it has.

    Slots begin at 0 and a free one is used again, so after a reload they may be N to 2N-1 for a while.
    """

    node: str
    slot: int
