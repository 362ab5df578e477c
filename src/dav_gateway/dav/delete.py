"""DELETE of an object, a calendar or an address book (RFC 4918 section 9.6)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from dav_gateway.core.scope import Kind, Resource
from dav_gateway.dav import answers, conditions
from dav_gateway.dav.answers import Own
from dav_gateway.service.request import DavRequest
from dav_gateway.store import collections, objects


def answer(request: DavRequest, resource: Resource, environ: Mapping[str, Any]) -> Own:
    """Delete what is at `resource`, unless it is not what the client has seen last (If-Match)."""
    seen = request.begin_write_at(resource, most_octets=0)
    connection, collection, stored = request.connection, seen.collection, seen.object
    if collection is None:
        return answers.nothing()
    if resource.kind is Kind.COLLECTION:
        # RFC 4918 section 9.6.1: whatever is inside goes too, as with Depth infinity. @nextcloud/cdav-library sends 0.
        if conditions.failed(environ, collection.etag, collection.modified_at):
            return answers.changed()
        collections.remove(connection, collection.id)
        return answers.empty(HTTPStatus.NO_CONTENT)
    if stored is None:
        return answers.nothing()
    if conditions.failed(environ, stored.etag, stored.modified_at):
        return answers.changed()
    objects.remove(connection, collection.id, resource.name, request.services.clock())
    return answers.empty(HTTPStatus.NO_CONTENT)
