"""One HTTP connection on a bare socket, with a script of what it does. `wires.Wires` is the thread that serves it.

A socket whose connection ended stays open until its owner closes it, because its figures (`received`) are still asked
for.
"""

import selectors
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from tests.stress.wires import Wires

_PIECE = 1 << 16
_AT_ONCE = struct.pack("ii", 1, 0)
_BYTES_RECEIVED = 128  # offset in struct tcp_info, Linux 4.1 and later
_AFTER_FIN = {6, 8, 9, 11}  # TIME_WAIT, CLOSE_WAIT, LAST_ACK, CLOSING (linux/tcp_states.h)


def received(sock: socket.socket) -> int:
    """Octets that ever arrived on a connection, read or not: counted by the kernel, exact at this moment.

    A FIN is counted as one octet there; it is taken off here while the state shows it.
    """
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    octets = int(struct.unpack_from("Q", info, _BYTES_RECEIVED)[0])
    return octets - 1 if info[0] in _AFTER_FIN else octets


def begun_with(client: "Client") -> bytes:
    """The first octets that ever came: also those that the kernel has counted and the client has not read yet."""
    with suppress(OSError):
        waiting = client.socket.recv(12, socket.MSG_PEEK)
        return client.heard or waiting
    return client.heard


class Client:
    """One connection. Everything is called in the thread of its `Wires`, but for what says otherwise.

    `end` is None while the connection lives, then how it ended: "refused", "reset" or "closed". `status` is of the
    latest answer, `answers` how many came; `heard` the first octets that ever came; `last`: the answer ends the
    connection.
    """

    def __init__(self, port: int, *, receive_buffer: int | None = None, piece: int = _PIECE, pause: float = 0) -> None:
        """`receive_buffer` bounds what the kernel takes for us; at most `piece` octets are read every `pause`
        seconds."""
        self.port = port
        self.opened_at = 0.0
        self.local_port = 0
        self.end: str | None = None
        self.ended_at = 0.0
        self.status = 0
        self.answers = 0
        self.body = b""
        self.headers = b""
        self.heard = b""
        self.last = False
        self.stopped = False
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.wires: Wires
        self._piece, self._pause = piece, pause
        self._out = b""
        self._head = bytearray()
        self._body = bytearray()
        self._left = 0
        self._open = False

    # The script

    def connected(self) -> None:
        """The connection is open."""

    def answered(self) -> None:
        """An answer is complete: `status`, `headers`, `body`."""

    def interim(self) -> None:
        """An interim answer (100) came."""

    def ended(self) -> None:
        """The connection is over."""

    # What a script uses

    def send(self, data: bytes) -> None:
        """Send, now or when the kernel takes it."""
        if self.end is None:
            self._out += data
            self._flush()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call in a while, unless the connection is over or the client was told to stop."""

        def still() -> None:
            if self.end is None and not self.stopped:
                call()

        self.wires.later(seconds, still)

    def drain(self) -> None:
        """Stop doing anything, and take what comes as quickly as it comes."""
        self.stopped = True
        self._piece, self._pause = _PIECE, 0

    def close(self) -> None:
        """Give the connection up; it leaves no TIME_WAIT behind."""
        self.end = self.end or "given up"
        if self.socket.fileno() >= 0:
            self.wires.forget(self)
            with suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.socket.close()

    # What the thread calls

    def start(self, wires: Wires) -> None:
        self.wires = wires
        self.opened_at = time.monotonic()
        self.socket.connect_ex(("127.0.0.1", self.port))
        wires.watch(self, selectors.EVENT_WRITE)

    def ready(self, mask: int) -> None:
        try:
            if mask & selectors.EVENT_WRITE:
                self._writable()
            if mask & selectors.EVENT_READ and self.end is None:
                self._readable()
        except ConnectionRefusedError:
            self._over("refused")
        except OSError:
            self._over("reset")

    def _writable(self) -> None:
        if self._open:
            self._flush()
            return
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, "connect")
        self._open = True
        self.local_port = self.socket.getsockname()[1]
        self.wires.watch(self, selectors.EVENT_READ)
        self.connected()

    def _flush(self) -> None:
        if self._out and self._open:
            with suppress(BlockingIOError):
                try:
                    self._out = self._out[self.socket.send(self._out) :]
                except OSError as error:
                    if not isinstance(error, BlockingIOError):
                        self._hear_the_rest()
                        self._over("reset")
                        return
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
            self.wires.watch(self, wanted)

    def _readable(self) -> None:
        data = self.socket.recv(self._piece)
        if not data:
            self._over("closed")
            return
        if len(self.heard) < 12:
            self.heard += data[:12]
        if self._pause:
            self.wires.watch(self, 0)
            self.wires.later(self._pause, self._listen)
        self._feed(data)

    def _hear_the_rest(self) -> None:
        """Who is sending learns of a reset before it has read what came in front of it: the kernel still has that."""
        if len(self.heard) < 12:
            with suppress(OSError):
                self.heard += self.socket.recv(_PIECE)[:12]

    def _listen(self) -> None:
        if self.end is None:
            self.wires.watch(self, selectors.EVENT_READ)

    def _feed(self, data: bytes) -> None:
        while data and self.end is None:
            if self._left:
                taken = data[: self._left]
                if len(self._body) < _PIECE:
                    self._body += taken
                self._left -= len(taken)
                data = data[len(taken) :]
                if not self._left:
                    self._complete()
                continue
            self._head += data
            head, separator, rest = bytes(self._head).partition(b"\r\n\r\n")
            if not separator:
                return
            self._head.clear()
            data = rest
            self._begin(head)

    def _begin(self, head: bytes) -> None:
        status = int(head[9:12])
        if status == 100:
            self.interim()
            return
        self.status, self.headers = status, head.lower()
        self.last = b"\r\nconnection: close" in self.headers
        self._body.clear()
        _, found, after = self.headers.partition(b"\r\ncontent-length:")
        self._left = int(after.split(b"\r\n", 1)[0]) if found and status not in (204, 304) else 0
        if not self._left:
            self._complete()

    def _complete(self) -> None:
        self.body = bytes(self._body)
        self.answers += 1
        if not self.stopped:
            self.answered()

    def _over(self, how: str) -> None:
        self.end, self.ended_at = how, time.monotonic()
        self.wires.forget(self)
        self.ended()
