"""The API as an ASGI application: the key, the body, the use case in a thread, and every error as a problem."""

import json
import logging
import re
from functools import cache, partial
from importlib.metadata import version
from itertools import islice
from typing import Any

from anyio import CapacityLimiter, to_thread
from jsonschema_rs import Draft202012Validator
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from dav_gateway.core.api_key import ApiKey
from dav_gateway.core.errors import GatewayError, NotFound, Refusal
from dav_gateway.service.services import Services
from dav_gateway.web.api.call import Call, Part
from dav_gateway.web.api.document import ROOT, document
from dav_gateway.web.api.operations import OPERATIONS, Operation
from dav_gateway.web.api.problems import Problem
from dav_gateway.web.api.schemas import AFTER, LIMIT, SCHEMAS
from dav_gateway.web.headers import ASGIApplication, Receive, Scope, Send, with_headers

LONGEST_BODY = 64 * 1024
MOST_ERRORS = 10
THREADS = 4
MOST_WAITING = 64

_NUMBER = re.compile("[0-9]{1,9}", re.ASCII)
_log = logging.getLogger(__name__)


class Api:
    """The API of one installation."""

    def __init__(self, services: Services, dav_url: str) -> None:
        """`dav_url` is what a person who got a new app password types into a client."""
        self._services = services
        self._dav_url = dav_url
        self._limiter: CapacityLimiter | None = None
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in OPERATIONS:
            by_path.setdefault(operation.path, {})[operation.method] = operation
        routes = [
            Route(f"{ROOT}{path}", partial(self._serve, found), methods=list(found)) for path, found in by_path.items()
        ]
        self._router = Router(
            [Route(f"{ROOT}/openapi.json", _document, methods=["GET"]), *routes], redirect_slashes=False
        )

    def application(self) -> ASGIApplication:
        """The ASGI application, with the headers of every answer."""
        return with_headers(self._answer)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self  # the router then raises HTTPException where it has no route
        try:
            await self._router(scope, receive, send)
        except HTTPException as error:
            problem = Problem(error.status_code, headers=error.headers)
            await problem.response()(scope, receive, send)
        except ClientDisconnect:
            return

    async def _serve(self, operations: dict[str, Operation], request: Request) -> Response:
        operation = operations["GET" if request.method == "HEAD" else request.method]
        if self._limiter is None:
            self._limiter = CapacityLimiter(THREADS)
        try:
            # The key first: who has none is not told what is wrong with the body.
            key = await self._in_thread(self._key, request.headers.get("authorization", ""), operation)
            body = await _read(request) if operation.takes else {}
            part = _part(request) if operation.in_parts else Part()
            call = Call(self._services, self._dav_url, key, request.path_params, body, part)
            return JSONResponse(await self._in_thread(_run, operation, call), operation.status)
        except Problem as problem:
            return problem.response()

    async def _in_thread(self, work: Any, *arguments: Any) -> Any:
        assert self._limiter is not None, "made with the first request"
        if self._limiter.statistics().tasks_waiting >= MOST_WAITING:
            raise Problem(503, "too many requests at once", headers={"retry-after": "2"})
        return await to_thread.run_sync(_guarded, work, *arguments, limiter=self._limiter)

    def _key(self, header: str, operation: Operation) -> ApiKey:
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Problem(401, "this needs an API key", headers={"www-authenticate": 'Bearer realm="dav-gateway"'})
        key = self._services.api_keys.verify(text.strip())
        if key is None:
            challenge = 'Bearer realm="dav-gateway", error="invalid_token"'
            raise Problem(401, "this API key is not valid", headers={"www-authenticate": challenge})
        if not key.may(operation.scope):
            challenge = f'Bearer realm="dav-gateway", error="insufficient_scope", scope="{operation.scope.value}"'
            raise Problem(403, f"this needs the scope {operation.scope.value}", headers={"www-authenticate": challenge})
        return key


def _run(operation: Operation, call: Call) -> dict[str, Any]:
    if operation.takes is not None:
        _check(operation.takes, call.body)
    return operation.run(call)


def _guarded(work: Any, *arguments: Any) -> Any:
    """What a use case raises, as a problem."""
    try:
        return work(*arguments)
    except NotFound as error:
        raise Problem(404, str(error)) from error
    except Refusal as error:
        raise Problem(409, str(error)) from error
    except GatewayError as error:
        _log.warning("a request of the API could not be served: %s", error)
        raise Problem(503, "busy; send it again", headers={"retry-after": "2"}) from error
    except Problem:
        raise
    except Exception as error:
        _log.exception("a request of the API failed")
        raise Problem(500) from error


def _check(name: str, body: object) -> None:
    found = list(islice(_validator(name).iter_errors(body), MOST_ERRORS))
    if found:
        errors = [
            {"pointer": "#" + "".join(f"/{step}" for step in each.instance_path), "detail": each.message[:200]}
            for each in found
        ]
        raise Problem(422, "the body is not as the schema says", errors=errors)


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name])


def _part(request: Request) -> Part:
    """Which part of the list the query asks for. Raises Problem for one that is not as the document says."""
    given = request.query_params
    limit, after = given.get("limit", str(LIMIT["default"])), given.get("after")
    errors = [
        {"pointer": f"#/{name}", "detail": "given more than once"} for name in given if len(given.getlist(name)) > 1
    ]
    if not _NUMBER.fullmatch(limit) or not LIMIT["minimum"] <= int(limit) <= LIMIT["maximum"]:
        errors.append({"pointer": "#/limit", "detail": f"a number from {LIMIT['minimum']} to {LIMIT['maximum']}"})
    if after is not None and not Draft202012Validator(AFTER).is_valid(after):
        errors.append({"pointer": "#/after", "detail": "`next` of the part before"})
    if errors:
        raise Problem(422, "the query is not as the document says", errors=errors)
    return Part(int(limit), after or "")


async def _read(request: Request) -> Any:
    """The JSON of a body. Raises Problem for what is none, or too long."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > LONGEST_BODY:
        raise Problem(413, headers={"connection": "close"})
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "send application/json", headers={"connection": "close"})
    octets = bytearray()
    async for piece in request.stream():
        octets += piece
        if len(octets) > LONGEST_BODY:
            raise Problem(413, headers={"connection": "close"})
    try:
        found = json.loads(octets, parse_constant=_no_number)
        # A lone surrogate is JSON and no text.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Problem(400, "the body is not JSON") from None
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


async def _document(_request: Request) -> Response:
    return JSONResponse(document(version("dav-gateway")), headers={"cache-control": "no-cache"})
