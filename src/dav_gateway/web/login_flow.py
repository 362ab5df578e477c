"""The client's side of Login Flow v2, as Nextcloud answers it (`ClientFlowLoginV2Controller.php`) and DAVx5 reads it:
start and poll, with and without `/index.php`. The person's side, `/login/v2/flow/...`, is a page.

Every address in an answer comes from the configured public address, never from the Host header.
"""

from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dav_gateway.core.errors import Overloaded, StoreUnavailable
from dav_gateway.service.login_flow import LoginFlow, TooManyFlows
from dav_gateway.web.addresses import AddressOf, peer_address, request_id

PREFIXES = ("", "/index.php")
"""DAVx5 posts below the second; nobody rewrites addresses here, so both are served."""

MOST_FORM = 4096
_RETRY_SOON = "2"
_NO_STORE = {"Cache-Control": "no-store"}


def routes(flows: LoginFlow, *, public_url: str, address_of: AddressOf = peer_address) -> list[Route]:
    """POST /login/v2 and POST /login/v2/poll."""

    async def start(request: Request) -> JSONResponse:
        who = {"user_agent": request.headers.get("user-agent", ""), "address": address_of(request)}
        try:
            started = await run_in_threadpool(flows.start, **who, request_id=request_id(request))
        except TooManyFlows as error:
            return _json([], 429, {"Retry-After": str(error.retry_after)})
        except StoreUnavailable:
            return _json([], 503, {"Retry-After": _RETRY_SOON})
        poll = {"token": started.poll.reveal(), "endpoint": f"{public_url}/login/v2/poll"}
        return _json({"poll": poll, "login": f"{public_url}/login/v2/flow/{started.login.reveal()}"})

    async def poll(request: Request) -> JSONResponse:
        text = await _poll_secret(request)
        if text is None:
            return _json([], 404)
        try:
            collected = await run_in_threadpool(
                flows.collect, text, address=address_of(request), request_id=request_id(request)
            )
        except (StoreUnavailable, Overloaded):
            return _json([], 503, {"Retry-After": _RETRY_SOON})
        if collected is None:
            return _json([], 404)
        password = collected.password.reveal()
        return _json({"server": public_url, "loginName": collected.login_name, "appPassword": password})

    return [
        Route(f"{prefix}/login/v2{path}", endpoint, methods=["POST"])
        for prefix in PREFIXES
        for path, endpoint in (("", start), ("/poll", poll))
    ]


async def _poll_secret(request: Request) -> str | None:
    """The poll token of the form, None for a body that is none (DAVx5: `token=...`, urlencoded, nothing else)."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM:
            return None
    try:
        found = [value for name, value in parse_qsl(body.decode("ascii"), max_num_fields=16) if name == "token"]
    except ValueError:
        return None
    return found[0] if len(found) == 1 else None


def _json(content: object, status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(content, status, {**_NO_STORE, **(headers or {})})
