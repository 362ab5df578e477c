"""Which worker of which node a process is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """`node`: one run of the supervisor, a random word; `slot`: the worker's number in it, from 0. A worker that takes
    over a slot proves that the one before it has ended."""

    node: str
    slot: int
