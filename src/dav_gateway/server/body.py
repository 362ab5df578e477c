"""Reading a request's body within limits of size and time, into memory first and a temporary file beyond that."""

import asyncio
from tempfile import SpooledTemporaryFile

from dav_gateway.server.answer import Answer
from dav_gateway.server.asgi import Message, Receive
from dav_gateway.server.limits import ServerLimits


class BodyRefused(Exception):
    """The body is too long or too slow; `answer` says which."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class ClientGone(Exception):
    """The client left before its body was complete. Nobody is there to be answered."""


def too_long(limits: ServerLimits) -> Answer:
    """413 with the limit in it, so that a person can tell what would fit."""
    return Answer.plain(413, f"The body is longer than {limits.body_bytes} bytes.")


class LimitedReceive:
    """An ASGI `receive` that raises BodyRefused when the body outgrows or outwaits the limits.

    The clock starts with the first call: before that a client may rightly be waiting for `100 Continue`.
    """

    def __init__(self, receive: Receive, limits: ServerLimits) -> None:
        self._receive = receive
        self._limits = limits
        self._size = 0
        self._complete = False
        self._loop = asyncio.get_running_loop()
        self._start: float | None = None

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        now = self._loop.time()
        if self._start is None:
            self._start = now
        limits = self._limits
        left = limits.body_seconds - (now - self._start)
        try:
            async with asyncio.timeout(min(left, limits.body_pause_seconds)):
                message = await self._receive()
        except TimeoutError:
            raise BodyRefused(Answer.plain(408, "The body did not arrive in time.")) from None
        if message["type"] != "http.request":
            return message
        self._size += len(message["body"])
        self._complete = not message["more_body"]
        if self._size > limits.body_bytes:
            raise BodyRefused(too_long(limits))
        elapsed = self._loop.time() - self._start
        if (
            not self._complete
            and elapsed >= limits.body_pause_seconds
            and self._size < elapsed * limits.body_bytes_per_second
        ):
            raise BodyRefused(Answer.plain(408, "The body arrives too slowly."))
        return message


async def spool(receive: Receive, limits: ServerLimits) -> SpooledTemporaryFile[bytes]:
    """The complete body, rewound. The caller closes it. Raises BodyRefused or ClientGone, and then keeps nothing.

    The file is written in the event loop, into the page cache, as nginx does: a hop for each piece would cost more.
    """
    limited = LimitedReceive(receive, limits)
    body = SpooledTemporaryFile(max_size=limits.spool_bytes)  # noqa: SIM115 - it outlives this function
    try:
        while True:
            message = await limited()
            if message["type"] != "http.request":
                raise ClientGone
            body.write(message["body"])
            if not message["more_body"]:
                body.seek(0)
                return body
    except BaseException:
        body.close()
        raise
