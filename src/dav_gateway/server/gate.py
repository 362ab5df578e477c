"""What the server asks of whoever knows credentials, before a request's body is let in."""

from dataclasses import dataclass
from typing import Protocol

from dav_gateway.server.answer import Answer
from dav_gateway.server.asgi import Headers


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request of which only the head is known. `path` is PATH_INFO as text, below the DAV root.

    `address` is the client's, as a trusted proxy says where there is one; empty when it cannot be known.
    `content_length` is None for a chunked body. Headers do not show in the representation.
    """

    method: str
    path: str
    address: str
    request_id: str
    content_length: int | None
    headers: Headers

    def __repr__(self) -> str:
        return f"RequestHead({self.method} {self.request_id})"


class Claim(Protocol):
    """What a request's credentials claim; what else it holds is the application's."""

    @property
    def id(self) -> str:
        """The public id of a credential."""
        ...


class Gate(Protocol):
    """Called for each request in this order, in a worker thread; for the quick lane `claim` in the event loop, so
    it must not wait. What they raise ends the request with 503 (StoreUnavailable, Overloaded) or 500; it never lets it
    in."""

    def claim(self, headers: Headers) -> Claim | None:
        """What the request's credentials claim, by shape alone and without a look-up; None without one.

        A request may be granted nothing but the credential named here: the connection is registered under it, and the
        application is given what was read here (`CLAIM`), so that nobody reads it differently.
        """
        ...

    def admit(self, head: RequestHead) -> Answer | None:
        """None lets the body in; an Answer refuses the request at once.

        Asked only when the body has not arrived together with the head; the WSGI application decides again, finally.
        """
        ...
