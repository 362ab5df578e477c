"""Start and stop: one event loop that serves a list of listening sockets until it is told to end.

The stop: no more connections, idle ones closed, running requests finished within a limit, the rest reset.
"""

import asyncio
import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import structlog
import uvicorn
import uvloop

from dav_gateway.server.asgi import ASGIApplication
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.listen import CannotListen, bind, load_certificate, tls_context
from dav_gateway.server.protocol import GatewayProtocol, protocol_class
from dav_gateway.server.registry import ConnectionRegistry

_logger = structlog.get_logger("dav_gateway.server")

_TICKS_BETWEEN_CHECKS = 3
_LOOK_SECONDS = 0.02

SWITCH_INTERVAL = 0.001
"""Seconds that a computing thread keeps the interpreter before the event loop gets it. Beside seven computing threads
a cut took 100 to 300 ms with Python's 5 ms, and takes 30 to 100 ms with 1 ms; requests a second are the same.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where to listen and what to allow. TLS is on when both files are given; port 0 takes any free port."""

    host: str = "127.0.0.1"
    port: int = 8765
    certificate: Path | None = None
    key: Path | None = None
    limits: ServerLimits = field(default_factory=ServerLimits)

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("TLS needs both a certificate and a key")


class GatewayServer(uvicorn.Server):
    """uvicorn's server with our sockets, our clock and our way to stop.

    `stop()` may be called from any thread; SIGTERM and SIGINT do the same when the server runs in the main thread, a
    second SIGINT does not wait, and SIGHUP reads the certificate again.
    """

    def __init__(
        self,
        app: ASGIApplication,
        settings: ServerSettings,
        registry: ConnectionRegistry,
        on_started: Callable[[int], None] | None = None,
        until: threading.Event | None = None,
    ) -> None:
        config = uvicorn.Config(
            app,
            http=protocol_class(registry, settings.limits),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            reset_contextvars=True,
        )
        config.load()
        super().__init__(config)
        self._settings = settings
        self._on_started = on_started
        self._until = until
        self._reload = False
        self._tls = None
        if settings.certificate is not None and settings.key is not None:
            self._tls = tls_context(settings.certificate, settings.key)

    def stop(self) -> None:
        """Begin the graceful stop."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        patience = self._settings.limits.header_seconds if self._tls is not None else None
        self.servers = [
            await loop.create_server(self._protocol, sock=sock, ssl=self._tls, ssl_handshake_timeout=patience)
            for sock in sockets or []
        ]
        self.started = True
        if self._on_started is not None:
            self._on_started(sockets[0].getsockname()[1] if sockets else 0)

    def _protocol(self) -> GatewayProtocol:
        made: GatewayProtocol = self.config.http_protocol_class(
            config=self.config, server_state=self.server_state, app_state={}
        )  # type: ignore[call-arg, assignment]
        return made

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_BETWEEN_CHECKS == 0:
            now = asyncio.get_running_loop().time()
            self._each(lambda protocol: protocol.check(now))
        if self._until is not None and self._until.is_set():
            self.stop()
        if self._reload:
            self._reload = False
            self._read_certificate()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        self._each(GatewayProtocol.shutdown)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.limits.stop_seconds
        while self.server_state.connections and loop.time() < deadline and not self.force_exit:
            await asyncio.sleep(_LOOK_SECONDS)
        rest = self._protocols()
        for protocol in rest:
            protocol.connection.reset()
        for protocol in rest:
            await protocol.connection.wait_closed()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
        _logger.info("stopped", reset=len(rest))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, but without raising the signal again: the process has more to close and ends with 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {
            signal.SIGINT: self.handle_exit,
            signal.SIGTERM: self.handle_exit,
            signal.SIGHUP: self._hang_up,
        }
        before = {one: signal.signal(one, handler) for one, handler in handlers.items()}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _hang_up(self, _signal: int, _frame: FrameType | None) -> None:
        self._reload = True

    def _read_certificate(self) -> None:
        if self._tls is None or self._settings.certificate is None or self._settings.key is None:
            return
        try:
            load_certificate(self._tls, self._settings.certificate, self._settings.key)
            _logger.info("certificate read")
        except CannotListen as error:
            _logger.warning("certificate not read", error=str(error))

    def _each(self, act: Callable[[GatewayProtocol], None]) -> None:
        """Act on every connection; one that fails is reset and harms no other."""
        for protocol in self._protocols():
            try:
                act(protocol)
            except Exception:
                _logger.exception("a connection failed")
                protocol.connection.reset()

    def _protocols(self) -> list[GatewayProtocol]:
        return [protocol for protocol in self.server_state.connections if isinstance(protocol, GatewayProtocol)]


def serve_on(
    sockets: Sequence[socket.socket],
    app: ASGIApplication,
    settings: ServerSettings,
    registry: ConnectionRegistry,
    *,
    on_started: Callable[[int], None] | None = None,
    on_stop: Callable[[], None] | None = None,
    until: threading.Event | None = None,
) -> None:
    """Serve `app` on listening sockets until a signal or `until` ends it; they are closed. What one worker runs.

    `on_started(port)` is called in the loop when connections are accepted, `on_stop()` in this thread after the last
    one is gone. Raises CannotListen when the certificate cannot be used.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        server = GatewayServer(app, settings, registry, on_started, until)
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
) -> None:
    """Listen where `settings` say and serve `app` until a signal or `until` ends it. Raises CannotListen."""
    sockets = bind(settings.host, settings.port)
    serve_on(sockets, app, settings, registry, on_started=on_started, on_stop=on_stop, until=until)
