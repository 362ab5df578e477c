"""HTTP/1.1 over raw sockets, cheap enough to leave the cores to the server that is measured.

A connection is kept as long as the server keeps it; one that closes after every answer pays for its connections itself.
"""

import re
import socket
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
PIECE = 1 << 18
TIMEOUT = 600.0
BROKEN_OFF = "the server closed in the middle of an answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `head` is the status line and the headers."""

    status: int
    head: bytes
    body: bytes
    closes: bool

    def header(self, name: str) -> str:
        """The value of a header; empty when there is none."""
        found = re.search(rb"\r\n" + name.encode() + rb": *([^\r]*)", self.head, re.IGNORECASE)
        return found[1].decode() if found else ""


class Reader:
    """Takes in what a socket gives until an answer is whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head = b""
        self._needed: int | None = None

    def feed(self, piece: bytes) -> Answer | None:
        """The answer, once it is whole. An empty piece is the end of the connection."""
        self._buffer += piece
        if not self._head:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            self._head = bytes(self._buffer[: end + 2])
            del self._buffer[: end + 4]
            length = _LENGTH.search(self._head)
            if length is not None:
                self._needed = int(length[1])
            elif self._status in {204, 304}:
                self._needed = 0
        if self._needed is not None:
            return self._whole(bytes(self._buffer)) if len(self._buffer) >= self._needed else None
        if _CHUNKED.search(self._head):
            return self._whole(unchunked(self._buffer)) if self._buffer.endswith(b"0\r\n\r\n") else None
        return None if piece else self._whole(bytes(self._buffer))

    @property
    def _status(self) -> int:
        return int(self._head[9:12])

    def _whole(self, body: bytes) -> Answer:
        kept = self._head.startswith(b"HTTP/1.1") and not _CLOSE.search(self._head)
        answer = Answer(self._status, self._head, body, closes=not kept)
        self.__init__()  # type: ignore[misc]
        return answer


def unchunked(text: bytes | bytearray) -> bytes:
    """The body of a chunked answer (RFC 9112 section 7.1)."""
    found, place = bytearray(), 0
    while True:
        end = text.index(b"\r\n", place)
        size = int(bytes(text[place:end]).partition(b";")[0], 16)
        if size == 0:
            return bytes(found)
        found += text[end + 2 : end + 2 + size]
        place = end + 4 + size


class Connection:
    """One client that asks one thing after another."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> Answer:
        """The answer to a request. A connection that the server had closed meanwhile is opened again, once."""
        for fresh in (self._socket is None, True):
            sock = self._socket or self._open()
            try:
                sock.sendall(request)
                answer = _read(sock)
            except (ConnectionError, EOFError):
                self.close()
                if fresh:
                    raise
                continue
            if answer.closes:
                self.close()
            return answer
        raise AssertionError("unreachable")

    def _open(self) -> socket.socket:
        self._socket = connect(self._port)
        return self._socket

    def close(self) -> None:
        """End the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def connect(port: int) -> socket.socket:
    """A connection to a port of this machine."""
    sock = socket.create_connection(("127.0.0.1", port), TIMEOUT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _read(sock: socket.socket) -> Answer:
    reader = Reader()
    while True:
        piece = sock.recv(PIECE)
        answer = reader.feed(piece)
        if answer is not None:
            return answer
        if not piece:
            raise EOFError(BROKEN_OFF)
