"""A process that serves, on PostgreSQL: one connection that listens, and beats with every read.

A notification names the cuts it tells of, so that they are carried out at once. It is no more than a hint: the lease is
not renewed by it, and the acknowledgement, which is the next read as well, looks whether that was all (`workers.DONE`).
"""

import json
import os
import secrets
import select
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, LiteralString

from dav_gateway.bus.place import Place
from dav_gateway.bus.postgres_connection import BusConnection, close, connect
from dav_gateway.bus.protocol import Expelled, Heard, Tally
from dav_gateway.bus.times import boottime
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.store import workers
from dav_gateway.store.database import Database, system_clock
from dav_gateway.store.failures import translated

_MOST_TOLD = 250
"""Credentials in one notification, whose text may have 8000 octets."""


class PostgresMember:
    """See protocol.Member."""

    def __init__(self, database: Database, place: WorkerPlace | None) -> None:
        self._url = database.url
        self._id = database.process
        self._connection: BusConnection | None = connect(self._url)
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._read_at = float("-inf")
        self._ahead: Heard | None = None
        self._carried: dict[int, str] = {}
        self._told = 0
        self._tally: dict[str, tuple[int, int]] = {}
        try:
            with translated():
                self._listen(self._connection)
                self._place = Place(self._id, self._last(self._connection))
                self._enter(self._connection, place)
                self._entered = True
        except BaseException:
            close(self._connection)
            os.close(self._bell)
            raise

    def read(self, patience: float) -> Heard:
        """See protocol.Member."""
        if self._ahead is not None:
            heard, self._ahead = self._ahead, None
            return heard
        if self._connection is None:
            self._connection = self._connected()
        elif hints := self._hints(self._connection, patience):
            self._carried.update(hints)
            return Heard(self._read_at, max(hints), tuple(dict.fromkeys(hints.values())))
        at = boottime()
        return self._heard(at, self._ask(workers.BEAT, {"id": self._id, "seq": self._place.number}))

    def expired(self, after: Moment, until: Moment) -> list[str]:
        """See protocol.Member."""
        return [row[0] for row in self._ask(workers.EXPIRED, {"after": after, "until": until})]

    def acknowledge(self, number: int, tally: Tally) -> None:
        """See protocol.Member."""
        self._tally.update(tally)
        if number == self._told and not self._tally:
            return
        cut = [(one, count) for one, count in self._tally.items() if any(count)]
        while len(cut) > _MOST_TOLD:
            part, cut = cut[:_MOST_TOLD], cut[_MOST_TOLD:]
            self._ask(workers.TELL, {"id": self._id, "word": self._word(self._told, part)})
        carried = [f"{seq} {credential_id}" for seq, credential_id in self._carried.items()]
        values = {"id": self._id, "seq": self._place.number, "done": number, "carried": carried}
        at = boottime()
        rows = self._ask(workers.DONE, values | {"word": self._word(number, cut)})
        self._ahead = self._heard(at, rows)
        if rows[0][3]:
            self._told = number
            self._tally.clear()

    def wake(self) -> None:
        """See protocol.Member."""
        os.eventfd_write(self._bell, 1)

    def leave(self) -> None:
        """See protocol.Member."""
        # An expelled one has no row. Said into a wire that is just going dead, it would be heard when this process has
        # entered anew, and end that entry.
        with suppress(StoreUnavailable):
            if self._entered:
                if self._connection is None:
                    self._connection = connect(self._url)
                with translated():
                    self._connection.execute(workers.LEAVE, {"id": self._id})
        self._sever()
        os.close(self._bell)

    def _enter(self, connection: BusConnection, place: WorkerPlace | None) -> None:
        label = f"{socket.gethostname()} process {os.getpid()}" + ("" if place is None else f" (worker {place.slot})")
        node, slot = ("", None) if place is None else (place.node, place.slot)
        values = {"id": self._id, "node": node, "slot": slot, "label": label}
        with connection.transaction():
            connection.execute(workers.LEAVE, values)
            if place is not None:
                connection.execute(workers.TAKE_OVER, values)
            # Nobody takes the beats of one entry for those of an earlier one.
            chosen = {"beat": secrets.randbelow(2**62), "done": self._place.number, "now": system_clock()}
            connection.execute(workers.ENTER, values | chosen)

    def _word(self, done: int, told: Sequence[tuple[str, tuple[int, int]]]) -> str:
        return json.dumps([self._id, done, dict(told)], separators=(",", ":"))

    def _heard(self, at: float, rows: Sequence[tuple[Any, ...]]) -> Heard:
        """What the rows of a beat tell beyond what a notification told. Raises Expelled."""
        if not rows:
            self._entered = False
            raise Expelled("a revocation stopped waiting for this process")
        told, self._carried = self._carried, {}
        new = [(row[0], row[1], row[2]) for row in rows if row[0] is not None]
        self._read_at = at
        ids = self._place.advance(new, told)
        return Heard(at, self._place.number, ids)

    def _ask(self, statement: LiteralString, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            raise StoreUnavailable("the database cannot be used at the moment")
        try:
            with translated():
                return self._connection.execute(statement, values).fetchall()
        except StoreUnavailable:
            self._sever()
            raise

    def _hints(self, connection: BusConnection, patience: float) -> dict[int, str]:
        """Wait for a word of the server, and find the cuts that notifications name, by number. Nothing, when there is
        something to read or nobody knows."""
        words = self._words(connection)
        if not words:
            waiting = select.poll()
            waiting.register(connection.fileno(), select.POLLIN)
            waiting.register(self._bell, select.POLLIN)
            waiting.poll(patience * 1000)
            words = self._words(connection)
        hints: dict[int, str] = {}
        try:
            for word in words:
                process, named = json.loads(word)
                if process != self._id:
                    hints |= {int(seq): str(one) for seq, one in named if seq > self._place.number}
        except (ValueError, TypeError):
            return {}
        return hints

    def _words(self, connection: BusConnection) -> list[str]:
        """What has come. A connection that has ended raises StoreUnavailable, once."""
        try:
            with translated():
                return [each.payload for each in connection.notifies(timeout=0)]
        except StoreUnavailable:
            self._sever()
            raise

    def _sever(self) -> None:
        close(self._connection)
        self._connection = None

    def _connected(self) -> BusConnection:
        """A connection that listens, or none at all."""
        connection = connect(self._url)
        try:
            with translated():
                self._listen(connection)
        except StoreUnavailable:
            close(connection)
            raise
        return connection

    @staticmethod
    def _listen(connection: BusConnection) -> None:
        connection.execute(workers.LISTEN_CUTS)

    @staticmethod
    def _last(connection: BusConnection) -> int:
        row = connection.execute(workers.LAST).fetchone()
        assert row is not None, "an aggregate has a row"
        return int(row[0])
