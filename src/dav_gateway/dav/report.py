"""REPORT (RFC 3253 section 3.6): which report is asked of which resource, and who answers it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from xml.etree.ElementTree import Element

from dav_gateway.core.scope import Resource, Scope
from dav_gateway.dav import (
    answers,
    expand_property,
    multiget,
    offered_reports,
    preferences,
    principal_search,
    query_report,
    sync,
    view,
)
from dav_gateway.dav.answers import Long, Response
from dav_gateway.dav.expand_property import EXPAND
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.members import Asked
from dav_gateway.dav.names import clark
from dav_gateway.dav.query.expansion import TooManyOccurrences
from dav_gateway.dav.query.text import InvalidFilter
from dav_gateway.dav.site import Site
from dav_gateway.dav.sync import SYNC
from dav_gateway.dav.view import View
from dav_gateway.service.request import DavRequest

MULTIGET = {Scope.CALENDARS: clark("C:calendar-multiget"), Scope.CONTACTS: clark("CR:addressbook-multiget")}
SHORT = frozenset([SYNC, *MULTIGET.values()])
"""Reports that say themselves how much they tell of (`DavRequest.expect`)."""
FREE_BUSY = clark("C:free-busy-query")
OF_ANY_RESOURCE = (
    EXPAND,
    principal_search.OF_ACL,
    principal_search.MATCH,
    principal_search.SEARCH,
    principal_search.PROPERTY_SET,
)


def answer(
    request: DavRequest, site: Site, resource: Resource, environ: Mapping[str, Any], body: Element | None
) -> Long:
    """The answer to any report. Raises BadXML."""
    if body is None:
        raise BadXML("A REPORT needs a body.")
    if body.tag not in SHORT:
        request.expect(None)
    if not offered_reports.offers(resource.kind, resource.home, body.tag):
        return _unsupported()
    looked = view.look_up(request, resource)
    if looked is None:
        return answers.nothing()
    try:
        answered = _answered(request, site, looked, environ, body)
    except InvalidFilter as invalid:
        return answers.precondition(HTTPStatus.FORBIDDEN, invalid.condition, str(invalid))
    except TooManyOccurrences:
        return query_report.too_many()
    return preferences.applied(environ, answered)


def _answered(request: DavRequest, site: Site, looked: View, environ: Mapping[str, Any], body: Element) -> Long:
    depth = environ.get("HTTP_DEPTH", "0").strip().lower()
    if depth not in ("0", "1", "infinity"):
        return answers.plain(HTTPStatus.BAD_REQUEST, "Depth is 0, 1 or infinity.")
    if body.tag == FREE_BUSY:
        return query_report.busy(request, looked, body)
    asked = Asked.read(body, brief=preferences.minimal(environ))
    if body.tag in OF_ANY_RESOURCE:
        # RFC 3744 section 9 wants Depth 0, which is meant where it is missing (RFC 3253 section 3.6).
        if depth != "0":
            return answers.plain(HTTPStatus.BAD_REQUEST, "This report has Depth 0.")
        if body.tag == EXPAND:
            return expand_property.answer(request, site, looked, body)
        return principal_search.answer(request, site, looked, body, asked.names)
    assert looked.home is not None
    if body.tag == SYNC:
        return sync.answer(request, site, looked, environ, body, asked)
    if body.tag == MULTIGET[looked.home]:
        return multiget.answer(request, site, looked, body, asked)
    return query_report.answer(request, site, looked, environ, body, asked)


def _unsupported() -> Response:
    """403 for a report that the resource does not announce."""
    return answers.precondition(HTTPStatus.FORBIDDEN, "D:supported-report", "This resource does not offer this report.")
