"""MOVE of an object inside its home (RFC 4918 section 9.9)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from dav_gateway.core.scope import Kind, Resource
from dav_gateway.dav import answers, conditions
from dav_gateway.dav.answers import Own
from dav_gateway.dav.put import uid_conflict, unfit_name, unsupported_component
from dav_gateway.dav.site import PREFIX, Site
from dav_gateway.service import homes
from dav_gateway.service.request import DavRequest
from dav_gateway.store import collections, objects
from dav_gateway.store.errors import UidConflict


def destination(environ: Mapping[str, Any], site: Site) -> str | Own:
    """The path that the Destination header names, or the refusal. A host in it must be Host or the public one."""
    try:
        header = environ.get("HTTP_DESTINATION", "")
        header.encode("ascii")  # a URI has no other characters, and WSGI would show them in Latin-1
        url = urlsplit(header)
        path = unquote(url.path, errors="strict")
    except ValueError:
        return answers.plain(HTTPStatus.BAD_REQUEST, "The Destination header is not a URI.")
    if url.netloc and url.netloc not in (environ.get("HTTP_HOST", ""), urlsplit(site.public_url).netloc):
        return answers.plain(HTTPStatus.BAD_GATEWAY, "The destination is on another server.")
    segments = path.split("/")
    if not path.startswith(f"{PREFIX}/") or "." in segments or ".." in segments or not path.isprintable():
        return answers.plain(HTTPStatus.FORBIDDEN, "The destination is not an address of calendars or contacts.")
    return path


def answer(request: DavRequest, source: Resource, target: Resource, environ: Mapping[str, Any]) -> Own:
    """Move `source` to `target`; the caller has asked for permission at both ends."""
    if source.kind is not Kind.OBJECT or target.kind is not Kind.OBJECT:
        return answers.plain(HTTPStatus.FORBIDDEN, "Only objects can be moved, into a calendar or address book.")
    if source.home is not target.home or source.home is None:
        return answers.plain(HTTPStatus.FORBIDDEN, "Events stay in calendars and cards in address books.")
    refusal = unfit_name(target)
    if refusal is not None:
        return refusal
    connection = request.begin_write()
    account = request.granted.account
    origin = homes.find(connection, account, source.home, source.collection)
    collection = homes.find(connection, account, source.home, target.collection)
    # Both as they are now, and held: see homes.find_locked.
    locked = {
        each.id: each for each in collections.lock(connection, [each.id for each in (origin, collection) if each])
    }
    origin, collection = (locked.get(each.id) if each else None for each in (origin, collection))
    moved = objects.get(connection, origin.id, source.name) if origin else None
    if origin is None or moved is None:
        return answers.nothing()
    if collection is None:
        return answers.no_collection()
    if conditions.failed(environ, moved.etag):
        return answers.changed()
    if collection.components and moved.component not in collection.components:
        return unsupported_component(collection, moved.component)
    replaced = objects.get(connection, collection.id, target.name)
    # RFC 4918 section 10.6: without the header, Overwrite is "T".
    if replaced is not None and environ.get("HTTP_OVERWRITE", "T").strip().upper() != "T":
        return answers.plain(HTTPStatus.PRECONDITION_FAILED, "There is an object at the destination.")
    try:
        objects.move(connection, origin.id, source.name, collection.id, target.name, request.services.clock())
    except UidConflict as conflict:
        return uid_conflict(request, source.home, collection, conflict.holder)
    return answers.empty(HTTPStatus.NO_CONTENT if replaced else HTTPStatus.CREATED)
