"""The DAV room's door: one WSGI call is one request with its credential, from the header to the closed transaction."""

import logging
import sys
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from radicale import config

from dav_gateway.core import basic_auth, secret
from dav_gateway.core.claim import CLAIM, Claim
from dav_gateway.core.credential import Reason
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.secret import AppPassword, Mistyped
from dav_gateway.dav import answers, direct
from dav_gateway.dav.answers import Long, Own, Pieces
from dav_gateway.dav.application import Application
from dav_gateway.dav.encoding import encoded, encoded_pieces
from dav_gateway.dav.options import allow
from dav_gateway.dav.site import PREFIX, Site
from dav_gateway.service.request import DavRequest, EndOfRequest, serving
from dav_gateway.service.services import Services
from dav_gateway.service.verification import Presented
from dav_gateway.store.loop_reader import LoopReader
from dav_gateway.store.sight import Question

log = logging.getLogger("dav_gateway.dav")
StartResponse = Callable[..., Callable[[bytes], object]]
HIDDEN = ("HTTP_AUTHORIZATION", CLAIM, "HTTP_COOKIE", "HTTP_X_SCRIPT_NAME", "HTTP_X_REMOTE_ADDR", "HTTP_X_REMOTE_USER")
"""What Radicale would trust or log, and has no use for: the credential is in the request's context."""


class Gateway:
    """The WSGI application. `environ` comes from our own server, which has bounded and cleaned it."""

    def __init__(self, services: Services, configuration: config.Configuration, site: Site) -> None:
        self._services = services
        self._site = site
        self._application = Application(configuration, site)
        self._reader = services.database.own_reader()
        self._loop_reader = services.database.loop_reader()

    def quick(self, environ: dict[str, Any]) -> Own | None:
        """The answer to a request that takes next to no time, without waiting for anything; None asks for the call.

        For the thread of the event loop, and for no other.
        """
        shown, _ = presented(environ)
        path = _text(environ["PATH_INFO"])
        if self._reader is None or shown is None:
            return None
        request = DavRequest(self._services, shown, href=PREFIX + path, path=path, read=self._reader.read)
        try:
            with serving(request):
                return direct.quick(self._application, request, environ)
        except EndOfRequest:
            return None
        finally:
            _name_credential(environ, request)

    def soon(self, environ: dict[str, Any]) -> Coroutine[Any, Any, Own | None] | None:
        """As `quick`, where a database is waited for: what waits for it, once, while the loop serves others."""
        shown, _ = presented(environ)
        path = _text(environ["PATH_INFO"])
        request = DavRequest(self._services, shown, href=PREFIX + path, path=path)
        question = direct.one_read(request, environ)
        if question is None or self._loop_reader is None:
            return None
        return self._told(request, environ, question, self._loop_reader)

    async def _told(
        self, request: DavRequest, environ: dict[str, Any], question: Question, reader: LoopReader
    ) -> Own | None:
        try:
            rows = await reader.rows(question.statement, question.values)
            with serving(request):
                return direct.told(self._application, request, environ, question.read(rows))
        except (EndOfRequest, StoreUnavailable):
            return None
        finally:
            _name_credential(environ, request)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request; answers every refusal and every trouble of our own, so nothing but an answer leaves here."""
        alias = environ.get("dav_gateway.alias", "")
        asked = _text(environ.get("PATH_INFO", "")) or "/"
        full_path = (alias.rstrip("/") or ("" if alias else PREFIX)) + asked
        path = _below_prefix(asked, alias)
        shown, malformed = presented(environ)
        request = DavRequest(self._services, shown, href=full_path, path=path or "/")
        try:
            with serving(request):
                if malformed is not None:
                    raise EndOfRequest(Reason.MALFORMED, malformed)
                if request.presented is None and environ["REQUEST_METHOD"] != "OPTIONS":
                    raise EndOfRequest(Reason.NO_CREDENTIALS)
                if path is None:
                    return _started(answers.nothing(), start_response)
                short = direct.answer(self._application, request, environ) if not alias else None
                if short is not None:
                    return _sent(environ, short, start_response)
                asked_for = _for_radicale(environ, path)
                if not self._application.takes(asked_for["REQUEST_METHOD"]):
                    told = answers.not_allowed(allow(request.resource), "There is no such method here.")
                    return _started(told, start_response)
                return self._application(asked_for, start_response)
        except answers.Instead as instead:
            return _started(instead.answer, partial(start_response, exc_info=sys.exc_info()))
        except EndOfRequest as end:
            if end.reason in (Reason.STORE, Reason.OVERLOADED):
                log.warning("answered 503: %s", end.detail)
            refused = answers.refused(end.reason, path=full_path, realm=self._site.realm, retry_after=end.retry_after)
            # A long answer may have been begun; nothing of it has left (PEP 3333, `exc_info`).
            return _started(refused, partial(start_response, exc_info=sys.exc_info()))
        finally:
            _name_credential(environ, request)


def _name_credential(environ: dict[str, Any], request: DavRequest) -> None:
    """For the server's log."""
    if request.grant is not None:
        environ["dav_gateway.credential_id"] = request.grant.credential.id


def presented(environ: dict[str, Any]) -> tuple[Presented | None, str | None]:
    """What the client showed of itself, None when that is nothing that can be verified; and what is wrong with it.

    The server hands over what it has taken apart already (`CLAIM`), which no header can put there.
    """
    claim: Claim | None = environ.get(CLAIM)
    login: str
    password: AppPassword | Mistyped
    if claim is not None:
        login, password = claim.login, claim.password
    else:
        credentials = basic_auth.parse(environ.get("HTTP_AUTHORIZATION"))
        if not isinstance(credentials, basic_auth.Parsed):
            return None, credentials.detail if isinstance(credentials, basic_auth.Malformed) else None
        login, password = credentials.login, secret.parse(credentials.password)
    shown = Presented(
        login=login,
        password=password,
        address=environ.get("REMOTE_ADDR", ""),
        user_agent=environ.get("HTTP_USER_AGENT", ""),
        request_id=environ.get("dav_gateway.request_id") or uuid4().hex[:12],
    )
    return shown, None


def _text(path: str) -> str:
    """A path as WSGI carries it (octets in Latin-1, PEP 3333) as text; our server has refused what is not UTF-8."""
    return path.encode("latin-1").decode(errors="replace")


def _below_prefix(path: str, alias: str) -> str | None:
    """The path that Radicale is to see; None for an address that is not ours."""
    # Radicale's own pages and interfaces live under names that begin with a dot; an alias is the root and no more.
    return None if path.startswith("/.") or (alias and path != "/") else path


def _for_radicale(environ: dict[str, Any], path: str) -> dict[str, Any]:
    kept = {
        key: value for key, value in environ.items() if key not in HIDDEN and not key.startswith("HTTP_X_FORWARDED")
    }
    # Radicale takes methods in any case: what it dispatches on must be what permission is asked for.
    method = environ["REQUEST_METHOD"].upper()
    # It refuses line feeds, and what joins letters and emojis; which resource is meant is told by the request, never by
    # its path.
    shown = path if path.isprintable() else "".join(each if each.isprintable() else " " for each in path)
    # It reads `?view=freebusy` as another resource, so it sees no query.
    return {**kept, "REQUEST_METHOD": method, "SCRIPT_NAME": PREFIX, "PATH_INFO": shown, "QUERY_STRING": ""}


def _sent(environ: dict[str, Any], response: Long, start_response: StartResponse) -> Iterable[bytes]:
    """Hand an answer over; its pieces, if it is in pieces, while the transaction lasts that they are read in."""
    status, headers, body, logged = response
    if not isinstance(body, Pieces):
        sent = _started(encoded(environ, (status, headers, body, logged)), start_response)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else sent
    said, pieces = encoded_pieces(environ, dict(headers), body)
    if environ["REQUEST_METHOD"] == "HEAD":
        return _started((status, {**said, "Content-Length": str(sum(map(len, pieces)))}, None, None), start_response)
    write = start_response(f"{int(status)} {HTTPStatus(status).phrase}", [*said.items()])
    for piece in pieces:
        write(piece)
    return []


def _started(response: Own, start_response: StartResponse) -> Iterable[bytes]:
    status, headers, body, _ = response
    body = body or b""
    told = {"Content-Length": str(len(body)), **headers}
    start_response(f"{int(status)} {HTTPStatus(status).phrase}", [*told.items()])
    return [body]
