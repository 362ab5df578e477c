"""REPORT: sync-collection (RFC 6578) and multiget (RFC 4791 section 7.9, RFC 6352 section 8.7) from the store's rows.

Queries, free-busy and partial data take Radicale's own handler; what is not announced is refused.
"""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from dav_gateway.core.octets import as_text
from dav_gateway.core.scope import Kind, Resource, Scope
from dav_gateway.dav import answers, properties, view
from dav_gateway.dav.answers import Response
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.multistatus import gone, multistatus, propstat, response
from dav_gateway.dav.names import clark, element, text
from dav_gateway.dav.propfind import MAX_NAMES
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects
from dav_gateway.store.errors import SyncTokenTooOld
from dav_gateway.store.objects import StoredObject

DATA = {Scope.CALENDARS: clark("C:calendar-data"), Scope.CONTACTS: clark("CR:address-data")}
MULTIGET = {Scope.CALENDARS: clark("C:calendar-multiget"), Scope.CONTACTS: clark("CR:addressbook-multiget")}
SYNC = clark("D:sync-collection")
OFFERED = {home: frozenset(map(clark, names)) for home, names in properties.REPORTS.items()}
FREE_BUSY = clark("C:free-busy-query")


def answer(request: DavRequest, site: Site, resource: Resource, body: Element | None) -> Response | None:
    """The answer, or None where Radicale's handler is to give it. Raises BadXML."""
    if body is None:
        raise BadXML("A REPORT needs a body.")
    if resource.kind not in (Kind.COLLECTION, Kind.OBJECT) or resource.home is None:
        return unsupported()
    if body.tag not in OFFERED[resource.home] or (body.tag == SYNC and resource.kind is Kind.OBJECT):
        return unsupported()
    names = list(dict.fromkeys(each.tag for prop in body.findall(clark("D:prop")) for each in prop))
    if len(names) > MAX_NAMES:
        raise BadXML(f"A request may name {MAX_NAMES} properties.")
    if body.tag == FREE_BUSY and body.find(clark("C:time-range")) is None:
        raise BadXML("A free-busy-query has a time-range.")
    if resource.kind is Kind.OBJECT or body.tag not in (SYNC, MULTIGET[resource.home]):
        return None
    if body.tag != SYNC and any(_is_partial(each) for prop in body.findall(clark("D:prop")) for each in prop):
        return None
    looked = view.look_up(request, resource)
    if looked is None or looked.collection is None:
        return answers.nothing()
    if body.tag == SYNC:
        return _sync(request, site, looked, body, names)
    return answers.many(multistatus(_multiget(request, site, looked, body, names)))


def unsupported() -> Response:
    """403 for a report that the resource does not announce (RFC 3253 section 3.6)."""
    return answers.precondition(HTTPStatus.FORBIDDEN, "D:supported-report", "This resource does not offer this report.")


def _is_partial(prop: Element) -> bool:
    return prop.tag in DATA.values() and len(prop) > 0


def _sync(request: DavRequest, site: Site, looked: View, body: Element, names: list[str]) -> Response:
    assert looked.collection is not None
    assert looked.home is not None
    level = (body.findtext(clark("D:sync-level")) or "1").strip()
    if level != "1":
        return answers.plain(HTTPStatus.BAD_REQUEST, "The sync level of a calendar or address book is 1.")
    sent = (body.findtext(clark("D:sync-token")) or "").strip()
    with_data = DATA[looked.home] in names
    removed: Iterable[str] = ()
    if not sent:
        members = objects.every(request.connection, looked.collection.id, octets=with_data)
    else:
        try:
            since = looked.collection.change_at(sent)
            changed, removed = objects.changes_since(request.connection, looked.collection, since)
        except SyncTokenTooOld:
            return answers.precondition(
                HTTPStatus.FORBIDDEN, "D:valid-sync-token", "This sync token is not of this collection, or too old."
            )
        members = iter(objects.get_many(request.connection, looked.collection.id, changed, octets=with_data))
    responses = [member(looked, site, stored, names) for stored in members]
    responses += [gone(looked.path + name) for name in removed]
    trailer = element(clark("D:sync-token"), looked.collection.sync_token)
    return answers.many(multistatus(responses, trailer))


def _multiget(request: DavRequest, site: Site, looked: View, body: Element, names: list[str]) -> Iterator[str]:
    assert looked.collection is not None
    assert looked.home is not None
    paths = [_path(each.text or "") for each in body.findall(clark("D:href"))]
    if not paths:
        raise BadXML("A multiget names at least one href.")
    asked = {path: _name_in(looked, path) for path in paths}
    found = objects.get_many(
        request.connection,
        looked.collection.id,
        [name for name in asked.values() if name],
        octets=DATA[looked.home] in names,
    )
    by_name = {stored.name: stored for stored in found}
    for path, name in asked.items():
        stored = by_name.get(name) if name else None
        yield member(looked, site, stored, names) if stored else gone(path)


def _path(reference: str) -> str:
    try:
        return unquote(urlsplit(reference.strip()).path, errors="strict")
    except ValueError as error:
        raise BadXML("An href of the request is not a URI.") from error


def _name_in(looked: View, path: str) -> str | None:
    """The object's name when `path` lies directly in the collection; hrefs that point elsewhere find nothing."""
    name = path.removeprefix(looked.path)
    return name if name != path and name and "/" not in name else None


def member(looked: View, site: Site, stored: StoredObject, names: list[str]) -> str:
    """One `D:response` with what was asked of an object, its data as stored."""
    each = view.member(looked, stored)
    found: list[str] = []
    missing: list[str] = []
    for name in names:
        if looked.home is not None and name == DATA[looked.home]:
            found.append(element(name, text(as_text(stored.octets))))
            continue
        value = properties.value(each, site, name)
        if value is None:
            missing.append(element(name))
        else:
            found.append(value)
    if not names:
        # RFC 6578 section 3.2: a member without asked properties is still reported, by its status.
        return gone(each.path, HTTPStatus.OK)
    return response(each.path, propstat(HTTPStatus.OK, found), propstat(HTTPStatus.NOT_FOUND, missing))
