"""A whole answer as a value, and its two ways onto the wire: as ASGI messages, or as octets when no request exists."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from dav_gateway.server.asgi import EXTENSION, Scope, Send
from dav_gateway.server.head_case import usual
from dav_gateway.server.spooled import SpooledBody

SLICE = 64 * 1024
"""How much of a body is handed to the transport before its buffer is looked at again."""

_FRAMING = (b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"upgrade")
_OURS = (*_FRAMING, b"date")
_NAME = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, header lines (names in lower case) and the whole body. Framing headers are added when it is sent.

    `last`: the connection ends after it."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes | SpooledBody = b""
    last: bool = False

    @classmethod
    def make(cls, status: int, headers: Iterable[tuple[str, str]], body: bytes | SpooledBody) -> "Answer":
        """An answer from text headers. Raises ValueError for a name or value that RFC 9110 section 5 does not allow."""
        lines = tuple([(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers])
        for name, value in lines:
            if not _NAME.fullmatch(name) or _CONTROL.search(value):
                raise ValueError(f"the answer's header {name!r} cannot be sent")
        return cls(status, lines, body)

    @classmethod
    def plain(cls, status: int, sentence: str, headers: Iterable[tuple[str, str]] = ()) -> "Answer":
        """One sentence a person can act on, as text."""
        text = ("content-type", "text/plain; charset=utf-8")
        return cls.make(status, [text, *headers], f"{sentence}\n".encode())

    def close(self) -> None:
        """Give back what the body holds. Called by whoever does not send it after all."""
        if isinstance(self.body, SpooledBody):
            self.body.close()


def to_bytes(answer: Answer, date: Iterable[tuple[bytes, bytes]], *, last: bool = True) -> bytes:
    """The answer as HTTP/1.1 octets; the `last` one announces the end of the connection (RFC 9112 section 9.6)."""
    bodiless = answer.status in _BODILESS
    lines = [
        _status_line(answer.status),
        *[usual(name) + b": " + value for name, value in (*date, *answer.headers) if name not in _FRAMING],
    ]
    if not bodiless:
        lines.append(b"Content-Length: %d" % len(answer.body))
    if last:
        lines.append(b"Connection: close")
    assert isinstance(answer.body, bytes), "long answers are delivered in slices"
    return b"\r\n".join([*lines, b"", b"" if bodiless else answer.body])


@lru_cache(maxsize=64)
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode("ascii")


async def deliver(answer: Answer, scope: Scope, send: Send) -> None:
    """Send the answer in slices, waiting whenever the client is slower than we are; never a byte on a gone connection.

    A request whose body has not come completely is the last one of its connection (RFC 9112 section 9.3): the answer
    says so and the rest is thrown away.
    """
    connection = scope["extensions"][EXTENSION]
    body: bytes | SpooledBody = answer.body
    headers = [line for line in answer.headers if line[0] not in _OURS]
    if answer.status in _BODILESS:
        body = b""
    elif scope["method"] == "HEAD":
        headers.append((b"content-length", _announced(answer)))
        body = b""
    else:
        headers.append((b"content-length", b"%d" % len(body)))
    if answer.last or not connection.body_complete or connection.is_full:
        headers.append((b"connection", b"close"))
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        left = len(body)
        for piece in _slices(body):
            if connection.gone:
                await connection.wait_closed()
                return
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
    finally:
        answer.close()


def _slices(body: bytes | SpooledBody) -> Iterable[bytes | memoryview]:
    """The body in parts, at least one."""
    if isinstance(body, SpooledBody):
        return body.slices(SLICE)
    if len(body) <= SLICE:
        return (body,)
    view = memoryview(body)
    return (view[start : start + SLICE] for start in range(0, len(body), SLICE))


def _announced(answer: Answer) -> bytes:
    """The length that GET would have had: the handler's own word if it gave one."""
    for name, value in answer.headers:
        if name == b"content-length" and value.isdigit():
            return value
    return b"%d" % len(answer.body)
