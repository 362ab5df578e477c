"""What the processes of a campaign tell its head. Times are `time.monotonic()`, which all processes share."""

from dataclasses import dataclass, field
from multiprocessing.synchronize import Event


@dataclass(frozen=True, slots=True)
class Signals:
    """What all processes of a campaign see: `stop` it, a `fault` is being done, `enough` faults have been."""

    stop: Event
    fault: Event
    enough: Event


@dataclass(frozen=True, slots=True)
class Outcome:
    """One app password that was taken away."""

    way: str
    kinds: tuple[str, ...]
    began: float
    took: float
    timed: bool
    connections: int
    octets: int
    rows: int
    lost: int
    admitted: int
    writes: int
    refused_after: float | None
    repeated: int
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request of somebody else that got no answer; whether that is allowed is judged when the faults are known."""

    at: float
    port: int
    local_port: int
    opened_at: float
    end: str
    who: str


@dataclass(frozen=True, slots=True)
class Lapse:
    """A worker reset every authenticated connection, `connections` of them, between `began` and `ended`; by its own
    word, with its own times. Its last lease was from `lease_from`."""

    port: int
    process: int
    why: str
    connections: int
    lease_from: float
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Answers:
    """How the requests of a process were answered: status to number; `unfit` are sentences about the wrong ones."""

    by_status: dict[int, int]
    unfit: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """The process itself failed: a mistake of the harness, or a gateway that does not come back."""

    text: str


@dataclass(slots=True)
class Harm:
    """One fault: when, to which node (its port, 0: all), and which connections it ends by its nature.

    `local_ports` are those of clients; None means every connection to the node, new ones too.
    """

    kind: str
    port: int
    began: float
    ended: float = float("inf")
    local_ports: frozenset[int] | None = None
    notes: list[str] = field(default_factory=list)
