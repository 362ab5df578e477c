"""PROPFIND (RFC 4918 section 9.1) from the property tables."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from xml.etree.ElementTree import Element

from dav_gateway.core.scope import Kind, Resource
from dav_gateway.dav import answers, guard, preferences, properties, view
from dav_gateway.dav.answers import Response
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.multistatus import multistatus, propstat, response
from dav_gateway.dav.names import clark, element
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.service.request import DavRequest

MAX_NAMES = 400
"""Apple's longest list has about 40 names; 5 000 names on 200 objects kept Radicale busy for 13 s."""

LONGEST_REMEMBERED = 4096
NAMES_OF_ONE = 16
"""So many properties of one resource take as long as a resource is counted for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which properties a request asks for: named ones, all of them, or only their names."""

    names: tuple[str, ...] = ()
    everything: bool = False
    names_only: bool = False


def read(body: bytes) -> Wanted:
    """What a PROPFIND body asks for. Raises BadXML."""
    return _remembered(body) if len(body) <= LONGEST_REMEMBERED else wanted(guard.parse(body))


@lru_cache(maxsize=256)
def _remembered(body: bytes) -> Wanted:
    """A device sends the same octets at each poll."""
    return wanted(guard.parse(body))


def wanted(body: Element | None) -> Wanted:
    """What a PROPFIND body asks for; an empty body means allprop. Raises BadXML for a body that is not a propfind."""
    if body is None:
        return Wanted(everything=True)
    if body.tag != clark("D:propfind"):
        raise BadXML("A PROPFIND body is a DAV:propfind element.")
    named = [each for each in body if each.tag == clark("D:prop")]
    everything = [each for each in body if each.tag == clark("D:allprop")]
    names_only = [each for each in body if each.tag == clark("D:propname")]
    if len(named) + len(everything) + len(names_only) != 1:
        raise BadXML("A DAV:propfind element has one of prop, allprop and propname.")
    if names_only:
        return Wanted(names_only=True)
    included = [name for each in body if each.tag == clark("D:include") for name in _names(each)]
    names = [name for each in named for name in _names(each)] or included
    if len(names) > MAX_NAMES:
        raise BadXML(f"A request may name {MAX_NAMES} properties.")
    return Wanted(names=tuple(dict.fromkeys(names)), everything=bool(everything))


def _names(prop: Element) -> Iterator[str]:
    return (each.tag for each in prop)


def answer(request: DavRequest, site: Site, resource: Resource, environ: Mapping[str, Any], body: bytes) -> Response:
    """The multistatus for `resource`, and for its children with `Depth: 1`. Raises BadXML."""
    asked = read(body)
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
    looked = view.look_up(request, resource)
    if looked is None:
        return answers.nothing()
    views: list[View] = [] if depth == "1" and preferences.without_root(environ) else [looked]
    if depth == "1":
        views += view.children(request, looked)
    request.expect(len(views) * max(1, len(asked.names) // NAMES_OF_ONE))
    brief = preferences.minimal(environ)
    found = answers.many(multistatus(described(each, site, asked, brief=brief) for each in views))
    return preferences.applied(environ, found)


def described(each: View, site: Site, asked: Wanted, *, brief: bool) -> str:
    """One `D:response` with what the resource has of what was asked for."""
    if asked.names_only:
        return response(each.path, propstat(HTTPStatus.OK, map(element, properties.all_names(each, site))))
    names: Iterable[str] = asked.names
    if asked.everything:
        listed = [name for name in properties.all_names(each, site) if name not in properties.NOT_IN_ALLPROP]
        names = dict.fromkeys([*listed, *asked.names])
    found: list[str] = []
    missing: list[str] = []
    for name in names:
        value = properties.value(each, site, name)
        if value is not None:
            found.append(value)
        elif not brief:
            missing.append(element(name))
    return response(each.path, propstat(HTTPStatus.OK, found), propstat(HTTPStatus.NOT_FOUND, missing))
