"""REPORT: sync-collection (RFC 6578) and multiget (RFC 4791 section 7.9, RFC 6352 section 8.7) from the store's rows.

Queries, free-busy and partial data take Radicale's own handler; what is not announced is refused.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from dav_gateway.core.scope import Kind, Resource, Scope
from dav_gateway.dav import (
    answers,
    expand_property,
    members,
    offered_reports,
    preferences,
    principal_search,
    sync,
    view,
)
from dav_gateway.dav.answers import Response
from dav_gateway.dav.expand_property import EXPAND
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.members import DATA, Asked
from dav_gateway.dav.multistatus import gone, multistatus
from dav_gateway.dav.names import clark
from dav_gateway.dav.propfind import MAX_NAMES
from dav_gateway.dav.site import Site
from dav_gateway.dav.sync import SYNC
from dav_gateway.dav.view import View
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects

MULTIGET = {Scope.CALENDARS: clark("C:calendar-multiget"), Scope.CONTACTS: clark("CR:addressbook-multiget")}
OF_ANY_RESOURCE = (EXPAND, principal_search.MATCH, principal_search.SEARCH, principal_search.PROPERTY_SET)
FREE_BUSY = clark("C:free-busy-query")


def answer(
    request: DavRequest, site: Site, resource: Resource, environ: Mapping[str, Any], body: Element | None
) -> Response | None:
    """The answer, or None where Radicale's handler is to give it. Raises BadXML."""
    if body is None:
        raise BadXML("A REPORT needs a body.")
    if not offered_reports.offers(resource.kind, resource.home, body.tag):
        return unsupported()
    names = list(dict.fromkeys(each.tag for prop in body.findall(clark("D:prop")) for each in prop))
    if len(names) > MAX_NAMES:
        raise BadXML(f"A request may name {MAX_NAMES} properties.")
    if body.tag == FREE_BUSY and body.find(clark("C:time-range")) is None:
        raise BadXML("A free-busy-query has a time-range.")
    if body.tag in OF_ANY_RESOURCE:
        return _of_any_resource(request, site, resource, environ, body, names)
    assert resource.home is not None
    if resource.kind is Kind.OBJECT or body.tag not in (SYNC, MULTIGET[resource.home]):
        return None
    if body.tag != SYNC and any(_is_partial(each) for prop in body.findall(clark("D:prop")) for each in prop):
        return None
    asked = Asked(tuple(names), brief=preferences.minimal(environ))
    looked = view.look_up(request, resource)
    if looked is None or looked.collection is None:
        return answers.nothing()
    if body.tag == SYNC:
        return preferences.applied(environ, sync.answer(request, site, looked, environ, body, asked))
    return preferences.applied(environ, answers.many(multistatus(_multiget(request, site, looked, body, asked))))


def _of_any_resource(  # noqa: PLR0917 - what every report gets
    request: DavRequest, site: Site, resource: Resource, environ: Mapping[str, Any], body: Element, names: list[str]
) -> Response:
    # RFC 3744 section 9 wants Depth 0; what is missing is that (RFC 3253 section 3.6).
    if environ.get("HTTP_DEPTH", "0").strip() != "0":
        return answers.plain(HTTPStatus.BAD_REQUEST, "This report has Depth 0.")
    looked = view.look_up(request, resource)
    if looked is None:
        return answers.nothing()
    if body.tag == EXPAND:
        return expand_property.answer(request, site, looked, body)
    return principal_search.answer(request, site, looked, body, names)


def unsupported() -> Response:
    """403 for a report that the resource does not announce (RFC 3253 section 3.6)."""
    return answers.precondition(HTTPStatus.FORBIDDEN, "D:supported-report", "This resource does not offer this report.")


def _is_partial(prop: Element) -> bool:
    return prop.tag in DATA.values() and len(prop) > 0


def _multiget(request: DavRequest, site: Site, looked: View, body: Element, asked: Asked) -> Iterator[str]:
    assert looked.collection is not None
    paths = [_path(each.text or "") for each in body.findall(clark("D:href"))]
    if not paths:
        raise BadXML("A multiget names at least one href.")
    wanted = {path: _name_in(looked, path) for path in paths}
    found = objects.get_many(
        request.connection,
        looked.collection.id,
        [name for name in wanted.values() if name],
        octets=asked.octets,
    )
    by_name = {stored.name: stored for stored in found}
    for path, name in wanted.items():
        stored = by_name.get(name) if name else None
        yield members.member(looked, site, stored, asked) if stored else gone(path)


def _path(reference: str) -> str:
    try:
        return unquote(urlsplit(reference.strip()).path, errors="strict")
    except ValueError as error:
        raise BadXML("An href of the request is not a URI.") from error


def _name_in(looked: View, path: str) -> str | None:
    """The object's name when `path` lies directly in the collection; hrefs that point elsewhere find nothing."""
    name = path.removeprefix(looked.path)
    return name if name != path and name and "/" not in name else None
