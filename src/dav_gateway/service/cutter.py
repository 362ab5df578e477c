"""Who cuts connections. The server's own fits this protocol without knowing it; `bootstrap` brings them together."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol


class CutCount(Protocol):
    """How much a cut ended."""

    @property
    def connections(self) -> int:
        """Connections that were open."""

    @property
    def running(self) -> int:
        """Requests that were running on them."""

    @property
    def tally(self) -> Mapping[str, tuple[int, int]]:
        """Both, by the credential ids under which the connections were registered."""


class Cutter(Protocol):
    """Whoever owns the connections of this process. Both methods return once every connection is reset."""

    def cut(self, ids: Collection[str]) -> CutCount:
        """Reset the connections of these credentials."""

    def cut_all(self) -> CutCount:
        """Reset every connection of any credential."""


@dataclass(frozen=True, slots=True)
class Count:
    """A CutCount; nothing by default."""

    connections: int = 0
    running: int = 0
    tally: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class NoConnections:
    """The Cutter of a process without a server, such as the command line: the processes that serve hear of it over the
    bus and cut by themselves (see `watch`)."""

    def cut(self, ids: Collection[str]) -> Count:  # noqa: ARG002 - the protocol's
        """Cuts nothing."""
        return Count()

    def cut_all(self) -> Count:
        """Cuts nothing."""
        return Count()


class Owed:
    """Cuts of this process's own decisions that failed here: whoever follows the database (`watch`) makes up for them,
    and has no lease until it has. From any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ids: set[str] = set()

    def add(self, ids: Collection[str]) -> None:
        """These were changed, and not certainly cut."""
        with self._lock:
            self._ids.update(ids)

    def take(self) -> set[str]:
        """What is owed; it is the caller's now."""
        with self._lock:
            taken, self._ids = self._ids, set()
        return taken
