"""What the services need of the bus. One implementation for each engine: `sqlite_*` and `postgres_*`."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.store.database import Announced

Tally = Mapping[str, tuple[int, int]]
"""By credential id: connections that were cut, and how many of them were answering a request."""


How = Literal["cut", "ended", "lapsed"]


class Expelled(StoreUnavailable):
    """Others do not see this member any more, so revocations do not wait: it must end all and join anew."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one read of the table `cut` told: credentials that other processes changed, each once, oldest first.

    `at` is the boot time just before the read: everything committed before it is in this or an earlier one. `number`
    is the last cut read. What a notification told before any read has the `at` of the last read, and the number that it
    names.
    """

    at: float
    number: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """How one member came to send nothing more, `seconds` after the commit.

    "cut": it says so. "ended": its process is no more. "lapsed": it said nothing, and its lease has run out.
    """

    member: str
    how: How
    seconds: float
    tally: Tally


class Member(Protocol):
    """A process that serves, joined to the bus; for one thread but for `wake`."""

    def read(self, patience: float) -> Heard:
        """Wait `patience` seconds at most for a word that there is something, and read.

        Raises StoreUnavailable; nothing is lost by that, the next read tells it. Raises Expelled.
        """

    def expired(self, after: Moment, until: Moment) -> list[str]:
        """Ids of the credentials that expire later than `after` and not later than `until`. Raises StoreUnavailable."""

    def acknowledge(self, number: int, tally: Tally) -> None:
        """Everything that was heard is carried out here, up to this cut; `tally` is of what was cut since the last
        call. Raises StoreUnavailable, and Expelled."""

    def wake(self) -> None:
        """Let a `read` that waits return at once. From any thread."""

    def leave(self) -> None:
        """This process serves nobody any more. What cannot be said is left to the lease."""


class Asking(Protocol):
    """One revocation's ear for acknowledgements, open since before its commit."""

    def begin(self, announced: Announced) -> None:
        """Right after the commit: find out who serves, and let them know. Who cannot be listed is waited for, or else
        StoreUnavailable is raised."""

    def settle(self) -> list[Acknowledgement]:
        """Return when every other member has carried the change out, or cannot send anything any more.

        Takes LIMIT from `begin` at most and raises nothing for a database that is gone: who waits for LIMIT is right in
        any case.
        """


class Bus(Protocol):
    """The bus of one open database."""

    def join(self, place: WorkerPlace | None) -> Member:
        """Join as a process that will serve; before the first connection is accepted. Raises StoreUnavailable."""

    def asking(self) -> AbstractContextManager[Asking]:
        """For one revocation: opened before its transaction begins. Raises StoreUnavailable."""
