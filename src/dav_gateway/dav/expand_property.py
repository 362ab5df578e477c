"""expand-property (RFC 3253 section 3.8): properties, and those of the resources that they point to, in one answer."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from dav_gateway.core.scope import resource_at
from dav_gateway.dav import answers, properties, view
from dav_gateway.dav.answers import Response
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.multistatus import multistatus, propstat, response
from dav_gateway.dav.names import clark, element
from dav_gateway.dav.site import PREFIX, Site
from dav_gateway.dav.view import View
from dav_gateway.dav.wanted import MAX_NAMES
from dav_gateway.service.request import DavRequest

EXPAND = clark("D:expand-property")
PROPERTY = clark("D:property")
_HREF = re.compile(r"<D:href>([^<]*)</D:href>")


def answer(request: DavRequest, site: Site, looked: View, body: Element) -> Response:
    """The resource with its properties, each href in them replaced by the resource it names. Raises BadXML."""
    if sum(1 for _ in body.iter(PROPERTY)) > MAX_NAMES:
        raise BadXML(f"A request may name {MAX_NAMES} properties.")
    return answers.many(multistatus([_described(request, site, looked, body)]))


def _described(request: DavRequest, site: Site, looked: View, asked: Element) -> str:
    found: list[str] = []
    missing: list[str] = []
    for name, each in _properties(asked):
        value = properties.value(looked, site, name)
        if value is None:
            missing.append(element(name))
        else:
            found.append(_expanded(request, site, value, each) if len(each) else value)
    return response(looked.path, propstat(HTTPStatus.OK, found), propstat(HTTPStatus.NOT_FOUND, missing))


def _properties(asked: Element) -> Iterator[tuple[str, Element]]:
    for each in asked:
        if each.tag != PROPERTY:
            continue
        name, namespace = each.get("name", ""), each.get("namespace", "DAV:")
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", name) or "}" in namespace:
            raise BadXML("A DAV:property names one property.")
        yield (f"{{{namespace}}}{name}" if namespace else name), each


def _expanded(request: DavRequest, site: Site, value: str, asked: Element) -> str:
    def resource(found: re.Match[str]) -> str:
        path = unquote(found[1])
        place = resource_at(path.removeprefix(PREFIX)) if path.startswith(f"{PREFIX}/") else None
        if place is None or not request.permission(place):
            return found[0]
        looked = view.look_up(request, place)
        return found[0] if looked is None else _described(request, site, looked, asked)

    return _HREF.sub(resource, value)
