"""The servers that are measured side by side, each started by its own way of being installed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from benchmarks.requests import Place


class Absent(Exception):
    """The peer is not on this machine; `str()` says what would bring it."""


class Server(Protocol):
    """A server under measurement. `start` raises Absent, and is called first; `stop` even if it failed."""

    name: str
    version: str
    how: str
    """How it runs and how it checks passwords, in one line."""
    port: int
    most: int
    """The largest account that it is filled with: some take a quarter of an hour for a larger one."""

    def start(self, sizes: Sequence[int]) -> None:
        """Serve an account for each size, filled with its events and cards."""

    def stop(self) -> None:
        """End it."""

    def roots(self) -> list[int]:
        """The processes whose trees serve, a database server included."""

    def place(self, size: int) -> Place:
        """The account of this size."""


BUILD = Path(__file__).parents[2] / "build" / "benchmark"
PASSWORD = "correct-horse-7"
CALENDAR, TASKS, BOOK = "calendar", "tasks", "contacts"
ANY = 1_000_000_000


def account(size: int) -> str:
    """The name of the account with so many events."""
    return f"n{size}"
