"""From ASGI to the WSGI application that speaks DAV, through a pool of threads, under the rules of the cut.

    head -> attach under the claimed id -> admit -> body (limits, spooled) -> attach, look -> application -> slices

A request whose body came together with its head takes one hop: the application itself refuses it if need be. Nobody
waits for a slow client but the event loop.
"""

import asyncio
import io
from collections.abc import Awaitable
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import IO, Literal

import structlog

from dav_gateway.core.claim import CLAIM
from dav_gateway.core.errors import Asleep, Overloaded, StoreUnavailable
from dav_gateway.server import wsgi
from dav_gateway.server.answer import Answer, deliver
from dav_gateway.server.asgi import EXTENSION, Receive, Scope, Send, WSGIApplication, header
from dav_gateway.server.body import BodyRefused, ClientGone, spool, too_long
from dav_gateway.server.connection import Connection
from dav_gateway.server.environ import build_environ
from dav_gateway.server.gate import Claim, Gate, RequestHead
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.peers import TrustedProxies
from dav_gateway.server.pool import Busy, ThreadPool
from dav_gateway.server.registry import ConnectionRegistry

_logger = structlog.get_logger("dav_gateway.bridge")


class Dropped(Exception):
    """The connection was cut, or the client left: no answer, and no call of the application."""


class WsgiBridge:
    """An ASGI application that runs `application`. `scheme` is that of the public address, where a proxy ends TLS."""

    def __init__(
        self,
        application: WSGIApplication,
        gate: Gate,
        *,
        registry: ConnectionRegistry,
        limits: ServerLimits,
        proxies: TrustedProxies | None = None,
        scheme: Literal["http", "https"] | None = None,
    ) -> None:
        self._application = application
        self._gate = gate
        self._registry = registry
        self._limits = limits
        self._proxies = proxies if proxies is not None else TrustedProxies()
        self._scheme = scheme
        self._pool = ThreadPool(limits.threads, limits.waiting)

    def close(self) -> None:
        """Let the threads end. Called after the server has stopped."""
        self._pool.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._guarded(self._answer(scope, receive), scope)
        if answer is not None:
            await deliver(answer, scope, send)

    async def answer(self, scope: Scope, body: bytes) -> Answer | None:
        """The answer to a request that has come completely; None when its connection is gone, and closed by now."""
        return await self._guarded(self._complete(scope, body), scope)

    async def _guarded(self, answering: Awaitable[Answer], scope: Scope) -> Answer | None:
        connection: Connection = scope["extensions"][EXTENSION]
        try:
            answer = await answering
        except (ClientGone, Dropped):
            answer = None
        except BodyRefused as refused:
            answer = refused.answer
        except Busy:
            answer = self._unavailable("The server is busy.")
        except asyncio.CancelledError:
            # The server has stopped, and this request took longer than it waits. Its connection is reset.
            _logger.warning("abandoned", id=scope["state"]["request_id"])
            answer = None
        if answer is None or connection.gone:
            # What the thread made is thrown away. uvicorn wants to see the end of the connection first.
            if answer is not None:
                answer.close()
            await connection.wait_closed()
            return None
        return answer

    async def _complete(self, scope: Scope, body: bytes) -> Answer:
        if len(body) > self._limits.body_bytes:
            return too_long(self._limits)
        claim = self._gate.claim(scope["headers"])
        return await self._pool.run(_whose(claim), self._serve, scope, claim, io.BytesIO(body), len(body))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        connection: Connection = scope["extensions"][EXTENSION]
        if connection.body_complete:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone
            return await self._complete(scope, message["body"])
        announced = header(scope["headers"], b"content-length")
        length = None if announced is None else int(announced)
        if length is not None and length > self._limits.body_bytes:
            return too_long(self._limits)
        claim = self._gate.claim(scope["headers"])
        refusal = await self._pool.run(_whose(claim), self._admit, scope, claim, length)
        if refusal is not None:
            return refusal
        body = await spool(receive, self._limits)
        try:
            return await self._pool.run(_whose(claim), self._serve, scope, claim, body, _size(body))
        finally:
            body.close()

    # In a worker thread

    def _admit(self, scope: Scope, claim: Claim | None, length: int | None) -> Answer | None:
        try:
            self._attach(scope, claim)
            head = RequestHead(
                method=scope["method"],
                path=scope["path"],
                address=self._proxies.address(scope),
                request_id=scope["state"]["request_id"],
                content_length=length,
                headers=scope["headers"],
            )
            return self._gate.admit(head)
        except Dropped:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever escapes the gate lets nobody in
            return self._failed(error, scope)

    def _serve(self, scope: Scope, claim: Claim | None, body: IO[bytes], length: int) -> Answer:
        try:
            self._attach(scope, claim)
            scheme = self._scheme or scope["scheme"]
            environ = build_environ(
                scope, address=self._proxies.address(scope), scheme=scheme, body=body, length=length
            )
            environ[CLAIM] = claim
            try:
                return wsgi.call(self._application, environ)
            finally:
                scope["state"]["credential_id"] = environ.get("dav_gateway.credential_id")
        except Dropped:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever escapes the application ends this request only
            return self._failed(error, scope)

    def _attach(self, scope: Scope, claim: Claim | None) -> None:
        """Register the connection under the id that the request claims. Raises Dropped on a gone connection."""
        connection: Connection = scope["extensions"][EXTENSION]
        if claim is not None and not self._registry.attach(claim.id, connection):
            raise Dropped
        if connection.gone:
            raise Dropped

    def _failed(self, error: BaseException, scope: Scope) -> Answer:
        """The answer to an error of ours: 503 for what passes, 500 otherwise, never 401 (it deletes passwords)."""
        if isinstance(error, StoreUnavailable | Overloaded):
            _logger.warning("unavailable", id=scope["state"]["request_id"], error=str(error))
            return self._unavailable("The server cannot answer at the moment.", last=isinstance(error, Asleep))
        _logger.error("failed", id=scope["state"]["request_id"], exc_info=error)
        return Answer.plain(500, "The server failed to answer this request.")

    def _unavailable(self, sentence: str, *, last: bool = False) -> Answer:
        answer = Answer.plain(503, sentence, [("retry-after", str(self._limits.retry_after_seconds))])
        return replace(answer, last=last)


def _whose(claim: Claim | None) -> str:
    return "" if claim is None else claim.id


def _size(body: "SpooledTemporaryFile[bytes]") -> int:
    length = body.seek(0, io.SEEK_END) or body.tell()
    body.seek(0)
    return length
