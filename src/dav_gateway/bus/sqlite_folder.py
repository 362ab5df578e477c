"""The folder beside a SQLite file in which its members are found: a locked file and a datagram socket for each.

The kernel drops the lock of a process that dies, however it dies, so a file whose lock is free is that of a dead
member. Sockets are named through the folder's descriptor: a path in a socket's address has room for 107 octets.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.store.sqlite_file import give_to_owner

_MEMBER = ".member"
_SOCKET = ".socket"


@dataclass(frozen=True, slots=True)
class FoundMember:
    """A member that was alive when it was found: its id, how people know it, and its locked file, open."""

    id: str
    label: str
    file: int

    def has_ended(self) -> bool:
        """Whether the process that held the lock is gone."""
        return _is_free(self.file)

    def close(self) -> None:
        """Close the file."""
        os.close(self.file)


class SqliteFolder:
    """`<database>-bus`, mode 0700; made when it is missing, for the owner of the database file."""

    def __init__(self, database: Path) -> None:
        """Raises StoreUnavailable."""
        self._path = path = database.with_name(database.name + "-bus")
        try:
            with suppress(FileExistsError):
                path.mkdir(mode=0o700)
                give_to_owner(path, database)
            self._folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StoreUnavailable(f"the folder {path.name} cannot be opened: {error.strerror}") from error

    def close(self) -> None:
        """Close the folder."""
        os.close(self._folder)

    def bind(self, name: str) -> socket.socket:
        """A datagram socket, not blocking, that others in the folder may send to by this name. Raises OSError."""
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            bound.bind(self._address(name))
            # The folder keeps strangers out; the command line of root is answered by workers that are not.
            (self._path / (name + _SOCKET)).chmod(0o666)
        except OSError:
            bound.close()
            raise
        return bound

    def send(self, sender: socket.socket, name: str, message: bytes) -> None:
        """Send if that is possible at once; who must be heard says it again."""
        with suppress(OSError):
            sender.sendto(message, self._address(name))

    def enter(self, member: str, place: WorkerPlace | None) -> int:
        """Make a member's file, locked before anybody can see it; its descriptor. Raises OSError."""
        hidden = self._path / f".{member}"
        file = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            who = {"process": os.getpid(), "slot": None if place is None else place.slot}
            os.write(file, json.dumps(who).encode())
            hidden.rename(self._path / (member + _MEMBER))
        except OSError:
            os.close(file)
            # Left behind (the disk is full), it would be in the way of every later attempt of this process.
            hidden.unlink(missing_ok=True)
            raise
        return file

    def still_holds(self, member: str, file: int) -> bool:
        """Whether others find this member's file: nobody has removed it, nor the folder."""
        try:
            return os.path.samestat((self._path / (member + _MEMBER)).stat(), os.fstat(file))
        except OSError:
            return False

    def remove(self, name: str) -> None:
        """Remove what stands in the folder under this name, a member or a socket."""
        for suffix in (_MEMBER, _SOCKET):
            (self._path / (name + suffix)).unlink(missing_ok=True)

    def members(self) -> Iterator[FoundMember]:
        """The members that live, to be closed by the caller; what dead ones left is removed. Raises OSError."""
        # Not Path.glob(), which takes a folder that cannot be read for an empty one.
        for entry in self._path.iterdir():
            if entry.suffix != _MEMBER:
                continue
            try:
                file = os.open(entry, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            if not _is_free(file):
                yield FoundMember(entry.stem, _label(file), file)
                continue
            # Who leaves removes the file first: if it is still there, its process is dead and comes back no more.
            if self.still_holds(entry.stem, file):
                self.remove(entry.stem)
            os.close(file)

    def _address(self, name: str) -> str:
        return f"/proc/self/fd/{self._folder}/{name}{_SOCKET}"


def _is_free(file: int) -> bool:
    # Shared: two that look at once do not take each other for the member.
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _label(file: int) -> str:
    who = json.loads(os.pread(file, 1000, 0))
    return f"process {who['process']}" + ("" if who["slot"] is None else f" (worker {who['slot']})")
