"""Members and revocations on real databases. Every open database is a process of its own to the bus."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from dav_gateway.bus.opening import open_bus
from dav_gateway.bus.protocol import Acknowledgement, Heard, Member
from dav_gateway.store.database import Database, boottime, open_database


class Serving:
    """A member at work in a thread: it reads, "cuts" one connection for each id, acknowledges, and counts."""

    def __init__(self, database: Database) -> None:
        self.member: Member = open_bus(database).join(None)
        self.heard: list[str] = []
        self.reads = 0
        self.errors: list[Exception] = []
        self.allowed = threading.Event()
        self.allowed.set()
        self._stopping = threading.Event()
        self.member.read(0)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.allowed.set()
        self.member.wake()
        self._thread.join()
        self.member.leave()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.allowed.wait()
            try:
                heard: Heard = self.member.read(0.2)
                self.reads += 1
                self.heard += heard.ids
                self.member.acknowledge(heard.number, dict.fromkeys(heard.ids, (1, 0)))
            except Exception as error:  # noqa: BLE001 - the test looks at them
                self.errors.append(error)
                self._stopping.wait(0.1)


@pytest.fixture
def serve(database_url: str) -> Iterator[Callable[[], Serving]]:
    """Starts a member on a database of its own; stopped at the end of the test."""
    with _starting(database_url) as start:
        yield start


@pytest.fixture
def serve_sqlite(sqlite_url: str) -> Iterator[Callable[[], Serving]]:
    """The same on SQLite only."""
    with _starting(sqlite_url) as start:
        yield start


@contextmanager
def _starting(url: str) -> Iterator[Callable[[], Serving]]:
    with ExitStack() as rooms:

        def start() -> Serving:
            other = open_database(url)
            rooms.callback(other.dispose)
            serving = Serving(other)
            rooms.callback(serving.stop)
            return serving

        yield start


def turn(member: Member) -> Heard:
    """What a worker does again and again, until a read came from the database: a notification is no such read."""
    before = boottime()
    while (heard := member.read(0)).at < before:
        member.acknowledge(heard.number, {})
    return heard


@contextmanager
def asked(database: Database, *ids: str) -> Iterator[list[Acknowledgement]]:
    """Change credentials and settle; the list holds the acknowledgements inside the block."""
    with open_bus(database).asking() as asking:
        with database.change_credentials(ids, asking.begin):
            pass
        yield asking.settle()


def cut(database: Database, *ids: str) -> list[Acknowledgement]:
    """Change credentials and settle."""
    with asked(database, *ids) as acknowledgements:
        return acknowledgements
