"""The bus of a SQLite file: all its processes are on one machine, so Unix datagrams tell and acknowledge.

A question names the cut and the socket to answer to; it is repeated until it is answered, so a lost datagram costs
time and nothing else. The answer says how far the member is, with what it cut.
"""

import json
import os
import secrets
import select
import socket
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

from dav_gateway.bus.place import Place
from dav_gateway.bus.protocol import Acknowledgement, Asking, Expelled, Heard, How, Member, Tally
from dav_gateway.bus.sqlite_folder import FoundMember, SqliteFolder
from dav_gateway.bus.times import LIMIT, boottime
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.store import credentials, cuts
from dav_gateway.store.database import Announced, Database
from dav_gateway.store.failures import as_unavailable
from dav_gateway.store.sqlite_file import SqliteFile

_ASK_AGAIN = 0.1
_LOOK_AGAIN = 0.02
_LONGEST = 65_536
_TALLIES = 256


class SqliteBus:
    """See protocol.Bus."""

    def __init__(self, database: Database, file: SqliteFile) -> None:
        self._database = database
        self._file = file

    def join(self, place: WorkerPlace | None) -> Member:
        """See protocol.Bus."""
        return SqliteMember(self._database, self._file, place)

    @contextmanager
    def asking(self) -> Iterator[Asking]:
        """See protocol.Bus."""
        folder = SqliteFolder(self._file.path)
        name = f"ask-{secrets.token_hex(8)}"
        try:
            with _bound(folder, name) as ear, closing(SqliteAsking(folder, ear, name, self._database.process)) as one:
                yield one
        finally:
            folder.remove(name)
            folder.close()


class SqliteMember:
    """See protocol.Member. Whether there is anything to read is asked of `PRAGMA data_version`, 3 us in shared memory:
    it moves when any other connection commits."""

    def __init__(self, database: Database, file: SqliteFile, place: WorkerPlace | None) -> None:
        self._database = database
        self._file = file
        self._id = database.process
        self._asked: dict[str, int] = {}
        self._tallies: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._hint: sqlite3.Connection | None = None
        self._version: int | None = None
        # A join that fails is tried again and again: it leaves nothing open.
        with ExitStack() as undo:
            self._folder = SqliteFolder(file.path)
            undo.callback(self._folder.close)
            self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            undo.callback(os.close, self._bell)
            undo.callback(self._folder.remove, self._id)
            self._ear = undo.enter_context(_bound(self._folder, self._id))
            try:
                self._entered = self._folder.enter(self._id, place)
            except OSError as error:
                raise StoreUnavailable(f"the bus cannot be joined: {error.strerror}") from error
            undo.callback(os.close, self._entered)
            # Before the lock is given back: a file that is found free belongs to a dead process, and is removed by who
            # finds it, which must not happen to the next one of this name.
            undo.callback(self._folder.remove, self._id)
            with database.read() as c:
                self._place = Place(self._id, cuts.last(c))
            self._opened = undo.pop_all()

    def read(self, patience: float) -> Heard:
        """See protocol.Member."""
        self._listen(patience)
        at = boottime()
        self._file.check()
        if not self._folder.still_holds(self._id, self._entered):
            raise Expelled("the folder of the bus was removed")
        try:
            version = self._read_version()
        except sqlite3.Error as error:
            self._forget_hint()
            raise as_unavailable(error) or error from error
        ids: tuple[str, ...] = ()
        if version != self._version:
            with self._database.read() as c:
                ids = self._place.advance(cuts.after(c, self._place.number))
            self._version = version
        return Heard(at, self._place.number, ids)

    def expired(self, after: Moment, until: Moment) -> list[str]:
        """See protocol.Member."""
        with self._database.read() as c:
            return credentials.expired_between(c, after, until)

    def acknowledge(self, number: int, tally: Tally) -> None:
        """See protocol.Member."""
        self._tallies.update(tally)
        while len(self._tallies) > _TALLIES:
            self._tallies.popitem(last=False)
        answer = json.dumps([self._id, number, self._tallies]).encode() if self._asked else b""
        for name in [name for name, wanted in self._asked.items() if wanted <= number]:
            self._folder.send(self._ear, name, answer)
            del self._asked[name]

    def wake(self) -> None:
        """See protocol.Member."""
        os.eventfd_write(self._bell, 1)

    def leave(self) -> None:
        """See protocol.Member."""
        self._forget_hint()
        self._opened.close()

    def _listen(self, patience: float) -> None:
        waiting = select.poll()
        waiting.register(self._ear, select.POLLIN)
        waiting.register(self._bell, select.POLLIN)
        if not self._asked:
            waiting.poll(patience * 1000)
        for message in _received(self._ear):
            with suppress(ValueError):
                name, number = message.decode().split()
                self._asked[name] = int(number)

    def _read_version(self) -> int:
        if self._hint is None:
            self._hint = self._file.connect(timeout=0)
        row = self._hint.execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def _forget_hint(self) -> None:
        if self._hint is not None:
            self._hint.close()
            self._hint = self._version = None


class SqliteAsking:
    """See protocol.Asking."""

    def __init__(self, folder: SqliteFolder, ear: socket.socket, name: str, own: str) -> None:
        self._folder = folder
        self._ear = ear
        self._name = name
        self._own = own
        self._missing: dict[str, FoundMember] = {}
        self._announced = Announced(0, 0.0)

    def begin(self, announced: Announced) -> None:
        """See protocol.Asking."""
        self._announced = announced
        try:
            for member in self._folder.members():
                if member.id == self._own:
                    member.close()
                else:
                    self._missing[member.id] = member
        except OSError as error:
            raise StoreUnavailable(f"the members of the bus cannot be listed: {error.strerror}") from error
        self._ask()

    def settle(self) -> list[Acknowledgement]:
        """See protocol.Asking."""
        settled: list[Acknowledgement] = []
        until = self._announced.committed_at + LIMIT
        ask_at = boottime() + _ASK_AGAIN
        waiting = select.poll()  # select(2) knows no descriptor above 1023, and a worker has many
        waiting.register(self._ear, select.POLLIN)
        while self._missing and boottime() < until:
            waiting.poll(_LOOK_AGAIN * 1000)
            for member, tally in self._answers():
                if member in self._missing:
                    settled.append(self._settled(member, "cut", tally))
            ended = [each.id for each in self._missing.values() if each.has_ended()]
            settled += [self._settled(member, "ended", {}) for member in ended]
            if boottime() >= ask_at:
                self._ask()
                ask_at = boottime() + _ASK_AGAIN
        return settled + [self._settled(member, "lapsed", {}) for member in list(self._missing)]

    def close(self) -> None:
        """Let go of the members' files."""
        for member in self._missing.values():
            member.close()

    def _ask(self) -> None:
        for member in self._missing:
            self._folder.send(self._ear, member, f"{self._name} {self._announced.number}".encode())

    def _answers(self) -> Iterator[tuple[str, Tally]]:
        for message in _received(self._ear):
            member, done, tally = json.loads(message)
            if done >= self._announced.number:
                yield member, {one: (cut, running) for one, (cut, running) in tally.items()}

    def _settled(self, member_id: str, how: How, tally: Tally) -> Acknowledgement:
        member = self._missing.pop(member_id)
        member.close()
        return Acknowledgement(member.label, how, boottime() - self._announced.committed_at, tally)


def _bound(folder: SqliteFolder, name: str) -> socket.socket:
    try:
        return folder.bind(name)
    except OSError as error:
        raise StoreUnavailable(f"the bus cannot be reached: {error.strerror}") from error


def _received(ear: socket.socket) -> Iterator[bytes]:
    with suppress(BlockingIOError):
        while True:
            yield ear.recv(_LONGEST)
