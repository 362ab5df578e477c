"""HTTP on a bare socket: tests of the cut must see resets, and when they come."""

import base64
import re
import select
import socket
import time
from typing import Self


def basic(login: str, password: str) -> str:
    """An Authorization header line."""
    return "Authorization: Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


class Wire:
    """One connection to a gateway."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, method: str, path: str, *lines: str, body: bytes = b"", length: int | None = None) -> None:
        """A request head, with as much of its body as is given."""
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", "User-Agent: curl/8", *lines]
        if length is not None or body:
            head.append(f"Content-Length: {len(body) if length is None else length}")
        self.socket.sendall("\r\n".join([*head, "", ""]).encode() + body)

    def answer(self) -> tuple[int, bytes]:
        """Status and body of one whole response with a Content-Length."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        length = int(found[1]) if found else 0
        while len(body) < length:
            body += self._more()
        return int(head.split()[1]), body

    def _more(self) -> bytes:
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("closed")
        return piece

    def ended_within(self, seconds: float) -> bool:
        """Whether the connection is reset or closed within `seconds`; anything that still arrives is read away."""
        return self.bytes_until_the_end(seconds) is not None

    def bytes_until_the_end(self, seconds: float) -> int | None:
        """How many bytes still arrive before the connection ends; None when it does not end within `seconds`."""
        deadline = time.monotonic() + seconds
        count = 0
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                piece = self.socket.recv(65536)
            except OSError:
                return count
            if not piece:
                return count
            count += len(piece)
        return None
