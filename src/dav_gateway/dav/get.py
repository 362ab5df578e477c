"""GET: the octets of an object as its PUT brought them (RFC 4791 section 5.3.4), and 304 for what the client has."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from dav_gateway.core.scope import Resource
from dav_gateway.dav import answers, conditions, properties
from dav_gateway.dav.answers import Long, Response
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


def on_condition(environ: Mapping[str, Any], response: Long) -> Long:
    """The answer to a GET, or 304 or 412 where the request's conditions ask for that. A range is never served: the
    whole object is a right answer to it (RFC 9110 section 14.2)."""
    status, headers, body, logged = response
    if status != HTTPStatus.OK:
        return response
    told = {**dict(headers), "Accept-Ranges": "none"}
    etag, last_modified = told.get("ETag", ""), told.get("Last-Modified", "")
    match conditions.of_reading(environ, etag, last_modified):
        case HTTPStatus.NOT_MODIFIED:
            return answers.empty(HTTPStatus.NOT_MODIFIED, {"ETag": etag, "Last-Modified": last_modified})
        case HTTPStatus.PRECONDITION_FAILED:
            return answers.changed()
        case _:
            return status, told, body, logged
