"""What lets a device set itself up, beside the pages: the endpoints that clients call, and what a person sees of it.

The endpoints know who asked as the pages do: by the server's reading of the proxies that it trusts.
"""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dav_gateway.service.profiles import Profiles
from dav_gateway.service.services import Services
from dav_gateway.web import approving, login_flow, making, ocs, offering, profiles, set_up
from dav_gateway.web.application import Access, Entry, Pages
from dav_gateway.web.site import PageSite

_GET, _POST = ("GET",), ("POST",)
_FLOWS = tuple(f"{prefix}/login/v2/flow/{{login:str}}" for prefix in login_flow.PREFIXES)

ENTRIES = (
    *(Entry(_GET, path, approving.show, Access.RECENT) for path in _FLOWS),
    *(Entry(_POST, path, approving.decide, Access.RECENT) for path in _FLOWS),
    Entry(_POST, offering.BY_HAND, making.by_hand, Access.RECENT),
    Entry(_GET, offering.LIVE, offering.look, quiet=True),
    Entry(_GET, f"{profiles.PREFIX}/{{link:str}}", set_up.show, Access.ANYBODY),
)


def endpoints(pages: Pages, services: Services, site: PageSite, maker: Profiles) -> Iterator[Route]:
    """Starting and polling a login flow, redeeming a set-up link, and signing a device out."""

    def address_of(request: Request) -> str:
        return site.address_of(request.scope)

    async def refused(request: Request, status: int, _sentence: str) -> Response:
        return await pages.show(request, lambda context: set_up.refuse(context, status))

    yield from login_flow.routes(services.login_flow, public_url=site.public_url, address_of=address_of)
    yield from profiles.routes(services.setup_links, maker, address_of=address_of, refused=refused)
    yield from ocs.routes(services, realm=site.realm, address_of=address_of)
