"""The thread that serves hundreds of clients: readiness, timers, calls from other threads."""

import heapq
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Protocol


class Served(Protocol):
    """What the thread knows of a client."""

    socket: socket.socket

    def start(self, wires: "Wires") -> None:
        """Begin to connect."""

    def ready(self, mask: int) -> None:
        """The socket can be read or written (`selectors` events)."""


class Wires:
    """The thread that serves the clients. `add`, `call` and `stop` are for other threads."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._calls: deque[Callable[[], None]] = deque()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="wires", daemon=True)
        self._thread.start()

    def add(self, client: Served) -> None:
        """Let a client begin."""
        self.call(lambda: client.start(self))

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in the thread."""
        self._calls.append(function)
        with suppress(BlockingIOError):
            self._wake_in.send(b"\0")

    def stop(self) -> None:
        """End the thread; sockets stay as they are."""
        self._stopping = True
        self.call(lambda: None)
        self._thread.join()
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function in a while. In the thread."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), function))

    def watch(self, client: Served, events: int) -> None:
        """Be told of these events of a client, of none for 0. In the thread."""
        known = self._selector.get_map().get(client.socket.fileno())
        if not events:
            if known is not None:
                self._selector.unregister(client.socket)
        elif known is None:
            self._selector.register(client.socket, events, client)
        elif known.events != events:
            self._selector.modify(client.socket, events, client)

    def forget(self, client: Served) -> None:
        """Watch a client no more. In the thread."""
        with suppress(KeyError, ValueError):
            self._selector.unregister(client.socket)

    def _run(self) -> None:
        while not self._stopping:
            due = self._timers[0][0] - time.monotonic() if self._timers else 1.0
            for key, mask in self._selector.select(max(0.0, min(due, 1.0))):
                if key.data is None:
                    with suppress(BlockingIOError):
                        self._wake_out.recv(4096)
                else:
                    key.data.ready(mask)
            while self._calls:
                self._calls.popleft()()
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                heapq.heappop(self._timers)[2]()
