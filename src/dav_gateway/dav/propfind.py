"""PROPFIND (RFC 4918 section 9.1) from the property tables."""

from collections.abc import Mapping
from http import HTTPStatus
from itertools import chain
from typing import Any

from dav_gateway.core.scope import Kind, Resource
from dav_gateway.dav import answers, preferences, properties, view, wanted
from dav_gateway.dav.answers import Long
from dav_gateway.dav.multistatus import multistatus, propstat, response
from dav_gateway.dav.names import element
from dav_gateway.dav.object_responses import ObjectResponses
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.dav.wanted import Wanted
from dav_gateway.service.request import DavRequest

NAMES_OF_ONE = 16
"""So many properties of one resource take as long as a resource is counted for."""


def answer(request: DavRequest, site: Site, resource: Resource, environ: Mapping[str, Any], body: bytes) -> Long:
    """The multistatus for `resource`, and for its children with `Depth: 1`. Raises BadXML."""
    asked = wanted.read(body)
    # tsdav leaves Depth out and expects the resource itself, as Radicale and most servers answer.
    depth = environ.get("HTTP_DEPTH", "0").strip().lower()
    if depth == "infinity" and resource.kind in (Kind.COLLECTION, Kind.OBJECT):
        depth = "1"  # nothing is deeper: a calendar or address book holds objects and no collections
    if depth == "infinity":
        return answers.precondition(
            HTTPStatus.FORBIDDEN, "D:propfind-finite-depth", "Ask with Depth 0 or 1, not infinity."
        )
    if depth not in ("0", "1"):
        return answers.plain(HTTPStatus.BAD_REQUEST, "Depth is 0, 1 or infinity.")
    looked = view.look_up(request, resource, octets=False)
    if looked is None:
        return answers.nothing()
    brief = preferences.minimal(environ)
    rootless = depth == "1" and preferences.without_root(environ)
    itself = [] if rootless else [looked]
    if depth == "1" and looked.kind is Kind.COLLECTION:
        found = _listing(site, looked, itself, asked, brief=brief)
    else:
        views = [*itself, *(view.children(request, looked) if depth == "1" else ())]
        request.expect(len(views) * max(1, len(asked.names) // NAMES_OF_ONE))
        found = answers.many(multistatus(described(each, site, asked, brief=brief) for each in views))
    return preferences.applied(environ, found, rootless=rootless)


def _listing(site: Site, looked: View, itself: list[View], asked: Wanted, *, brief: bool) -> Long:
    """The calendar or address book, and all its objects."""
    members = ObjectResponses(looked, site, asked, brief=brief).every()
    return answers.in_pieces(chain((described(each, site, asked, brief=brief) for each in itself), members))


def described(each: View, site: Site, asked: Wanted, *, brief: bool) -> str:
    """One `D:response` with what the resource has of what was asked for."""
    if asked.names_only:
        return response(each.path, propstat(HTTPStatus.OK, map(element, properties.asked_of(each, site, asked))))
    found: list[str] = []
    missing: list[str] = []
    for name in properties.asked_of(each, site, asked):
        value = properties.value(each, site, name)
        if value is not None:
            found.append(value)
        elif not brief:
            missing.append(element(name))
    return response(each.path, propstat(HTTPStatus.OK, found), propstat(HTTPStatus.NOT_FOUND, missing))
