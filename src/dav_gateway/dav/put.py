"""PUT of a calendar object or a card (RFC 4791 section 5.3.2, RFC 6352 section 6.3.2): octets are kept as they came.

Radicale's own handler serializes what vobject parsed, so a GET would differ although the PUT was answered with an ETag.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from dav_gateway.core.scope import Kind, Resource, Scope
from dav_gateway.dav import analysis, answers, conditions, media_type, preferences, quota
from dav_gateway.dav.answers import Own
from dav_gateway.dav.invalid import InvalidObject
from dav_gateway.dav.multistatus import href
from dav_gateway.dav.names import PREFIX_OF
from dav_gateway.dav.options import allow
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import collection_path
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects
from dav_gateway.store.collections import Collection
from dav_gateway.store.errors import UidConflict
from dav_gateway.store.objects import NewObject, StoredObject

MAX_NAME = 255


def answer(request: DavRequest, site: Site, resource: Resource, environ: Mapping[str, Any], octets: bytes) -> Own:
    """Store the object, unless a condition, a precondition or the collection refuses it."""
    if resource.kind is not Kind.OBJECT or resource.home is None:
        # Before any condition (RFC 9110 section 13.2.1): Thunderbird's detection of ICS files PUTs to whatever address
        # was typed, with `If-Match: nothing`, and offers a calendar there when the answer is 412 or 409.
        return answers.not_allowed(allow(resource), "Objects are stored inside a calendar or address book.")
    refusal = _unfit(site, resource.home, environ, octets) or unfit_name(resource)
    if refusal is not None:
        return refusal
    try:
        new = analysis.analyse(octets, resource.home, resource.name)
    except InvalidObject as invalid:
        return answers.precondition(HTTPStatus.FORBIDDEN, invalid.condition, str(invalid))
    return _store(request, site, resource, resource.home, environ, new)


def _unfit(site: Site, home: Scope, environ: Mapping[str, Any], octets: bytes) -> Own | None:
    if "HTTP_CONTENT_RANGE" in environ:
        return answers.plain(HTTPStatus.BAD_REQUEST, "A part of an object cannot be stored (RFC 9110 section 14.5).")
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
        return answers.plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the object without a content encoding.")
    if media_type.names_another(environ, home):
        kind = "C:supported-calendar-data" if home is Scope.CALENDARS else "CR:supported-address-data"
        return answers.precondition(HTTPStatus.FORBIDDEN, kind, "This collection does not hold data of this type.")
    if len(octets) > site.max_object_bytes:
        return answers.precondition(
            HTTPStatus.FORBIDDEN,
            f"{PREFIX_OF[home]}:max-resource-size",
            f"An object has at most {site.max_object_bytes} bytes.",
        )
    return None


def unfit_name(resource: Resource) -> Own | None:
    """403 for an object's name that is too long, None for one that can be stored."""
    if len(resource.name.encode()) > MAX_NAME:
        return answers.plain(HTTPStatus.FORBIDDEN, f"The name of an object has at most {MAX_NAME} bytes.")
    return None


def _store(  # noqa: PLR0917 - what, where to, how
    request: DavRequest, site: Site, resource: Resource, home: Scope, environ: Mapping[str, Any], new: NewObject
) -> Own:
    seen = request.begin_write_at(resource)
    collection, existing = seen.collection, seen.object
    if collection is None:
        return answers.no_collection()
    if _condition_failed(environ, existing):
        return _changed(request, resource, environ, existing)
    if collection.components and new.component not in collection.components:
        return unsupported_component(collection, new.component)
    if existing is not None and existing.uid != new.uid:
        return uid_conflict(request, home, collection, existing.name)
    full = quota.exceeded(request, site, len(new.octets) - (existing.size if existing else 0))
    if full is not None:
        return full
    try:
        stored = objects.put(request.connection, collection.id, new, request.services.clock())
    except UidConflict as conflict:
        return uid_conflict(request, home, collection, conflict.holder)
    return _stored(request, resource, environ, existing, stored)


def _stored(
    request: DavRequest,
    resource: Resource,
    environ: Mapping[str, Any],
    existing: StoredObject | None,
    stored: StoredObject,
) -> Own:
    if preferences.representation(environ):
        status = HTTPStatus.OK if existing else HTTPStatus.CREATED
        return _shown(status, request, resource, stored)
    return answers.empty(HTTPStatus.NO_CONTENT if existing else HTTPStatus.CREATED, {"ETag": stored.etag})


def _condition_failed(environ: Mapping[str, Any], existing: StoredObject | None) -> bool:
    if existing is None:
        return conditions.failed(environ, None)
    return conditions.failed(environ, existing.etag, existing.modified_at)


def _changed(request: DavRequest, resource: Resource, environ: Mapping[str, Any], existing: StoredObject | None) -> Own:
    """412; with what is there now for a client that asks for it (RFC 8144 section 3.2)."""
    if existing is None or not preferences.representation(environ):
        return answers.changed()
    return _shown(HTTPStatus.PRECONDITION_FAILED, request, resource, existing)


def _shown(status: HTTPStatus, request: DavRequest, resource: Resource, stored: StoredObject) -> Own:
    """What is stored, which Content-Location says that it is (RFC 9110 section 6.4.2)."""
    kind = "text/calendar" if resource.home is Scope.CALENDARS else "text/vcard"
    told = {
        "Content-Type": f"{kind};charset=utf-8",
        "ETag": stored.etag,
        "Preference-Applied": "return=representation",
        "Content-Location": quote(request.href),
    }
    return status, told, stored.octets, None


def unsupported_component(collection: Collection, component: str) -> Own:
    """403 for a component that the calendar does not take (RFC 4791 section 5.3.2.1)."""
    return answers.precondition(
        HTTPStatus.FORBIDDEN,
        "C:supported-calendar-component",
        f"This calendar takes {', '.join(collection.components)}; this is a {component}.",
    )


def uid_conflict(request: DavRequest, home: Scope, collection: Collection, holder: str) -> Own:
    """403 that names the object which has the UID (RFC 4791 section 5.3.2.1, RFC 6352 section 6.3.2.1)."""
    path = collection_path(request.granted.account, home, collection.name) + holder
    return answers.precondition(
        HTTPStatus.FORBIDDEN,
        f"{PREFIX_OF[home]}:no-uid-conflict",
        "Another object of this collection has this UID.",
        href(path),
    )
