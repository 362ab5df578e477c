"""The bus of a PostgreSQL database: LISTEN and NOTIFY tell and acknowledge, the table `worker` says who must."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from time import sleep

from dav_gateway.bus.postgres_connection import BusConnection, close, connect, translated
from dav_gateway.bus.postgres_member import PostgresMember
from dav_gateway.bus.protocol import Acknowledgement, Asking, How, Member, Tally
from dav_gateway.bus.times import LIMIT, boottime
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.store import workers
from dav_gateway.store.database import Database

_LOOK_AGAIN = 0.1
_KEPT = 2


class PostgresBus:
    """See protocol.Bus. A connection that a revocation has used is kept for the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._kept: list[BusConnection] = []

    def join(self, place: WorkerPlace | None) -> Member:
        """See protocol.Bus."""
        return PostgresMember(self._database, place)

    @contextmanager
    def asking(self) -> Iterator[Asking]:
        """See protocol.Bus."""
        connection = self._take()
        try:
            yield PostgresAsking(connection, self._database.process)
        finally:
            self._keep(connection)

    def close(self) -> None:
        """See protocol.Bus."""
        with self._lock:
            kept, self._kept = self._kept, []
        for connection in kept:
            close(connection)

    def _take(self) -> BusConnection:
        with self._lock:
            kept = self._kept.pop() if self._kept else None
        if kept is not None:
            with suppress(StoreUnavailable), translated():
                kept.execute(workers.LISTEN_DONE)
                return kept
            close(kept)
        connection = connect(self._database.url)
        with translated():
            connection.execute(workers.LISTEN_DONE)
        return connection

    def _keep(self, connection: BusConnection) -> None:
        """For the next revocation, if it still works: deaf until then, or the server would have to keep every word."""
        with suppress(StoreUnavailable), translated():
            connection.execute(workers.UNLISTEN)
            with self._lock:
                if len(self._kept) < _KEPT:
                    self._kept.append(connection)
                    return
        close(connection)


class PostgresAsking:
    """See protocol.Asking."""

    def __init__(self, connection: BusConnection, own: str) -> None:
        self._connection = connection
        self._own = own
        self._beats: dict[str, int] = {}
        self._labels: dict[str, str] = {}

    def settle(self, number: int, committed_at: float) -> list[Acknowledgement]:
        """See protocol.Asking."""
        settled: dict[str, Acknowledgement] = {}
        until = committed_at + LIMIT

        def note(member: str, how: How, tally: Tally) -> None:
            if member in self._labels and member not in settled:
                settled[member] = Acknowledgement(self._labels[member], how, boottime() - committed_at, tally)

        try:
            with translated():
                for member, label, beat, _ in self._others():
                    self._beats[member], self._labels[member] = beat, label
                while len(settled) < len(self._labels) and (left := until - boottime()) > 0:
                    for member, tally in self._told(number, min(left, _LOOK_AGAIN)):
                        note(member, "cut", tally)
                    if len(settled) < len(self._labels):
                        self._look(number, note)
                self._expel([member for member in self._labels if member not in settled])
        except StoreUnavailable:
            # Nobody can be asked now: what cannot answer has no lease at the end of this.
            self._labels = self._labels or {"": "whoever served"}
            sleep(max(0.0, until - boottime()))
        for member in self._labels:
            note(member, "lapsed", {})
        return list(settled.values())

    def _others(self) -> list[tuple[str, str, int, int]]:
        return self._connection.execute(workers.OTHERS, {"own": self._own}).fetchall()

    def _told(self, number: int, patience: float) -> Iterator[tuple[str, Tally]]:
        for word in self._connection.notifies(timeout=patience, stop_after=1):
            member, done, cut = json.loads(word.payload)
            if done >= number:
                yield member, {one: (connections, running) for one, (connections, running) in cut.items()}

    def _look(self, number: int, note: Callable[[str, How, Tally], None]) -> None:
        """Who has ended, and whose word was lost."""
        done_by = {member: done for member, _, _, done in self._others()}
        for member in self._labels:
            if member not in done_by:
                note(member, "ended", {})
            elif done_by[member] >= number:
                note(member, "cut", {})

    def _expel(self, silent: list[str]) -> None:
        for member in silent:
            self._connection.execute(workers.EXPEL, {"id": member, "beat": self._beats[member]})
