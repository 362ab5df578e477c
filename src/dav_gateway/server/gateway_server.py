"""uvicorn's server as ours: what is accepted gets its protocol, and the way to stop.

The stop: no more connections, idle ones closed, running requests finished within a limit, the rest reset.
"""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import structlog
import uvicorn

from dav_gateway.server.acceptor import Acceptor
from dav_gateway.server.asgi import ASGIApplication
from dav_gateway.server.listen import CannotListen, load_certificate, tls_context
from dav_gateway.server.protocol import GatewayProtocol
from dav_gateway.server.quick import QuickLane
from dav_gateway.server.quick_protocol import protocol_class
from dav_gateway.server.registry import ConnectionRegistry
from dav_gateway.server.seat import Seat
from dav_gateway.server.settings import ServerSettings

_logger = structlog.get_logger("dav_gateway.server")

_TICKS_BETWEEN_CHECKS = 3
_LOOK_SECONDS = 0.02
_LOOKS_BETWEEN_CHECKS = 15
_LAST_TURNS_SECONDS = 0.1


class GatewayServer(uvicorn.Server):
    """uvicorn's server with our sockets, our clock and our way to stop.

    `stop()` may be called from any thread; SIGTERM and SIGINT do the same when the server runs in the main thread, a
    second SIGINT does not wait, and SIGHUP reads the certificate again. In the seat of a worker only SIGTERM is heard;
    everything else comes from the supervisor.
    """

    def __init__(
        self,
        app: ASGIApplication,
        settings: ServerSettings,
        registry: ConnectionRegistry,
        on_started: Callable[[int], None] | None = None,
        until: threading.Event | None = None,
        *,
        seat: Seat | None = None,
        lane: QuickLane | None = None,
        asleep: Callable[[], object] = lambda: None,
    ) -> None:
        """`asleep` tells why this process serves nobody now, which is not when it stops."""
        config = uvicorn.Config(
            app,
            http=protocol_class(registry, settings.limits, lane),
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
        self._seat = seat
        self._asleep = asleep
        self._reload = False
        self._retiring = False
        self._opening: set[asyncio.Task[None]] = set()
        self._tls = None
        if settings.certificate is not None and settings.key is not None:
            self._tls = tls_context(settings.certificate, settings.key)

    def stop(self) -> None:
        """Begin the graceful stop; also the end of a retirement's patience."""
        self._retiring = False
        self.should_exit = True

    def stop_now(self) -> None:
        """Reset what runs."""
        self.force_exit = self.should_exit = True

    def retire(self) -> None:
        """Take no more connections and finish what runs, however long the other limits let it take. In the loop."""
        if not self.should_exit:
            self._retiring = self.should_exit = True
            self._acceptor.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        port = sockets[0].getsockname()[1] if sockets else 0
        self._acceptor = Acceptor(sockets or [], self._take, self._seat.share if self._seat is not None else None)
        self._publish()
        self.started = True
        if self._seat is not None:
            self._seat.take(self)
        if self._on_started is not None:
            self._on_started(port)

    def _take(self, client: socket.socket) -> None:
        task = asyncio.get_running_loop().create_task(self._open(client))
        self._opening.add(task)
        task.add_done_callback(self._opened)
        self._publish()

    async def _open(self, client: socket.socket) -> None:
        """Give a new connection its protocol, after the handshake when it speaks TLS."""
        patience = self._settings.limits.header_seconds if self._tls is not None else None
        protocol = self._protocol()
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol, client, ssl=self._tls, ssl_handshake_timeout=patience
            )
        except OSError:  # the handshake failed, or the client has gone
            client.close()
            return
        protocol.connection.when_closed(self._publish)
        if self._retiring:
            protocol.retire()
        elif self.should_exit:
            protocol.shutdown()

    def _opened(self, task: "asyncio.Task[None]") -> None:
        self._opening.discard(task)
        self._publish()

    def _publish(self) -> None:
        """Tell the workers beside this one how many connections it has. One that serves nobody has few, and lets the
        others go first all the same."""
        if self._seat is None or self.should_exit:
            return
        if self._asleep():
            self._seat.share.leave()
        else:
            self._seat.share.put(len(self.server_state.connections) + len(self._opening))

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
        self._publish()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - the acceptor's
        self._acceptor.close()
        await self._finish()
        rest = self._protocols()
        for protocol in rest:
            protocol.connection.reset()
        for protocol in rest:
            await protocol.connection.wait_closed()
        tasks = {*self.server_state.tasks, *self._opening}
        if tasks:
            # Most end by themselves now that their connection is gone; one that is cancelled is logged as a failure.
            _, tasks = await asyncio.wait(tasks, timeout=_LAST_TURNS_SECONDS)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
        _logger.info("stopped", reset=len(rest))

    async def _finish(self) -> None:
        """Wait for what runs: within the limit, or without one while the worker retires."""
        loop = asyncio.get_running_loop()
        deadline: float | None = None
        if self._retiring:
            self._each(GatewayProtocol.retire)
        looks = 0
        while not self.force_exit:
            if not self._retiring and deadline is None:
                deadline = loop.time() + self._settings.limits.stop_seconds
                self._each(GatewayProtocol.shutdown)
            waited_for = self.server_state.connections or (self._retiring and self._opening)
            if not waited_for or (deadline is not None and loop.time() >= deadline):
                return
            looks += 1
            if looks % _LOOKS_BETWEEN_CHECKS == 0:
                await self.on_tick(0)
            await asyncio.sleep(_LOOK_SECONDS)

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
        if self._seat is not None:
            handlers = {signal.SIGTERM: self.handle_exit}
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
