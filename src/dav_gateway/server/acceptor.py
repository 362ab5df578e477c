"""Taking connections off the listening sockets one at a time, so that workers beside each other get equal shares.

libuv accepts until the queue is empty, so the worker that wakes first takes a whole burst, and clients that keep their
connections alive stay where they are. Here a worker takes one connection a turn, and when it has more than another it
lets the others go first for a moment. The moment is bounded: a connection that nobody wants is taken by whoever waits.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

import structlog

from dav_gateway.server.tally import Share

_logger = structlog.get_logger("dav_gateway.server")

_PAUSE = 0.002
_PAUSES = 10
"""So many pauses without anybody else's taking the connection mean that the others cannot: they hang or are stopped."""

_ALONE_SECONDS = 0.5
_OUT_OF_MEANS_SECONDS = 0.5


class Acceptor:
    """The listening sockets of one event loop. `take` gets each new connection; both belong to the loop's thread."""

    def __init__(
        self, sockets: Sequence[socket.socket], take: Callable[[socket.socket], None], share: Share | None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sockets = list(sockets)
        self._take = take
        self._share = share
        self._pauses = 0
        self._alone_until = 0.0
        self._trouble = False
        for sock in self._sockets:
            sock.settimeout(0)
            self._loop.add_reader(sock, self._look, sock)

    def close(self) -> None:
        """Take no more, and close this process's descriptors of the sockets. May be called again."""
        if self._share is not None:
            self._share.leave()
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets = []

    def _look(self, sock: socket.socket) -> None:
        """Something waits on this socket, unless another worker was quicker."""
        if self._share is not None and self._lets_others_go_first(self._share):
            self._rest(sock, _PAUSE)
            return
        try:
            connection, _ = sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            self._pauses = 0
            return
        except OSError as error:  # EMFILE, ENFILE, ENOBUFS, ENOMEM: accept(2)
            if not self._trouble:
                _logger.warning("no connection can be taken", error=error.strerror)
            self._trouble = True
            self._rest(sock, _OUT_OF_MEANS_SECONDS)
            return
        self._pauses = 0
        self._trouble = False
        connection.settimeout(0)
        self._take(connection)

    def _lets_others_go_first(self, share: Share) -> bool:
        if not share.is_more_than_least():
            return False
        now = self._loop.time()
        if now < self._alone_until:
            return False
        self._pauses += 1
        if self._pauses <= _PAUSES:
            return True
        self._pauses = 0
        self._alone_until = now + _ALONE_SECONDS
        return False

    def _rest(self, sock: socket.socket, seconds: float) -> None:
        self._loop.remove_reader(sock)
        self._loop.call_later(seconds, self._resume, sock)

    def _resume(self, sock: socket.socket) -> None:
        if sock in self._sockets:
            self._loop.add_reader(sock, self._look, sock)
