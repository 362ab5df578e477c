"""expand-property (RFC 3253 section 3.8): properties, and those of the resources that they point to, in one answer.

Clients may store hrefs in dead properties, so what points to what is theirs to say, in circles too: an answer has room
for so much.
"""

import re
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from urllib.parse import unquote
from xml.etree.ElementTree import Element
from xml.sax.saxutils import unescape

from dav_gateway.core.scope import resource_at
from dav_gateway.dav import answers, properties, view
from dav_gateway.dav.answers import Response
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.multistatus import HREF, multistatus, propstat, response
from dav_gateway.dav.names import clark, element
from dav_gateway.dav.site import PREFIX, Site
from dav_gateway.dav.view import View
from dav_gateway.dav.wanted import MAX_NAMES
from dav_gateway.service.request import DavRequest

EXPAND = clark("D:expand-property")
PROPERTY = clark("D:property")
MAX_EXPANDED = 400
"""Resources in one answer; Apple's programs expand the two proxy groups of a principal and their members."""


MAX_LENGTH = 4 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
"""Letters of other scripts may stand in a name, but not all that Python takes for one (XML 1.0 section 2.3)."""


class TooMuchToTell(Exception):
    """The hrefs of the answer name more than one answer has room for."""


def answer(request: DavRequest, site: Site, looked: View, body: Element) -> Response:
    """The resource with its properties, each href in them replaced by the resource it names. Raises BadXML."""
    if sum(1 for _ in body.iter(PROPERTY)) > MAX_NAMES:
        raise BadXML(f"A request may name {MAX_NAMES} properties.")
    try:
        return answers.many(multistatus([_Expansion(request, site).described(looked, body)]))
    except TooMuchToTell:
        return answers.precondition(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "D:number-of-matches-within-limits",
            f"An answer expands {MAX_EXPANDED} hrefs at most, and not into megabytes.",
        )


class _Expansion:
    """One answer, and how much room is left in it."""

    def __init__(self, request: DavRequest, site: Site) -> None:
        self._request, self._site = request, site
        self._resources, self._characters = MAX_EXPANDED, MAX_LENGTH

    def described(self, looked: View, asked: Element) -> str:
        """The response of a resource. Raises BadXML, TooMuchToTell."""
        found: list[str] = []
        missing: list[str] = []
        for name, each in _properties(asked):
            value = properties.value(looked, self._site, name)
            self._characters -= len(value or name)
            if self._characters < 0:
                raise TooMuchToTell
            if value is None:
                missing.append(element(name))
            else:
                found.append(HREF.sub(partial(self._resource, each), value) if len(each) else value)
        return response(looked.path, propstat(HTTPStatus.OK, found), propstat(HTTPStatus.NOT_FOUND, missing))

    def _resource(self, asked: Element, href: re.Match[str]) -> str:
        path = unquote(unescape(href[1].strip()))
        place = resource_at(path.removeprefix(PREFIX)) if path.startswith(f"{PREFIX}/") else None
        if place is None or not self._request.permission(place):
            return href[0]
        self._resources -= 1
        if self._resources < 0:
            raise TooMuchToTell
        # As many as there are levels are in memory at once.
        looked = view.look_up(self._request, place, octets=False)
        return href[0] if looked is None else self.described(looked, asked)


def _properties(asked: Element) -> Iterator[tuple[str, Element]]:
    for each in asked:
        if each.tag != PROPERTY:
            continue
        name, namespace = each.get("name", ""), each.get("namespace", "DAV:")
        if not _NAME.fullmatch(name) or "}" in namespace:
            raise BadXML("A DAV:property names one property.")
        yield (f"{{{namespace}}}{name}" if namespace else name), each
