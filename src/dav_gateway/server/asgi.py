"""The few shapes of ASGI 3 and WSGI that this room speaks (asgi.readthedocs.io, PEP 3333)."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = Sequence[tuple[bytes, bytes]]
"""Header lines as received: names in lower case, values without surrounding blanks, in the client's order."""

Environ = dict[str, Any]
WSGIApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

EXTENSION = "dav_gateway"
"""Key of the request's `Connection` in `scope["extensions"]`."""


def header(headers: Headers, name: bytes) -> bytes | None:
    """The value of the first header line called `name` (lower case), or None."""
    for key, value in headers:
        if key == name:
            return value
    return None
