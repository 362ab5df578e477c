"""COPY and MOVE of a calendar or address book inside its home (RFC 4918 sections 9.8.3 and 9.9.2).

A moved collection keeps its sync tokens; a copy is a collection of its own that begins with what the other one holds.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from dav_gateway.core.scope import Resource
from dav_gateway.dav import answers, conditions, quota
from dav_gateway.dav.answers import Own
from dav_gateway.dav.destination import depth, occupied, overwrites, transferred
from dav_gateway.dav.make_collection import unfit_collection_name
from dav_gateway.dav.site import Site
from dav_gateway.service import homes
from dav_gateway.service.request import DavRequest
from dav_gateway.store import collections, objects
from dav_gateway.store.collections import Collection
from dav_gateway.store.errors import CollectionExists


def answer(
    request: DavRequest, site: Site, source: Resource, target: Resource, environ: Mapping[str, Any], *, keep: bool
) -> Own:
    """Copy (`keep`) or move the collection `source` to `target`; both are in the same home."""
    deep = depth(environ)
    if deep is None or (deep == "0" and not keep):
        return answers.plain(HTTPStatus.BAD_REQUEST, "A collection is copied with Depth 0 or infinity, moved as whole.")
    refusal = unfit_collection_name(target)
    if refusal is not None:
        return refusal
    assert source.home is not None
    connection = request.begin_write()
    account = request.granted.account
    found = [homes.find(connection, account, source.home, each.collection) for each in (source, target)]
    locked = {each.id: each for each in collections.lock(connection, [each.id for each in found if each])}
    origin, replaced = (locked.get(each.id) if each else None for each in found)
    if origin is None:
        return answers.nothing()
    if conditions.failed(environ, origin.etag, origin.modified_at):
        return answers.changed()
    if replaced is not None:
        if not overwrites(environ):
            return occupied()
        collections.remove(connection, replaced.id)
    full = quota.of_collections(request, site) if keep else None
    if full is None and keep and deep != "0":
        full = quota.exceeded(request, site, origin.size)
    if full is not None:
        return full
    try:
        _transfer(request, origin, target.collection, keep=keep, deep=deep != "0")
    except CollectionExists:
        return occupied()
    return transferred(environ, replaced=replaced is not None)


def _transfer(request: DavRequest, origin: Collection, name: str, *, keep: bool, deep: bool) -> None:
    connection, now = request.begin_write(), request.services.clock()
    if not keep:
        collections.rename(connection, origin.id, name, now)
        return
    made = collections.create(
        connection,
        account_id=request.granted.account.id,
        home=origin.home.value,
        name=name,
        components=origin.components,
        properties=origin.properties,
        now=now,
    )
    if deep:
        objects.copy_all(connection, origin.id, made.id, now)
