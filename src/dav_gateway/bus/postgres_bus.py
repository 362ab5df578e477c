"""The bus of a PostgreSQL database: LISTEN and NOTIFY tell and acknowledge, the table `worker` says who must."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Lock
from time import sleep

import psycopg

from dav_gateway.bus.postgres_connection import BusConnection, close, connect
from dav_gateway.bus.postgres_member import PostgresMember
from dav_gateway.bus.protocol import Acknowledgement, Asking, How, Member, Tally
from dav_gateway.bus.times import LIMIT, boottime
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.store import later, workers
from dav_gateway.store.database import Announced, Database
from dav_gateway.store.failures import translated

_LOOK_AGAIN = 0.05
_KEPT = 2
_DEAF_AFTER = 1.0


class PostgresBus:
    """See protocol.Bus. A connection that a revocation has used is kept for the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._kept: list[BusConnection] = []
        self._listening: list[BusConnection] = []

    def join(self, place: WorkerPlace | None) -> Member:
        """See protocol.Bus."""
        return PostgresMember(self._database, place)

    @contextmanager
    def asking(self) -> Iterator[Asking]:
        """See protocol.Bus."""
        asking = self._listens()
        try:
            with asking.looking():
                yield asking
        finally:
            self._keep(asking.connection)

    def close(self) -> None:
        """See protocol.Bus."""
        with self._lock:
            kept, self._kept, self._listening = [*self._kept, *self._listening], [], []
        for connection in kept:
            close(connection)

    def _listens(self) -> "PostgresAsking":
        """On a connection that was kept or a new one. Raises StoreUnavailable."""
        own = self._database.process
        with self._lock:
            pool = self._listening or self._kept
            kept = pool.pop() if pool else None
        if kept is not None:
            with suppress(StoreUnavailable):
                return PostgresAsking(kept, own)
            close(kept)
        connection = connect(self._database.url)
        try:
            return PostgresAsking(connection, own)
        except StoreUnavailable:
            close(connection)
            raise

    def _keep(self, connection: BusConnection) -> None:
        """For the next revocation; deaf if that does not come soon, or the server would have to keep every word."""
        if not connection.closed:
            with self._lock:
                room = len(self._kept) + len(self._listening) < _KEPT
                if room:
                    self._listening.append(connection)
            if room:
                later.call(_DEAF_AFTER, lambda: self._deafen(connection))
                return
        close(connection)

    def _deafen(self, connection: BusConnection) -> None:
        with self._lock:
            if connection not in self._listening:
                return  # in use; it is kept again after that
            self._listening.remove(connection)
        with suppress(StoreUnavailable), translated():
            connection.execute(workers.UNLISTEN)
            with self._lock:
                self._kept.append(connection)
            return
        close(connection)


class PostgresAsking:
    """See protocol.Asking."""

    def __init__(self, connection: BusConnection, own: str) -> None:
        """Listens. Raises StoreUnavailable."""
        self.connection = connection
        self._own = own
        self._announced = Announced(0, 0.0)
        self._listed_at = 0.0
        self._looked_at = 0.0
        self._seen: dict[str, tuple[int, float]] = {}
        self._changed = Event()
        self._beats: dict[str, int] = {}
        self._labels: dict[str, str] = {}
        self._settled: dict[str, Acknowledgement] = {}
        self._overdue: set[str] = set()
        with translated():
            # With values written into the text by the client, two statements are one question.
            listening = psycopg.ClientCursor(connection).execute(workers.LISTEN_DONE_AND_LOOK, {"own": own})
            listening.nextset()
            self._see(listening.fetchall())

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Note whose beat stands where since when, before the change and while it lasts: it may wait for locks of one
        who has just stopped, and that time counts."""
        self._looker = later.call(_LOOK_AGAIN, self._look_on)
        try:
            yield
        finally:
            self._stop_looking()

    def begin(self, announced: Announced) -> None:
        """See protocol.Asking. The server has notified the members when the change was committed."""
        self._announced = announced
        self._stop_looking()
        try:
            with translated():
                for member, label, beat, _ in self._others():
                    self._beats[member], self._labels[member] = beat, label
        except StoreUnavailable:
            # Who could not be listed is waited for to the end. A list that comes after all has nobody of this name, who
            # would be taken for one that has ended.
            self._labels = {"": "whoever served"}
            close(self.connection)
        self._listed_at = self._looked_at = boottime()

    def settle(self) -> list[Acknowledgement]:
        """See protocol.Asking."""
        # From the list on, not from the commit: who is expelled has not moved for as long as a lease can last.
        until = self._listed_at + LIMIT
        try:
            with translated():
                while len(self._settled) < len(self._labels) and (left := until - boottime()) > 0:
                    self._hear(min(left, _LOOK_AGAIN, *self._waits()))
                    if len(self._settled) < len(self._labels) and boottime() >= self._looked_at + _LOOK_AGAIN:
                        self._look()
                        self._expel_the_still()
                self._expel({one: beat for one, beat in self._beats.items() if one not in self._settled})
        except StoreUnavailable:
            # Nobody can be asked now: what cannot answer has no lease at the end of this.
            sleep(max(0.0, until - boottime()))
        for member in self._labels:
            self._note(member, "lapsed", {})
        return list(self._settled.values())

    def _expel_the_still(self) -> None:
        """Expel who has not moved for as long as a lease can last, since a look before the change or while it was being
        made: its reads all began earlier.

        The row goes only with the beat that was seen then. A read that is on its way finds no row, and renews nothing.
        """
        for member in self._expel({one: beat for one, beat, since in self._still() if boottime() >= since + LIMIT}):
            self._note(member, "lapsed", {})

    def _expel(self, beats: Mapping[str, int]) -> list[str]:
        """Delete the rows of those whose beats are still these; whose rows were deleted."""
        if not beats:
            return []
        values = {"ids": list(beats), "beats": list(beats.values())}
        return [row[0] for row in self.connection.execute(workers.EXPEL, values)]

    def _still(self) -> list[tuple[str, int, float]]:
        """Whose beat stood at the list where it was seen before: it, and since when."""
        missing = self._labels.keys() - self._settled.keys()
        seen = [(member, *self._seen[member]) for member in missing if member in self._seen]
        return [(member, beat, since) for member, beat, since in seen if beat == self._beats.get(member)]

    def _waits(self) -> list[float]:
        """How long until each of them may be expelled."""
        return [wait for _, _, since in self._still() if (wait := since + LIMIT - boottime()) > 0]

    def _note(self, member: str, how: How, tally: Tally) -> None:
        if member in self._labels and member not in self._settled:
            seconds = boottime() - self._announced.committed_at
            self._settled[member] = Acknowledgement(self._labels[member], how, seconds, tally)

    def _hear(self, patience: float) -> None:
        for word in self.connection.notifies(timeout=patience, stop_after=1):
            member, done, cut = json.loads(word.payload)
            if done >= self._announced.number:
                self._note(member, "cut", {one: (connections, running) for one, (connections, running) in cut.items()})

    def _look(self) -> None:
        """Who has ended, and whose word was lost."""
        self._looked_at = boottime()
        done_by = {member: done for member, _, _, done in self._others()}
        for member in self._labels:
            if member not in done_by:
                self._note(member, "ended", {})
            elif done_by[member] >= self._announced.number:
                if member in self._overdue:
                    self._note(member, "cut", {})
                # Its word, with what it cut, comes a moment later than its row: it is given until the next look.
                self._overdue.add(member)

    def _stop_looking(self) -> None:
        """The connection is this thread's alone when this returns."""
        self._changed.set()
        if looker := self._looker.cancel():
            looker.join()

    def _look_on(self) -> None:
        """In a thread of its own, until the change is committed."""
        with suppress(StoreUnavailable), translated():
            while not self._changed.is_set():
                self._see(self._others())
                self._changed.wait(_LOOK_AGAIN)

    def _see(self, others: list[tuple[str, str, int, int]]) -> None:
        # After the look: a read that is not in it may have begun before it, but none that is in it began later.
        at = boottime()
        for member, _, beat, _ in others:
            if self._seen.get(member, (None, 0.0))[0] != beat:
                self._seen[member] = beat, at

    def _others(self) -> list[tuple[str, str, int, int]]:
        return self.connection.execute(workers.OTHERS, {"own": self._own}).fetchall()
