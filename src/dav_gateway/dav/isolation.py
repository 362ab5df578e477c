"""Radicale's query reports, kept whole when one object of the collection is more than vobject can evaluate.

Radicale answers the entire report with 400 or 500 then, and the client loses sight of the calendar (an override without
its master does it with `expand`, for one). Here the objects at fault are found by halving, the report is made without
them, and they are added as they are stored: a client would rather filter or expand one object itself.
"""

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from time import monotonic
from xml.etree.ElementTree import Element

from dav_gateway.core.errors import GatewayError
from dav_gateway.core.scope import Resource
from dav_gateway.dav import answers, members, view
from dav_gateway.dav.answers import Response
from dav_gateway.dav.names import DECLARATIONS, clark
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View
from dav_gateway.service.request import DavRequest
from dav_gateway.store import objects

log = logging.getLogger("dav_gateway.dav")
PATIENCE = 3.0
"""Seconds for finding the objects at fault; whatever is not examined by then is sent as it is."""

_OPENING = "<D:response>"


def answer(
    request: DavRequest, site: Site, resource: Resource, body: Element, radicale: Callable[[], Response]
) -> Response:
    """Radicale's answer to the report in `body`; `radicale` makes it from what the storage plug-in shows."""
    request.shown.clear()
    response = _attempt(radicale)
    if response is not None:
        return response
    examined = list(dict.fromkeys(request.shown))
    request.only = frozenset()
    if _attempt(radicale) is None:
        return answers.precondition(HTTPStatus.FORBIDDEN, "C:valid-filter", "This query cannot be answered.")
    at_fault = _at_fault(request, radicale, examined, monotonic() + PATIENCE)
    log.warning("%d objects could not be evaluated and were sent as they are", len(at_fault))
    request.only = frozenset(examined) - frozenset(at_fault)
    response = _attempt(radicale)
    request.only = None
    if response is None:
        return answers.precondition(HTTPStatus.FORBIDDEN, "C:valid-filter", "This query cannot be answered.")
    looked = view.look_up(request, resource)
    return response if looked is None else _with_objects(request, site, looked, body, response, at_fault)


def _attempt(radicale: Callable[[], Response]) -> Response | None:
    try:
        response = radicale()
    except GatewayError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever vobject and dateutil raise
        log.debug("a report failed: %s", type(error).__name__)
        return None
    return None if response[0] == HTTPStatus.BAD_REQUEST else response


def _at_fault(
    request: DavRequest, radicale: Callable[[], Response], names: Sequence[str], deadline: float
) -> list[str]:
    """Those of `names`, which fail together, that fail alone."""
    if len(names) <= 1 or monotonic() > deadline:
        return list(names)
    found: list[str] = []
    half = len(names) // 2
    for part in (names[:half], names[half:]):
        request.only = frozenset(part)
        if _attempt(radicale) is None:
            found += _at_fault(request, radicale, part, deadline)
    return found


def _with_objects(  # noqa: PLR0917 - one answer, put together
    request: DavRequest, site: Site, looked: View, body: Element, response: Response, names: Sequence[str]
) -> Response:
    status, headers, answered, _ = response
    if looked.collection is None or not isinstance(answered, bytes) or status != HTTPStatus.MULTI_STATUS:
        return response
    asked = members.Asked(tuple(each.tag for prop in body.findall(clark("D:prop")) for each in prop))
    found = objects.get_many(request.connection, looked.collection.id, names)
    added = "".join(
        members.member(looked, site, stored, asked).replace(_OPENING, f"{_OPENING[:-1]} {DECLARATIONS}>", 1)
        for stored in found
    )
    return status, headers, _inside(answered, added.encode()), None


def _inside(document: bytes, added: bytes) -> bytes:
    """The document with `added` as the last children of its root, which may be an empty element."""
    if document.endswith(b"/>"):
        name = document[document.rindex(b"<") + 1 :].split(None, 1)[0]
        return document.removesuffix(b"/>") + b">" + added + b"</" + name + b">"
    end = document.rindex(b"</")
    return document[:end] + added + document[end:]
