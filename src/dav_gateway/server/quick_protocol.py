"""The protocol with the quick lane: a request that may be quick is held back until it is complete, then asked about.

What the lane does not answer, and what is slow to come, is started as uvicorn would have started it.
"""

import time
from collections.abc import Coroutine, Iterator
from functools import partial
from itertools import count
from secrets import token_hex
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from dav_gateway.server.answer import Answer, to_bytes
from dav_gateway.server.asgi import Scope
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.protocol import GatewayProtocol
from dav_gateway.server.quick import Coming, QuickLane
from dav_gateway.server.registry import ConnectionRegistry


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
        """Answer the request that is held back, now that it is complete, or let it go."""
        began = time.perf_counter()
        self._held = None
        answer = self._lane.answer(held.scope, self.connection, bytes(held.cycle.body))
        if isinstance(answer, Coroutine):
            # Among the tasks of requests, which a stop waits for.
            task = self.loop.create_task(self._try_soon(held, answer, began))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
        else:
            self._conclude(held, answer, began)

    async def _try_soon(self, held: _Held, coming: Coming, began: float) -> None:
        self._conclude(held, await coming, began)

    def _conclude(self, held: _Held, answer: Answer | None, began: float) -> None:
        """Send the answer to the request that is next; without one it goes the usual way."""
        if answer is None:
            super()._run(held.cycle, held.app)
            return
        cycle, scope = held.cycle, held.scope
        last = not cycle.keep_alive or self.connection.is_full
        cycle.response_started = cycle.response_complete = True
        self.connection.write(to_bytes(answer, self.server_state.default_headers, last=last))
        self._lane.line.write(scope, scope["path"], status=answer.status, size=len(answer.body), began=began)
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
