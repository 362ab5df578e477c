"""A wire between a node and PostgreSQL that can go dead: nothing passes and nobody is told.

A process of its own: TCP towards the node, PostgreSQL's Unix socket behind. While it is stalled it reads nothing and
accepts nothing, so both kernels go on as if the other side were slow; afterwards everything is delivered late.
"""

import multiprocessing
import selectors
import signal
import socket
from contextlib import suppress
from multiprocessing.synchronize import Event
from pathlib import Path

_PIECE = 1 << 16
_LOOK = 0.02


class Blackhole:
    """The proxy of one node."""

    def __init__(self, behind: Path) -> None:
        """`behind`: PostgreSQL's socket."""
        context = multiprocessing.get_context("fork")
        listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = listening.getsockname()[1]
        self._stalled = context.Event()
        self._process = context.Process(target=_run, args=(listening, behind, self._stalled), daemon=True)
        self._process.start()
        listening.close()

    def url(self, database: str = "postgres") -> str:
        """The address of the database through the proxy."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?sslmode=disable&gssencmode=disable"

    def stall(self) -> None:
        """Let nothing pass."""
        self._stalled.set()

    def flow(self) -> None:
        """Let everything pass, what waited first."""
        self._stalled.clear()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.join()


def _run(listening: socket.socket, behind: Path, stalled: Event) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    selector = selectors.DefaultSelector()
    selector.register(listening, selectors.EVENT_READ)
    while True:
        if stalled.is_set():
            stalled_wait = selectors.DefaultSelector()
            stalled_wait.select(_LOOK)
            stalled_wait.close()
            continue
        for key, _ in selector.select(_LOOK):
            if key.data is None:
                _join(listening, behind, selector)
            else:
                _pass_on(key.fileobj, key.data, selector)  # type: ignore[arg-type]


def _join(listening: socket.socket, behind: Path, selector: selectors.BaseSelector) -> None:
    near, _ = listening.accept()
    far = socket.socket(socket.AF_UNIX)
    try:
        far.connect(str(behind))
    except OSError:
        near.close()
        far.close()
        return
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(near, selectors.EVENT_READ, far)
    selector.register(far, selectors.EVENT_READ, near)


def _pass_on(source: socket.socket, target: socket.socket, selector: selectors.BaseSelector) -> None:
    try:
        data = source.recv(_PIECE)
        target.sendall(data)
    except OSError:
        data = b""
    if not data:
        for each in (source, target):
            with suppress(KeyError, ValueError):
                selector.unregister(each)
            each.close()
