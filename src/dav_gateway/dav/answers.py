"""Answers as Radicale's handlers return them, and the one table from a refusal's reason to its status."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from dav_gateway.core.credential import Reason
from dav_gateway.dav import multistatus
from dav_gateway.dav.names import clark, element
from dav_gateway.service.request import EndOfRequest

Response = tuple[int, Mapping[str, str] | Sequence[tuple[str, str]], str | bytes | None, str | None]
"""Status, headers, body, and what Radicale would log of the request: its `WSGIResponse`."""

Own = tuple[int, Mapping[str, str], bytes | None, None]
"""A Response that we made: octets, and nothing for the log."""


class Pieces:
    """A body that is made while it is taken, in the transaction of its request, so that it is never whole in memory."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


Long = tuple[int, Mapping[str, str] | Sequence[tuple[str, str]], str | bytes | Pieces | None, str | None]
"""A Response that may be in pieces."""


class Instead(Exception):
    """Raised while pieces are made: `answer` is given in place of the one that was begun, of which nothing has left."""

    def __init__(self, answer: Own) -> None:
        super().__init__()
        self.answer = answer


RETRY_AFTER = 5
MOST_WHOLE = 64 * 1024 * 1024
"""Octets of an answer that is made in one piece, as the first one to a password in a process is, and those at odd
addresses: asked for again, a longer one is written while it is read."""
TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason is to the client."""

    status: HTTPStatus
    sentence: str


SAME_ANSWER = "Sign in with the user name and an app password."
"""Every failure to authenticate has the same answer, so that nothing can be learnt from it."""

MEANINGS: Mapping[Reason, Meaning] = {
    **dict.fromkeys(
        (
            Reason.NO_CREDENTIALS,
            Reason.MALFORMED,
            Reason.MISTYPED,
            Reason.UNKNOWN,
            Reason.WRONG_SECRET,
            Reason.NOT_OWNER,
            Reason.ACCOUNT_INACTIVE,
            Reason.REVOKED,
            Reason.EXPIRED,
            Reason.PAUSED,
        ),
        Meaning(HTTPStatus.UNAUTHORIZED, SAME_ANSWER),
    ),
    Reason.ADDRESS: Meaning(HTTPStatus.FORBIDDEN, "This app password may not be used from this network."),
    Reason.CLIENT: Meaning(HTTPStatus.FORBIDDEN, "This app password is for another kind of device or program."),
    Reason.SCOPE: Meaning(HTTPStatus.FORBIDDEN, "This app password does not open this."),
    Reason.READ_ONLY: Meaning(HTTPStatus.FORBIDDEN, "This app password may read this and not change it."),
    Reason.DIRECTORY: Meaning(HTTPStatus.FORBIDDEN, "The company directory is read-only."),
    Reason.THROTTLED: Meaning(HTTPStatus.TOO_MANY_REQUESTS, "Too many failed sign-ins; wait a little."),
    Reason.OVERLOADED: Meaning(HTTPStatus.SERVICE_UNAVAILABLE, "The server is busy; try again shortly."),
    Reason.STORE: Meaning(HTTPStatus.SERVICE_UNAVAILABLE, "The server cannot reach its data; try again shortly."),
}


def refused(reason: Reason, *, path: str, realm: str, retry_after: int = 0) -> Own:
    """The answer to a request that ended with `reason`: 401 with the challenge, 429 and 503 with when to retry."""
    meaning = MEANINGS[reason]
    if meaning.status is HTTPStatus.FORBIDDEN:
        return need_privileges(path, "read", meaning.sentence)
    headers = {"Content-Type": TEXT_TYPE}
    if meaning.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = f'Basic realm="{realm}", charset="UTF-8"'
    else:
        headers["Retry-After"] = str(retry_after or RETRY_AFTER)
    return meaning.status, headers, f"{meaning.sentence}\n".encode(), None


def precondition(status: int, condition: str, sentence: str, content: str = "") -> Own:
    """A refusal that names the DAV precondition, such as `C:valid-calendar-data` (RFC 4918 section 16)."""
    return status, {"Content-Type": multistatus.XML_TYPE}, multistatus.error(condition, content, sentence), None


def need_privileges(path: str, privilege: str, sentence: str) -> Own:
    """403 with `D:need-privileges` (RFC 3744 section 7.1.1); Evolution and DAVx5 tell it apart from other refusals."""
    needed = f"<D:href>{quote(path)}</D:href><D:privilege>{element(clark(f'D:{privilege}'))}</D:privilege>"
    return precondition(HTTPStatus.FORBIDDEN, "D:need-privileges", sentence, f"<D:resource>{needed}</D:resource>")


def plain(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Own:
    """A refusal that no precondition element fits."""
    return status, {"Content-Type": TEXT_TYPE, **(headers or {})}, f"{sentence}\n".encode(), None


def nothing() -> Own:
    """404: there is no such resource."""
    return plain(HTTPStatus.NOT_FOUND, "There is nothing at this address.")


def no_collection() -> Own:
    """409 for a member of a collection that does not exist (RFC 4918 section 9.7.1)."""
    return plain(HTTPStatus.CONFLICT, "There is no such calendar or address book; make it first.")


def changed() -> Own:
    """412: what is stored is not what the client has seen last."""
    return plain(HTTPStatus.PRECONDITION_FAILED, "This has changed; fetch it first.")


def not_allowed(allow: str, sentence: str) -> Own:
    """405 with what is allowed (RFC 9110 section 15.5.6)."""
    return plain(HTTPStatus.METHOD_NOT_ALLOWED, sentence, {"Allow": allow})


def many(body: bytes) -> Own:
    """207 with a finished multistatus."""
    return HTTPStatus.MULTI_STATUS, {"Content-Type": multistatus.XML_TYPE}, body, None


def in_pieces(responses: Iterable[str], trailer: str = "") -> Long:
    """207 with a multistatus that may be long."""
    body = Pieces(multistatus.pieces(responses, trailer))
    return HTTPStatus.MULTI_STATUS, {"Content-Type": multistatus.XML_TYPE}, body, None


def empty(status: int, headers: Mapping[str, str] | None = None) -> Own:
    """A status without a body."""
    return status, headers or {}, None, None


def whole(response: Long) -> Response:
    """The answer with its body in one piece. Raises EndOfRequest for one that is longer than MOST_WHOLE."""
    status, headers, body, logged = response
    return status, headers, _joined(body) if isinstance(body, Pieces) else body, logged


def _joined(pieces: Pieces) -> bytes:
    joined = bytearray()
    for piece in pieces:
        joined += piece
        if len(joined) > MOST_WHOLE:
            raise EndOfRequest(Reason.OVERLOADED, "a long answer before the password was proven", retry_after=1)
    return bytes(joined)
