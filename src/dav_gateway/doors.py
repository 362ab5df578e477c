"""Where the server asks the DAV room, and the two do not know each other: the gate, the quick lane, the call.

Each asks first whether this process hears of revocations (`asleep`): after the connection is registered, before a
credential is read.
"""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from dav_gateway.core import claim, errors
from dav_gateway.core.claim import Claim
from dav_gateway.dav.answers import Own
from dav_gateway.dav.gate import Admission
from dav_gateway.dav.wsgi import Gateway
from dav_gateway.server.answer import Answer
from dav_gateway.server.asgi import Environ, Headers, WSGIApplication
from dav_gateway.server.gate import RequestHead

Asleep = Callable[[], str | None]
"""Why this process should answer nobody now; None while it may."""


class Gate:
    """The DAV room's admission as the server asks for it."""

    def __init__(self, admission: Admission, asleep: Asleep) -> None:
        self._admission = admission
        self._asleep = asleep

    def claim(self, headers: Headers) -> Claim | None:
        return claim.of(headers)

    def admit(self, head: RequestHead) -> Answer | None:
        reason = self._asleep()
        if reason is not None:
            raise errors.Asleep(reason)
        refusal = self._admission.admit(
            method=head.method,
            path=head.path,
            address=head.address,
            request_id=head.request_id,
            headers=head.headers,
        )
        return None if refusal is None else _for_server(refusal)


def quickly(dav: Gateway, asleep: Asleep) -> Callable[[Environ], Answer | None]:
    """What the application answers at once; nothing while this process does not hear of revocations."""

    def ask(environ: Environ) -> Answer | None:
        if asleep() is not None:
            return None
        answered = dav.quick(environ)
        return None if answered is None else _for_server(answered)

    return ask


def soon(dav: Gateway, asleep: Asleep) -> Callable[[Environ], Coroutine[Any, Any, Answer | None] | None]:
    """As `quickly`, where a database is waited for."""

    def ask(environ: Environ) -> Coroutine[Any, Any, Answer | None] | None:
        if asleep() is not None:
            return None
        coming = dav.soon(environ)
        return None if coming is None else _when_it_comes(coming)

    return ask


async def _when_it_comes(coming: Coroutine[Any, Any, Own | None]) -> Answer | None:
    answered = await coming
    return None if answered is None else _for_server(answered)


def _for_server(answered: Own) -> Answer:
    status, headers, body, _ = answered
    return Answer.make(int(status), headers.items(), body or b"")


def awake(application: WSGIApplication, asleep: Asleep) -> WSGIApplication:
    """The application, except while this process does not hear of revocations: then it raises core.errors.Asleep."""

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        reason = asleep()
        if reason is not None:
            raise errors.Asleep(reason)
        return application(environ, start_response)

    return answer
