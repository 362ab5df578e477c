"""Redeeming a one-time set-up link: an Apple profile, or the way into DAVx5. POST only: what GET shows at the same
address is a page of its own, and a previewer that fetches it uses nothing up.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dav_gateway.core import deep_link
from dav_gateway.core.apple_profile import CONTENT_TYPE
from dav_gateway.core.errors import NotFound, Overloaded, Refusal, StoreUnavailable
from dav_gateway.core.profile_signature import UnfitSigner
from dav_gateway.core.setup_link import SetupKind
from dav_gateway.service.profiles import Profiles
from dav_gateway.service.setup_links import SetupLinks
from dav_gateway.web.addresses import AddressOf, peer_address, request_id

PREFIX = "/profile"
FILE_NAME = "dav-gateway.mobileconfig"
SECRET_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
"""Of every answer that carries a password."""

_log = logging.getLogger(__name__)

Refused = Callable[[Request, int, str], Awaitable[Response]]
"""Answers a refusal: the request, the status, a sentence in English."""


async def plain_refusal(request: Request, status: int, sentence: str) -> Response:  # noqa: ARG001 - of the protocol
    """The sentence alone; the pages bring an answer of their own."""
    return PlainTextResponse(f"{sentence}\n", status, {"Cache-Control": "no-store"})


def link_url(public_url: str, text: str) -> str:
    """The address that a set-up link is opened at, for a page or a QR code."""
    return f"{public_url}{PREFIX}/{text}"


def routes(
    links: SetupLinks, profiles: Profiles, *, address_of: AddressOf = peer_address, refused: Refused = plain_refusal
) -> list[Route]:
    """POST /profile/{link}. Apple's profile is the answer itself; DAVx5's link is where 303 leads: it names a password,
    so it stands in no page, and the page's CSP must allow `form-action davx5: caldav:`."""

    def redeem(text: str, address: str, request_of: str) -> Response:
        """Raises what SetupLinks.redeem does, and UnfitSigner and OSError before anything is done."""
        link = links.look(text)
        if link is not None and link.kind is SetupKind.DAVX5 and deep_link.davx5(profiles.public_url, "", "") is None:
            raise Refusal("DAVx5 cannot be opened with an address that names a port")
        make = profiles.prepare()
        given = links.redeem(text, address=address, request_id=request_of)
        if given.kind is SetupKind.APPLE_PROFILE:
            issued = [(credential, password) for password, credential in given.issued]
            disposition = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"'}
            return Response(make(given.account, issued), 200, SECRET_HEADERS | disposition, CONTENT_TYPE)
        password, _credential = given.issued[0]
        target = deep_link.davx5(profiles.public_url, given.account.name, password.reveal())
        assert target is not None, "looked at before"
        return Response(status_code=303, headers=SECRET_HEADERS | {"Location": target})

    async def post(request: Request) -> Response:
        try:
            return await run_in_threadpool(
                redeem, request.path_params["link"], address_of(request), request_id(request)
            )
        except NotFound as error:
            return await refused(request, HTTPStatus.NOT_FOUND, str(error))
        except Refusal as error:
            return await refused(request, HTTPStatus.CONFLICT, str(error))
        except (StoreUnavailable, Overloaded):
            return await refused(request, HTTPStatus.SERVICE_UNAVAILABLE, "busy: try again in a moment")
        except (UnfitSigner, OSError) as error:
            _log.error("profiles cannot be signed: %s", error)
            return await refused(request, HTTPStatus.SERVICE_UNAVAILABLE, "profiles cannot be made at the moment")

    return [Route(f"{PREFIX}/{{link:str}}", post, methods=["POST"])]
