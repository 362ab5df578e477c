"""`DELETE /ocs/v2.php/core/apppassword`: a device that is signed out revokes the password that it presents.

The answers are Nextcloud's (`AppPasswordController.php`, `OCSMiddleware.php`, `V2Response.php`): an envelope in XML, or
in JSON when `format=json` or the Accept header asks for it; 997 for "not signed in".
"""

from http import HTTPStatus
from xml.etree import ElementTree as ET

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dav_gateway.core import secret
from dav_gateway.core.basic_auth import Parsed, parse
from dav_gateway.core.credential import Reason
from dav_gateway.core.errors import GatewayError
from dav_gateway.service.services import Services
from dav_gateway.service.verification import Presented, Refused
from dav_gateway.web.addresses import AddressOf, peer_address, request_id

PATH = "/ocs/v2.php/core/apppassword"
UNAUTHORISED = 997
_STATUSES = {
    Reason.ADDRESS: HTTPStatus.FORBIDDEN,
    Reason.CLIENT: HTTPStatus.FORBIDDEN,
    Reason.THROTTLED: HTTPStatus.TOO_MANY_REQUESTS,
    Reason.OVERLOADED: HTTPStatus.SERVICE_UNAVAILABLE,
    Reason.STORE: HTTPStatus.SERVICE_UNAVAILABLE,
}
_RETRY_SOON = 2
WHY = "the device signed out"


def routes(services: Services, *, realm: str, address_of: AddressOf = peer_address) -> list[Route]:
    """The one route. `realm` is that of the DAV part."""

    def revoke(presented: Presented) -> Refused | None:
        """None when it is revoked, cut and committed. Raises GatewayError when that is not certain."""
        with services.database.read() as connection:
            verdict = services.verification.verify(connection, presented)
        if isinstance(verdict, Refused):
            return verdict
        grant = verdict.grant
        services.revocation.revoke([grant.credential.id], by=grant.account.name, why=WHY)
        return None

    async def delete(request: Request) -> Response:
        given = parse(request.headers.get("authorization"))
        if not isinstance(given, Parsed):
            return _unauthorised(request, realm)
        agent = request.headers.get("user-agent", "")
        presented = Presented(
            given.login, secret.parse(given.password), address_of(request), agent, request_id(request)
        )
        try:
            refused = await run_in_threadpool(revoke, presented)
        except GatewayError as error:
            refused = Refused(Reason.STORE, None, str(error), _RETRY_SOON)
        if refused is None:
            return _envelope(request, HTTPStatus.OK, 200, "OK")
        status = _STATUSES.get(refused.reason, HTTPStatus.UNAUTHORIZED)
        if status is HTTPStatus.UNAUTHORIZED:
            return _unauthorised(request, realm)
        answer = _envelope(request, status, status, status.phrase)
        if refused.retry_after:
            answer.headers["Retry-After"] = str(refused.retry_after)
        return answer

    return [Route(PATH, delete, methods=["DELETE"])]


def _unauthorised(request: Request, realm: str) -> Response:
    answer = _envelope(request, HTTPStatus.UNAUTHORIZED, UNAUTHORISED, "Current user is not logged in")
    answer.headers["WWW-Authenticate"] = f'Basic realm="{realm}", charset="UTF-8"'
    return answer


def _envelope(request: Request, status: int, code: int, message: str) -> Response:
    meta: dict[str, object] = {
        "status": "ok" if status == HTTPStatus.OK else "failure",
        "statuscode": int(code),
        "message": message,
    }
    headers = {"Cache-Control": "no-store"}
    if _wants_json(request):
        return JSONResponse({"ocs": {"meta": meta, "data": []}}, status, headers)
    root = ET.Element("ocs")
    node = ET.SubElement(root, "meta")
    for name, value in meta.items():
        ET.SubElement(node, name).text = str(value)
    ET.SubElement(root, "data")
    content = ET.tostring(root, encoding="unicode", xml_declaration=False)
    return Response(f'<?xml version="1.0"?>\n{content}\n', status, headers, "application/xml; charset=utf-8")


def _wants_json(request: Request) -> bool:
    asked = request.query_params.get("format")
    if asked is not None:
        return asked == "json"
    first = request.headers.get("accept", "").split(",")[0].split(";")[0].strip().lower()
    return first == "application/json"
