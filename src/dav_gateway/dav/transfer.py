"""COPY and MOVE of an object inside its home (RFC 4918 sections 9.8 and 9.9).

At the destination the rules of PUT hold: one UID in a collection, and an object is not replaced by one of another UID.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from dav_gateway.core.scope import Kind, Resource
from dav_gateway.dav import analysis, answers, conditions, quota, transfer_collection
from dav_gateway.dav.answers import Own
from dav_gateway.dav.destination import occupied, overwrites, transferred
from dav_gateway.dav.put import uid_conflict, unfit_name, unsupported_component
from dav_gateway.dav.site import Site
from dav_gateway.service import homes
from dav_gateway.service.request import DavRequest
from dav_gateway.store import collections, object_properties, objects
from dav_gateway.store.collections import Collection
from dav_gateway.store.errors import UidConflict
from dav_gateway.store.objects import NewObject, StoredObject


def answer(
    request: DavRequest, site: Site, source: Resource, target: Resource, environ: Mapping[str, Any], *, keep: bool
) -> Own:
    """Copy (`keep`) or move `source` to `target`; the caller has asked for permission at both ends."""
    if source == target:
        return answers.plain(HTTPStatus.FORBIDDEN, "Source and destination are the same (RFC 4918 section 9.8.5).")
    if source.home is None or target.home is None:
        return answers.plain(HTTPStatus.FORBIDDEN, "Homes and principals stay where they are.")
    if source.kind is not target.kind:
        return answers.plain(
            HTTPStatus.FORBIDDEN, "An object goes into a calendar or address book, and these into their home."
        )
    if source.home is not target.home:
        return answers.plain(HTTPStatus.FORBIDDEN, "Events stay in calendars and cards in address books.")
    if source.kind is Kind.COLLECTION:
        return transfer_collection.answer(request, site, source, target, environ, keep=keep)
    return unfit_name(target) or _object(request, site, source, target, environ, keep=keep)


def _object(
    request: DavRequest, site: Site, source: Resource, target: Resource, environ: Mapping[str, Any], *, keep: bool
) -> Own:
    connection = request.begin_write()
    account = request.granted.account
    assert source.home is not None
    origin = homes.find(connection, account, source.home, source.collection)
    collection = homes.find(connection, account, source.home, target.collection)
    # Both as they are now, and held: see homes.find_locked.
    locked = {
        each.id: each for each in collections.lock(connection, [each.id for each in (origin, collection) if each])
    }
    origin, collection = (locked.get(each.id) if each else None for each in (origin, collection))
    taken = objects.get(connection, origin.id, source.name) if origin else None
    if origin is None or taken is None:
        return answers.nothing()
    if collection is None:
        return answers.no_collection()
    replaced = objects.get(connection, collection.id, target.name)
    refusal = _refused(request, target, environ, (taken, replaced, collection))
    if refusal is None and keep:
        refusal = quota.exceeded(request, site, taken.size - (replaced.size if replaced else 0))
    if refusal is not None:
        return refusal
    now = request.services.clock()
    try:
        if keep:
            objects.put(connection, collection.id, _copy(taken, target.name), now)
            # RFC 4918 section 9.8.2; a MOVE takes them along by the key of the object.
            object_properties.copy(connection, origin.id, source.name, collection.id, target.name)
        else:
            objects.move(connection, origin.id, source.name, collection.id, target.name, now)
    except UidConflict as conflict:
        return uid_conflict(request, source.home, collection, conflict.holder)
    return transferred(environ, replaced=replaced is not None)


def _refused(
    request: DavRequest,
    target: Resource,
    environ: Mapping[str, Any],
    what: tuple[StoredObject, StoredObject | None, Collection],
) -> Own | None:
    taken, replaced, collection = what
    if conditions.failed(environ, taken.etag, taken.modified_at):
        return answers.changed()
    if replaced is not None and not overwrites(environ):
        return occupied()
    if collection.components and taken.component not in collection.components:
        return unsupported_component(collection, taken.component)
    if replaced is not None and replaced.uid != taken.uid:
        assert target.home is not None
        return uid_conflict(request, target.home, collection, replaced.name)
    return None


def _copy(taken: StoredObject, name: str) -> NewObject:
    new = NewObject(name, taken.uid, taken.component, taken.octets, taken.starts, taken.ends)
    return analysis.indexed(new)
