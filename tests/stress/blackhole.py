"""A wire between a node and PostgreSQL that can go dead: nothing passes and nobody is told.

A process of its own: TCP towards the node, PostgreSQL's Unix socket behind. While it is stalled it reads nothing and
accepts nothing, so both kernels go on as if the other side were slow; afterwards everything is delivered late.
"""

import asyncio
import multiprocessing
import signal
import socket
import time
from collections.abc import Coroutine
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
    asyncio.run(_pass_on(listening, behind, stalled))


async def _pass_on(listening: socket.socket, behind: Path, stalled: Event) -> None:
    async def join(near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far, to_far = await asyncio.open_unix_connection(behind)
            await _until_one_ends(_pipe(near, to_far), _pipe(far, to_near))
            to_far.close()
        to_near.close()

    async with await asyncio.start_server(join, sock=listening, backlog=256):
        while True:
            while stalled.is_set():
                time.sleep(_LOOK)
            await asyncio.sleep(_LOOK)


async def _until_one_ends(*ways: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.create_task(way) for way in ways]
    _, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    # One that is not read from waits by itself: a stopped worker must not take the wire from the others of its node.
    with suppress(OSError):
        while data := await source.read(_PIECE):
            target.write(data)
            await target.drain()
