"""The quick lane: requests that are answered in the event loop, in the turn that read them, or when a database that the
loop itself has asked has answered; and complete requests that go to a thread by one hop.

A poll takes a fraction of a millisecond; handing it to a thread and back costs as much again, and threads that compute
take the interpreter from each other. What is not certainly short, and what writes, goes to a thread of the bridge;
request and answer are complete, so the messages of ASGI are left out, which are a tenth of a DELETE.
The order is the bridge's: the connection is attached under the id that the request claims, then the application reads.
"""

import io
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal

import structlog

from dav_gateway.core.claim import CLAIM
from dav_gateway.server.answer import Answer
from dav_gateway.server.asgi import Environ, Scope, header
from dav_gateway.server.connection import Connection
from dav_gateway.server.environ import build_environ
from dav_gateway.server.front import DAV_ROOT
from dav_gateway.server.gate import Gate
from dav_gateway.server.peers import TrustedProxies
from dav_gateway.server.registry import ConnectionRegistry
from dav_gateway.server.request_log import RequestLine

_logger = structlog.get_logger("dav_gateway.quick")

READING = frozenset(["PROPFIND", "REPORT", "GET"])
METHODS = READING | {"PUT", "DELETE"}
LONGEST_BODY = 16 * 1024
LONGEST_ANSWER = 256 * 1024
"""Octets that wait in the transport of a client that does not read, once for a connection."""

Coming = Coroutine[Any, Any, Answer | None]
Ask = Callable[[Environ], "Answer | Coming | None"]
"""The application's answer if it is quick, None when the request has to go the usual way. It must not wait, except in a
coroutine for what lets the loop go on meanwhile."""

Call = Callable[[Scope, bytes], Awaitable[Answer | None]]
"""The application's answer in any case (`WsgiBridge.answer`), None when nobody is there to be answered."""


class QuickLane:
    """One for a server; every method belongs to the event loop's thread."""

    def __init__(
        self,
        ask: Ask | None,
        call: Call,
        gate: Gate,
        *,
        registry: ConnectionRegistry,
        proxies: TrustedProxies | None = None,
        scheme: Literal["http", "https"] | None = None,
    ) -> None:
        """Without `ask` nothing is quick. `scheme` is that of the public address, where a proxy
        ends TLS."""
        self._ask = ask
        self._call = call
        self._gate = gate
        self._registry = registry
        self._proxies = proxies if proxies is not None else TrustedProxies()
        self._scheme = scheme
        self.line = RequestLine()

    def takes(self, scope: Scope) -> bool:
        """Whether a request with this head may take the lane. Its body may still be on its way."""
        if scope["method"] not in METHODS or not scope["path"].startswith(f"{DAV_ROOT}/"):
            return False
        length = header(scope["headers"], b"content-length")
        if length is None:
            return header(scope["headers"], b"transfer-encoding") is None
        return int(length) <= LONGEST_BODY

    def answer(self, scope: Scope, connection: Connection, body: bytes) -> Answer | Coming | None:
        """The answer to a complete request, or what it comes of; None leaves it, as it was, to `call`."""
        if self._ask is None or scope["method"] not in READING:
            return None
        try:
            claim = self._gate.claim(scope["headers"])
            if claim is None or not self._registry.attach(claim.id, connection):
                return None
            environ = build_environ(
                _below_root(scope),
                address=self._proxies.address(scope),
                scheme=self._scheme or scope["scheme"],
                body=io.BytesIO(body),
                length=len(body),
            )
            environ[CLAIM] = claim
            answer = self._ask(environ)
            if isinstance(answer, Coroutine):
                return self._awaited(answer, scope, environ)
        except Exception:
            _logger.exception("not quick", id=scope["state"]["request_id"])
            return None
        return self._fitting(answer, scope, environ)

    async def _awaited(self, coming: Coming, scope: Scope, environ: Environ) -> Answer | None:
        try:
            answer = await coming
        except Exception:
            _logger.exception("not quick", id=scope["state"]["request_id"])
            return None
        return self._fitting(answer, scope, environ)

    def _fitting(self, answer: Answer | None, scope: Scope, environ: Environ) -> Answer | None:
        if answer is None or len(answer.body) > LONGEST_ANSWER:
            return None
        scope["state"]["credential_id"] = environ.get("dav_gateway.credential_id")
        return answer

    async def call(self, scope: Scope, body: bytes) -> Answer | None:
        """The answer to a complete request; None when its connection is gone."""
        return await self._call(_below_root(scope), body)


def _below_root(scope: Scope) -> Scope:
    return {**scope, "path": scope["path"][len(DAV_ROOT) :], "root_path": DAV_ROOT}
