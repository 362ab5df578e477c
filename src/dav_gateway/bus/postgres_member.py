"""A process that serves, on PostgreSQL: one connection that listens, and beats with every read."""

import json
import os
import secrets
import select
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, LiteralString

import psycopg

from dav_gateway.bus.place import Place
from dav_gateway.bus.postgres_connection import BusConnection, close, connect, translated
from dav_gateway.bus.protocol import Expelled, Heard, Tally
from dav_gateway.bus.times import boottime
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.store import workers
from dav_gateway.store.database import Database, system_clock

_MOST_TOLD = 250
"""Credentials in one notification, whose text may have 8000 octets."""


class PostgresMember:
    """See protocol.Member."""

    def __init__(self, database: Database, place: WorkerPlace | None) -> None:
        self._url = database.url
        self._id = database.process
        self._connection: BusConnection | None = connect(self._url)
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._told = 0
        self._notified = False
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
        if self._connection is not None:
            self._wait(self._connection, patience)
        self._notified = False
        at = boottime()
        if self._connection is None:
            self._connection = self._connected()
            at = boottime()
        rows = self._ask(workers.BEAT, {"id": self._id, "seq": self._place.number})
        if not rows:
            self._entered = False
            raise Expelled("a revocation stopped waiting for this process")
        ids = self._place.advance([] if rows[0][0] is None else [(row[0], row[1], row[2]) for row in rows])
        return Heard(at, self._place.number, ids)

    def expired(self, after: Moment, until: Moment) -> list[str]:
        """See protocol.Member."""
        return [row[0] for row in self._ask(workers.EXPIRED, {"after": after, "until": until})]

    def acknowledge(self, number: int, tally: Tally) -> None:
        """See protocol.Member."""
        if number == self._told and not tally:
            return
        cut = [(one, count) for one, count in tally.items() if any(count)]
        last = cut[-_MOST_TOLD:]
        for start in range(0, len(cut) - len(last), _MOST_TOLD):
            self._say(self._told, cut[start : min(start + _MOST_TOLD, len(cut) - len(last))])
        self._say(number, last)
        self._told = number

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

    def _say(self, done: int, told: Sequence[tuple[str, tuple[int, int]]]) -> None:
        word = json.dumps([self._id, done, dict(told)], separators=(",", ":"))
        self._ask(workers.DONE, {"id": self._id, "done": done, "word": word})

    def _ask(self, statement: LiteralString, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            raise StoreUnavailable("the database cannot be used at the moment")
        try:
            with translated():
                return self._connection.execute(statement, values).fetchall()
        except StoreUnavailable:
            self._sever()
            raise

    def _wait(self, connection: BusConnection, patience: float) -> None:
        """Any word of the server ends the wait: a notification, or its farewell."""
        if self._notified:
            return
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        waiting.register(self._bell, select.POLLIN)
        waiting.poll(patience * 1000)

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

    def _listen(self, connection: BusConnection) -> None:
        # A notification that comes with the answer to a statement leaves nothing to wait for on the socket.
        connection.add_notify_handler(self._note)
        connection.execute(workers.LISTEN_CUTS)

    def _note(self, _: psycopg.Notify) -> None:
        self._notified = True

    @staticmethod
    def _last(connection: BusConnection) -> int:
        row = connection.execute(workers.LAST).fetchone()
        assert row is not None, "an aggregate has a row"
        return int(row[0])
