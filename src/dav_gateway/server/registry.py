"""Who is connected under which credential, and the cut: the promise that a dead credential receives no further byte.

The order that makes it hold: a request's connection is attached under the id it claims *before* anything reads whether
that credential is alive; a revocation is committed *before* the cut looks here. So a request that read "alive" is
always found by the cut, and one that is not found will read "dead".
"""

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from typing import NamedTuple

from dav_gateway.core.errors import GatewayError
from dav_gateway.server.connection import Connection


class CutCount(NamedTuple):
    """What a cut ended: connections, and how many of them were answering a request; also by credential id."""

    connections: int
    running: int
    tally: Mapping[str, tuple[int, int]]


class CutUnconfirmed(GatewayError):
    """The event loop did not confirm a cut in time. Nothing more is written, but queued octets may still leave."""


class ConnectionRegistry:
    """Connections by credential id. `attach` and `cut_from_thread` may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_credential: dict[str, set[Connection]] = {}

    def attach(self, credential_id: str, connection: Connection) -> bool:
        """Register the connection under an id, beside those it already has.

        False when the connection was cut or lost before: the request must be dropped without reading anything.
        """
        with self._lock:
            if connection.cut or connection.lost:
                return False
            if credential_id not in connection.credentials:
                connection.credentials.add(credential_id)
                self._by_credential.setdefault(credential_id, set()).add(connection)
            return True

    def detach(self, connection: Connection) -> None:
        """Forget a connection that is lost. Called by its protocol."""
        with self._lock:
            connection.note_lost()
            for credential_id in connection.credentials:
                group = self._by_credential[credential_id]
                group.discard(connection)
                if not group:
                    del self._by_credential[credential_id]

    async def cut(self, credential_ids: Collection[str]) -> CutCount:
        """Reset every connection that any of these credentials used; returns when their sockets are closed.

        To be awaited in the event loop that owns the connections.
        """
        return await self._cut(credential_ids)

    async def cut_all(self) -> CutCount:
        """Reset every connection that any credential used."""
        return await self._cut(None)

    def cut_from_thread(self, credential_ids: Collection[str] | None, timeout: float = 1.0) -> CutCount:
        """`cut` (for None `cut_all`) for every thread but the event loop's own.

        Raises CutUnconfirmed when the loop does not answer within `timeout` seconds, and RuntimeError in the loop's
        thread, which would wait for itself: await `cut` there.
        """
        marked = self._mark(credential_ids)
        if not marked:
            return CutCount(0, 0, {})
        loop = next(iter(marked)).loop
        if _runs_here(loop):
            raise RuntimeError("await ConnectionRegistry.cut() in the event loop's own thread")
        # Callbacks instead of a coroutine: each turn of the loop waits for the interpreter lock when threads compute.
        future: Future[CutCount] = Future()
        try:
            loop.call_soon_threadsafe(_reset, marked, future.set_result)
            return future.result(timeout)
        except TimeoutError:
            raise CutUnconfirmed(
                f"the server did not confirm within {timeout:g} s that it cut the connections"
            ) from None

    def connected(self) -> dict[str, int]:
        """How many connections each credential has now."""
        with self._lock:
            return {credential_id: len(group) for credential_id, group in self._by_credential.items()}

    async def _cut(self, credential_ids: Collection[str] | None) -> CutCount:
        future: asyncio.Future[CutCount] = asyncio.get_running_loop().create_future()
        _reset(self._mark(credential_ids), future.set_result)
        return await asyncio.shield(future)

    def _mark(self, credential_ids: Collection[str] | None) -> set[Connection]:
        """Flag the connections as cut: from here on nothing is written to them, even before the loop resets them."""
        with self._lock:
            wanted = self._by_credential.keys() if credential_ids is None else credential_ids
            found = {connection for one in wanted for connection in self._by_credential.get(one, ())}
            for connection in found:
                connection.cut = True
        return found


def _reset(connections: set[Connection], done: Callable[[CutCount], None]) -> None:
    """Reset the connections and call `done` when the last socket is closed. In the event loop."""
    count = _count(connections)
    if not connections:
        done(count)
    left = len(connections)

    def one_closed() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            done(count)

    for connection in connections:
        connection.reset()
        connection.when_closed(one_closed)


def _count(connections: set[Connection]) -> CutCount:
    tally: dict[str, tuple[int, int]] = {}
    for connection in connections:
        for credential_id in connection.credentials:
            cut, running = tally.get(credential_id, (0, 0))
            tally[credential_id] = (cut + 1, running + connection.running)
    return CutCount(len(connections), sum(connection.running for connection in connections), tally)


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


class Cutter:
    """What a revocation needs of the server, callable from any thread but the event loop's."""

    def __init__(self, registry: ConnectionRegistry, timeout: float = 1.0) -> None:
        self._registry = registry
        self._timeout = timeout

    def cut(self, ids: Collection[str]) -> CutCount:
        """Reset the connections of these credentials and return when that is done (raises CutUnconfirmed)."""
        return self._registry.cut_from_thread(ids, self._timeout)

    def cut_all(self) -> CutCount:
        """Reset the connections of all credentials and return when that is done (raises CutUnconfirmed)."""
        return self._registry.cut_from_thread(None, self._timeout)
