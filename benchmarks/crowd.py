"""Many clients at once, in one thread: each asks for the next request as soon as it has its answer."""

import selectors
import socket
import time
from collections.abc import Callable, Iterator

from benchmarks.client import BROKEN_OFF, PIECE, TIMEOUT, Answer, Reader, connect

Take = Callable[[Answer, float], None]


def many(port: int, requests: Iterator[bytes], clients: int, take: Take, seconds: float = 1e9) -> float:
    """Ask until the requests or the `seconds` are over. Returns how long all of it lasted.

    `take` gets each answer and the seconds it took. Raises EOFError, OSError and whatever `take` raises.
    """
    started = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        crowd = _Crowd(port, requests, take, selector, started + seconds)
        try:
            for _ in range(clients):
                crowd.ask(None)
            while selector.get_map():
                ready = selector.select(TIMEOUT)
                if not ready:
                    raise TimeoutError(f"port {port} does not answer")
                for key, _ in ready:
                    crowd.hear(key.fileobj, *key.data)
        finally:
            for key in list(selector.get_map().values()):
                key.fileobj.close()
    return time.perf_counter() - started


class _Crowd:
    def __init__(
        self, port: int, requests: Iterator[bytes], take: Take, selector: selectors.BaseSelector, end: float
    ) -> None:
        self._port = port
        self._requests = requests
        self._take = take
        self._selector = selector
        self._end = end

    def ask(self, sock: socket.socket | None) -> None:
        """The next request on a connection, or on a new one; without one the connection ends."""
        request = next(self._requests, None) if time.perf_counter() < self._end else None
        if request is not None:
            sock = sock or connect(self._port)
            asked = time.perf_counter()
            sock.sendall(request)
            self._selector.register(sock, selectors.EVENT_READ, (Reader(), asked))
        elif sock is not None:
            sock.close()

    def hear(self, sock: socket.socket, reader: Reader, asked: float) -> None:
        """Take in what came; once it is an answer, ask again."""
        piece = sock.recv(PIECE)
        answer = reader.feed(piece)
        if answer is None:
            if not piece:
                raise EOFError(BROKEN_OFF)
            return
        self._selector.unregister(sock)
        self._take(answer, time.perf_counter() - asked)
        if answer.closes:
            sock.close()
        self.ask(None if answer.closes else sock)
