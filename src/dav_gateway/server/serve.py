"""Serving: one event loop over a list of listening sockets until it is told to end."""

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Sequence

import uvloop

from dav_gateway.server.asgi import ASGIApplication
from dav_gateway.server.gateway_server import GatewayServer
from dav_gateway.server.listen import bind
from dav_gateway.server.quick import QuickLane
from dav_gateway.server.registry import ConnectionRegistry
from dav_gateway.server.seat import Seat
from dav_gateway.server.settings import ServerSettings

SWITCH_INTERVAL = 0.001
"""Seconds that a computing thread keeps the interpreter before the event loop gets it. Beside seven computing threads
a cut took 100 to 300 ms with Python's 5 ms, and takes 30 to 100 ms with 1 ms; requests a second are the same.
"""


def serve_on(
    sockets: Sequence[socket.socket],
    app: ASGIApplication,
    settings: ServerSettings,
    registry: ConnectionRegistry,
    *,
    on_started: Callable[[int], None] | None = None,
    on_stop: Callable[[], None] | None = None,
    until: threading.Event | None = None,
    seat: Seat | None = None,
    lane: QuickLane | None = None,
    asleep: Callable[[], object] = lambda: None,
) -> None:
    """Serve `app` on listening sockets until a signal or `until` ends it; they are closed. What one worker runs, with
    its `seat`. What `lane` answers never reaches `app`. While it is `asleep`, other workers take what comes.

    `on_started(port)` is called in the loop when connections are accepted, `on_stop()` in this thread after the last
    one is gone. Raises CannotListen when the certificate cannot be used.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        server = GatewayServer(app, settings, registry, on_started, until, seat=seat, lane=lane, asleep=asleep)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve(list(sockets)))
    finally:
        for sock in sockets:
            sock.close()
        if on_stop is not None:
            on_stop()


def run(
    app: ASGIApplication,
    settings: ServerSettings,
    registry: ConnectionRegistry,
    *,
    on_started: Callable[[int], None] | None = None,
    on_stop: Callable[[], None] | None = None,
    until: threading.Event | None = None,
    lane: QuickLane | None = None,
) -> None:
    """Listen where `settings` say and serve `app` until a signal or `until` ends it. Raises CannotListen."""
    sockets = bind(settings.host, settings.port)
    serve_on(sockets, app, settings, registry, on_started=on_started, on_stop=on_stop, until=until, lane=lane)
