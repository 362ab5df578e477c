"""The protocol with the quick lane: a request that may take it is held back until it is complete, then asked about.

What does not take the lane, and what is slow to come, is started as uvicorn would have started it.
"""

import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from secrets import token_hex
from typing import Any, NamedTuple

import structlog
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from dav_gateway.server.answer import SLICE, Answer, deliver, to_bytes
from dav_gateway.server.asgi import Message, Scope
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.protocol import GatewayProtocol
from dav_gateway.server.quick import Coming, QuickLane
from dav_gateway.server.registry import ConnectionRegistry

_logger = structlog.get_logger("dav_gateway.quick")


class _Held(NamedTuple):
    """A request whose task is not started."""

    cycle: RequestResponseCycle
    app: Any
    scope: Scope


class QuickProtocol(GatewayProtocol):
    """One connection's protocol, with the lane of its server."""

    def __init__(
        self,
        *arguments: Any,
        registry: ConnectionRegistry,
        limits: ServerLimits,
        request_ids: Iterator[str],
        lane: QuickLane,
        **more: Any,
    ) -> None:
        super().__init__(*arguments, registry=registry, limits=limits, request_ids=request_ids, **more)
        self._lane = lane
        self._reading_head = False
        self._held: _Held | None = None

    def check(self, now: float) -> None:
        """As its base; the bridge has the patience, and the limits, for a body that is slow to come."""
        if not self.connection.closing:
            self._let_go()
        super().check(now)

    def on_headers_complete(self) -> None:
        self._reading_head = True
        try:
            super().on_headers_complete()
        finally:
            self._reading_head = False
        if self._held is not None and (self.expect_100_continue or not self._lane.takes(self._scope)):
            self._let_go()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._held is not None:
            self._try_quickly(self._held)

    def _run(self, cycle: RequestResponseCycle, app: Any) -> None:
        # A request that waited behind another is started at once, and so is one whose client does not read.
        if self._reading_head and not self.flow.write_paused:
            self._held = _Held(cycle, app, self._scope)
        else:
            super()._run(cycle, app)

    def _let_go(self) -> None:
        """The request that is held back goes the usual way after all."""
        if self._held is not None:
            held, self._held = self._held, None
            super()._run(held.cycle, held.app)

    def _try_quickly(self, held: _Held) -> None:
        """Answer the request that is held back, now that it is complete, in this turn or from a thread."""
        began = time.perf_counter()
        self._held = None
        body = bytes(held.cycle.body)
        answer = self._lane.answer(held.scope, self.connection, body)
        if isinstance(answer, Answer):
            self._write(held.cycle, answer)
            self._note(held.scope, answer.status, len(answer.body), began)
        else:
            # Among the tasks of requests, which a stop waits for.
            task = self.loop.create_task(self._answer_soon(held, body, answer, began))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)

    async def _answer_soon(self, held: _Held, body: bytes, coming: Coming | None, began: float) -> None:
        """Answer a complete request with what is coming, or else with the application's answer."""
        status = size = 0

        async def send(message: Message) -> None:
            nonlocal size
            size += len(message.get("body", b""))
            await held.cycle.send(message)  # type: ignore[arg-type]

        try:
            answer = None if coming is None else await coming
            is_whole = answer is not None
            answer = answer or await self._lane.call(held.scope, body)
            if answer is None:
                return
            status = answer.status
            if is_whole or (isinstance(answer.body, bytes) and len(answer.body) <= SLICE):
                size = len(answer.body)
                self._write(held.cycle, answer)
            else:
                await deliver(answer, held.scope, send)
        except Exception:
            _logger.exception("not answered", id=held.scope["state"]["request_id"])
            self.connection.reset()
        finally:
            self._note(held.scope, status, size, began)

    def _note(self, scope: Scope, status: int, size: int, began: float) -> None:
        self._lane.line.write(scope, scope["path"], status=status, size=size, began=began)

    def _write(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        """The whole answer, in one piece."""
        last = answer.last or not cycle.keep_alive or self.connection.is_full
        cycle.response_started = cycle.response_complete = True
        self.connection.write(to_bytes(answer, self.server_state.default_headers, last=last))
        if last:
            self.connection.close()
        self.on_response_complete()

    @property
    def _scope(self) -> Scope:
        return self.scope  # type: ignore[return-value]


def protocol_class(registry: ConnectionRegistry, limits: ServerLimits, lane: QuickLane | None = None) -> Any:
    """What uvicorn calls to make a protocol for each connection."""
    run = token_hex(3)
    request_ids = (f"{run}-{number:x}" for number in count(1))
    if lane is None:
        return partial(GatewayProtocol, registry=registry, limits=limits, request_ids=request_ids)
    return partial(QuickProtocol, registry=registry, limits=limits, request_ids=request_ids, lane=lane)
