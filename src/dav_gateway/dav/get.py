"""GET of an object: the octets of its PUT (RFC 4791 section 5.3.4)."""

from http import HTTPStatus

from dav_gateway.core.scope import Resource
from dav_gateway.dav import answers, properties
from dav_gateway.dav.answers import Response
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import look_up
from dav_gateway.service.request import DavRequest


def answer(request: DavRequest, site: Site, resource: Resource) -> Response:
    """The stored object with the headers that its properties tell too."""
    looked = look_up(request, resource)
    if looked is None or looked.object is None:
        return answers.nothing()
    headers = {
        "Content-Type": properties.content_type(looked, site),
        "ETag": looked.object.etag,
        "Last-Modified": properties.last_modified(looked, site) or "",
    }
    return HTTPStatus.OK, headers, looked.object.octets, None
