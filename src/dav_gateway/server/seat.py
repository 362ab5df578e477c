"""What a worker has of its supervisor: the listening sockets, its share of the tally, and the line between them.

The line is a socket pair made for this one worker. Its end, however the supervisor came to it, ends the worker too.
"""

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import Protocol

from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.server.tally import Share

READY = b"ready"
FAILED = b"failed "
STOP, STOP_NOW, RETIRE = b"stop", b"now", b"retire"
MESSAGE_BYTES = 4096


class Endable(Protocol):
    """The server that runs in the worker."""

    def stop(self) -> None:
        """Finish running requests within the limit."""

    def stop_now(self) -> None:
        """Reset what runs."""

    def retire(self) -> None:
        """Take no more connections, and finish what runs however long it takes."""


class Seat:
    """One worker's side. All but `fail` belong to its event loop."""

    def __init__(self, place: WorkerPlace, sockets: Sequence[socket.socket], share: Share, line: socket.socket) -> None:
        self.place = place
        self.sockets = list(sockets)
        self.share = share
        self._line = line

    def take(self, server: Endable) -> None:
        """The server accepts connections: tell the supervisor, and do what it says from now on."""
        asyncio.get_running_loop().add_reader(self._line, self._hear, server)
        with contextlib.suppress(OSError):
            self._line.send(READY)

    def fail(self, sentence: str) -> None:
        """Tell the supervisor why this worker cannot serve."""
        with contextlib.suppress(OSError):
            self._line.send((FAILED + sentence.encode())[:MESSAGE_BYTES])

    def _hear(self, server: Endable) -> None:
        try:
            said = self._line.recv(MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if said == RETIRE:
            server.retire()
        elif said == STOP_NOW:
            server.stop_now()
        else:
            # STOP, or the supervisor is dead.
            if not said:
                asyncio.get_running_loop().remove_reader(self._line)
            server.stop()
