"""HTTP/1.1 as we accept it: uvicorn's httptools protocol, with caps, deadlines and one meaning for each request.

llhttp in its strict mode refuses the request smuggling forms of RFC 9112 section 11.2 that concern framing; `head` adds
what it leaves open. A refusal is plain text and ends the connection; it never overtakes an earlier answer.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from dav_gateway.server.answer import Answer, to_bytes
from dav_gateway.server.asgi import EXTENSION
from dav_gateway.server.connection import Connection
from dav_gateway.server.head import HeadReader
from dav_gateway.server.head_case import ResponseWriter
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.registry import ConnectionRegistry
from dav_gateway.server.request_log import log_refused

_PIECE = 64 * 1024

RETIRE_IDLE_SECONDS = 1.0
"""How long a retiring worker keeps an idle connection: longer than a client pauses within a sync."""


class GatewayProtocol(HttpToolsProtocol):
    """One connection's protocol. `connection` is its transport, also for uvicorn's own code.

    `_newest` is the latest request whose head is complete, `_answered` the latest that was begun to be answered.
    `deadline` is the loop time at which `check` ends what the connection is waiting for; None while a request runs.
    """

    connection: Connection

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        registry: ConnectionRegistry,
        limits: ServerLimits,
        request_ids: Iterator[str],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # uvicorn lets data follow `Connection: close`; nothing of it may be taken for a request.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self._registry = registry
        self._limits = limits
        self._request_ids = request_ids
        self._head = HeadReader(limits)
        self._newest: RequestResponseCycle | None = None
        self._answered: RequestResponseCycle | None = None
        self._last_words: Answer | None = None
        self._heard = False
        self._unheard_bytes = 0
        self._last = False
        self._write_deadline: float | None = None
        self.deadline: float | None = None

    # The connection's life

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.connection = Connection(transport, self.loop, self._limits, self._body_complete)
        super().connection_made(self.connection)
        self.deadline = self.loop.time() + self._limits.header_seconds
        if len(self.connections) > self._limits.connections:
            busy = Answer.plain(503, "Too many connections.", [("retry-after", str(self._limits.retry_after_seconds))])
            self._end_with(busy)

    def connection_lost(self, exc: Exception | None) -> None:
        self._registry.detach(self.connection)
        running = self._running()
        if running is not None:
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more. What it asked completely is still answered (it may have closed one half only)."""
        incomplete = self._head.open or (self._newest is not None and self._newest.more_body)
        self.connection.more_input = False
        if incomplete and not self.connection.closing:
            self._refuse(Answer.plain(400, "The request ended before it was complete."))
        elif self._running() is None:
            self.connection.close()
        else:
            self.cycle.keep_alive = False
        # TLS has no half-closed state: uvloop closes whatever is said here, and linger drops what is left.
        return self.scheme != "https"

    def shutdown(self) -> None:
        """Part of a graceful stop: what runs is finished, what is idle is closed."""
        if self._running() is None:
            self.connection.close()
        else:
            self.cycle.keep_alive = False

    def retire(self) -> None:
        """The worker retires: the next answer is the last, and an idle connection has a moment to ask once more.

        Closing it at once would meet the request that a client in the middle of a sync is just sending.
        """
        self._last = True
        if self._running() is not None:
            self.cycle.keep_alive = False
        elif self._newest is not None and not self._head.open and self.deadline is not None:
            self.deadline = min(self.deadline, self.loop.time() + RETIRE_IDLE_SECONDS)

    def check(self, now: float) -> None:
        """Called now and then by the server: end what has waited too long."""
        if self.connection.closing:
            return
        if self._write_deadline is not None and now >= self._write_deadline:
            self.connection.reset()
        elif self.deadline is not None and now >= self.deadline:
            if self._head.open:
                self._refuse(Answer.plain(408, "The request's header did not arrive in time."))
            else:
                self.connection.close()

    def pause_writing(self) -> None:
        self._write_deadline = self.loop.time() + self._limits.write_seconds
        super().pause_writing()

    def resume_writing(self) -> None:
        self._write_deadline = None
        super().resume_writing()

    # What arrives

    def data_received(self, data: bytes) -> None:
        view = data if len(data) <= _PIECE else memoryview(data)
        for start in range(0, len(data), _PIECE):
            if self.connection.closing or self._last_words is not None:
                return
            self._feed(view[start : start + _PIECE])

    def _feed(self, piece: bytes | memoryview) -> None:
        self._heard = False
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # The upgrade is not taken. What follows it in this piece is lost, so the answer ends the connection.
            self.cycle.keep_alive = False
        except httptools.HttpParserInvalidMethodError:
            self._refuse(Answer.plain(501, "The request's method is unknown."))
        except httptools.HttpParserError:
            self._refuse(self._head.refusal or Answer.plain(400, "The request is not valid HTTP/1.1."))
        if self._heard:
            self._unheard_bytes = 0
            return
        # The parser keeps an unfinished header line or chunk extension to itself: bounded here.
        self._unheard_bytes += len(piece)
        if self._unheard_bytes > self._limits.header_bytes:
            self._refuse(Answer.plain(431, "A header line is too long."))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._heard = True
        self._head.begin(self.headers)
        self.connection.more_input = True
        if self._running() is None and self._newest is not None:
            self.deadline = self.loop.time() + self._limits.header_seconds

    def on_url(self, url: bytes) -> None:
        self._heard = True
        super().on_url(url)
        self._head.target(self.url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._heard = True
        self._head.line(name, value)

    def on_headers_complete(self) -> None:
        self._heard = True
        if len(self.pipeline) >= self._limits.pipelined:
            self._head.refuse(400, "Too many requests are waiting on this connection.")
        path = self._head.complete(self.parser, self.url)
        self.expect_100_continue = self._head.expects_continue
        super().on_headers_complete()
        self._newest = self.cycle
        if self._last:
            self.cycle.keep_alive = False
        self.scope["path"] = path
        self.scope["extensions"] = {EXTENSION: self.connection}  # type: ignore[dict-item]
        self.scope["state"]["request_id"] = next(self._request_ids)

    def on_body(self, body: bytes) -> None:
        self._heard = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._heard = True
        self.connection.more_input = False
        self.cycle.waiting_for_100_continue = False
        super().on_message_complete()

    # What is answered

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        cycle.transport = ResponseWriter(self.connection)  # type: ignore[assignment]
        self.connection.running = True
        self.deadline = None
        self._run(cycle, app)

    def _run(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start the task of a request that is next."""
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self.connection.running = False
        if self.connection.closing:
            return
        if self._answered is not None and self._answered.more_body:
            # Answered before the body was read: the rest must not be read as a request.
            self.connection.close()
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._last_words is not None:
            self._end_with(self._last_words)
        else:
            patience = self._limits.header_seconds if self._head.open else self._limits.idle_seconds
            self.deadline = self.loop.time() + patience

    def _running(self) -> RequestResponseCycle | None:
        """The request being answered."""
        cycle = self._answered
        return None if cycle is None or cycle.response_complete else cycle

    def _body_complete(self) -> bool:
        return self._answered is None or not self._answered.more_body

    def _refuse(self, answer: Answer) -> None:
        """Refuse what is being received, after the answers to what came before it, and end the connection."""
        self._head.open = False
        running = self._running()
        broken = self._newest if self._newest is not None and self._newest.more_body else None
        if broken is not None and broken is running:
            # The body of the request being answered is at fault.
            if running.response_started:
                self.connection.reset()
                return
            running.disconnected = True
            running.message_event.set()
            running = None
        elif broken is not None:
            self.pipeline.popleft()
        if running is None:
            self._end_with(answer)
        else:
            self._last_words = answer

    def _end_with(self, answer: Answer) -> None:
        log_refused(answer, self.client[0] if self.client else "")
        self.deadline = None
        self.connection.write(to_bytes(answer, self.server_state.default_headers))
        self.connection.close()
