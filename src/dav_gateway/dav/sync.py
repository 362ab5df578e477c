"""sync-collection (RFC 6578): what changed since a sync token, in pages when the client asks for few at a time."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import chain
from typing import Any
from xml.etree.ElementTree import Element

from dav_gateway.dav import answers, members
from dav_gateway.dav.answers import Long, Response
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.members import Asked
from dav_gateway.dav.multistatus import gone
from dav_gateway.dav.names import clark, element
from dav_gateway.dav.object_responses import ObjectResponses
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects, sync_position
from dav_gateway.store.errors import SyncTokenTooOld
from dav_gateway.store.objects import StoredObject
from dav_gateway.store.sync_position import SyncPosition

SYNC = clark("D:sync-collection")
WITHIN_LIMITS = element(clark("D:error"), element(clark("D:number-of-matches-within-limits")))


def answer(  # noqa: PLR0917 - what every report gets
    request: DavRequest, site: Site, looked: View, environ: Mapping[str, Any], body: Element, asked: Asked
) -> Long:
    """The changes as a multistatus with the next sync token. Raises BadXML."""
    refusal = _refused(environ, body)
    if refusal is not None:
        return refusal
    assert looked.collection is not None
    assert looked.home is not None
    limit = wanted_limit(body, clark("D:limit"), clark("D:nresults"))
    sent = (body.findtext(clark("D:sync-token")) or "").strip()
    newest = looked.collection.sync_token
    if sent == newest:
        return answers.in_pieces((), element(clark("D:sync-token"), newest))
    try:
        position = sync_position.read(looked.collection, sent) if sent else sync_position.start(looked.collection)
        told, removed, behind = _changes(request, looked, position, limit, members.responses(looked, site, asked))
    except SyncTokenTooOld:
        return answers.precondition(
            HTTPStatus.FORBIDDEN, "D:valid-sync-token", "This sync token is not of this collection, or too old."
        )
    responses = [gone(looked.path + name) for name in removed]
    if behind is not None:
        # RFC 6578 section 3.6: the collection itself with 507 says that there is more behind this sync token.
        responses.append(gone(looked.path, HTTPStatus.INSUFFICIENT_STORAGE, WITHIN_LIMITS))
    token = behind.sync_token(looked.collection) if behind else newest
    return answers.in_pieces(chain(told, responses), element(clark("D:sync-token"), token))


def _refused(environ: Mapping[str, Any], body: Element) -> Response | None:
    # The report goes to the collection itself (RFC 6578 section 3.2); Thunderbird says Depth 1, and early drafts did.
    if environ.get("HTTP_DEPTH", "0").strip() not in ("0", "1"):
        return answers.plain(HTTPStatus.BAD_REQUEST, "A sync-collection has Depth 0.")
    level = (body.findtext(clark("D:sync-level")) or "1").strip()
    if level == "infinite":
        return answers.precondition(
            HTTPStatus.FORBIDDEN, "D:sync-traversal-supported", "The sync level of a calendar or address book is 1."
        )
    if level != "1":
        raise BadXML("The sync level is 1.")
    return None


def wanted_limit(body: Element, limit: str, nresults: str) -> int | None:
    """How many results a body asks for at most (`D:limit`, `CR:limit`), None without a limit. Raises BadXML."""
    found = body.find(limit)
    if found is None:
        return None
    number = (found.findtext(nresults) or "").strip()
    if not (number.isascii() and number.isdigit() and int(number[:10]) > 0):
        raise BadXML("A limit has nresults, a positive number.")
    return int(number[:10])


def _changes(
    request: DavRequest, looked: View, position: SyncPosition, limit: int | None, told: ObjectResponses
) -> tuple[Iterable[str], list[str], SyncPosition | None]:
    """What is told of members that changed, names of those removed, and the position behind them when there is more."""
    collection = looked.collection
    assert collection is not None
    if position.change == collection.change and not position.name:
        return (), [], None
    if limit is None and not position.name and not told.octets:
        seen = request.changes_seen(collection, position.change)
        if seen is not None:
            request.expect(len(seen.changed) + len(seen.removed))
            return told.some((each, None) for each in seen.changed), seen.removed, None
    connection = request.connection
    if position.change == 0 and not position.name and limit is None:
        return told.every(), [], None
    request.expect(collection.change - position.change)
    behind: SyncPosition | None = None
    if limit is None and not position.name:
        changed, removed = objects.changes_since(connection, collection, position.change)
    else:
        changed, removed, behind = objects.page_of_changes(connection, collection, position, limit or 2**31)
    members: Iterable[StoredObject]
    if told.octets:
        request.expect(None)
        members = objects.each_of(connection, collection.id, changed)
    else:
        members = objects.get_many(connection, collection.id, changed, octets=False)
    return told.some((each, None) for each in members), removed, behind
