"""Changes of properties: PROPPATCH (RFC 4918 section 9.2), and what bodies that set properties have in common."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Kind, Resource
from dav_gateway.dav import answers, conditions, dead, preferences, properties, property_values, quota
from dav_gateway.dav.answers import Own, Response
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.multistatus import multistatus, propstat, response
from dav_gateway.dav.names import clark, element
from dav_gateway.dav.privileges import may_set_properties
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View, look_up
from dav_gateway.dav.wanted import MAX_NAMES
from dav_gateway.service.request import DavRequest
from dav_gateway.store import collections, listings, object_properties, objects

PROTECTED = "D:cannot-modify-protected-property"
MAX_PROPERTIES_BYTES = 256 * 1024
MAX_OBJECT_PROPERTIES_BYTES = 16 * 1024
"""A listing tells those of all objects; Apple's programs keep a word or two on one."""


def changes(body: Element | None, root: str) -> dict[str, Element | None]:
    """The properties set (element) and removed (None) by a body, in document order, the last word on each winning.

    Raises BadXML for a body with another root.
    """
    if body is None:
        return {}
    if body.tag != clark(root):
        raise BadXML(f"The body of this request is a {root} element.")
    result: dict[str, Element | None] = {}
    for instruction in body:
        if instruction.tag not in (clark("D:set"), clark("D:remove")):
            continue
        for prop in instruction.findall(clark("D:prop")):
            for each in prop:
                result.pop(each.tag, None)
                result[each.tag] = each if instruction.tag == clark("D:set") else None
    return result


def proppatch(
    request: DavRequest, site: Site, resource: Resource, environ: Mapping[str, Any], body: Element | None
) -> Response:
    """Apply all changes or none; every property gets its status in the 207."""
    asked = changes(body, "D:propertyupdate")
    if not asked:
        raise BadXML("A PROPPATCH sets or removes at least one property.")
    if len(asked) > MAX_NAMES:
        raise BadXML(f"A request may name {MAX_NAMES} properties.")
    looked = look_up(request, resource, octets=False)
    if looked is None:
        return answers.nothing()
    if not may_set_properties(looked):
        request.note_refusal(request.reason_of_denial(resource), resource)
        needed = element(clark("D:error"), element(clark("D:need-privileges")))
        refusal = propstat(HTTPStatus.FORBIDDEN, map(element, asked), needed)
        return answers.many(multistatus([response(looked.path, refusal)]))
    refused = refused_properties(asked, lambda name: _is_protected(looked, name))
    if refused:
        return answers.many(multistatus([response(looked.path, *refused)]))
    held = _held(request, looked)
    if held is None:
        return answers.nothing()
    if held.etag and conditions.failed(environ, held.etag, held.modified):
        return answers.changed()
    updated = dead.updated(held.kept, property_values.with_one_zone(asked))
    full = _no_room(request, site, looked, held.kept, updated)
    if full is not None:
        return full
    _keep(request, looked, updated)
    if preferences.minimal(environ):  # RFC 8144 section 2.2
        return preferences.applied(environ, answers.empty(HTTPStatus.OK))
    return answers.many(multistatus([response(looked.path, propstat(HTTPStatus.OK, map(element, asked)))]))


def refused_properties(asked: Mapping[str, Element | None], is_protected: Callable[[str], bool]) -> list[str]:
    """A propstat for each precondition that a property breaks, and one for all others; none when all is well."""
    broken: dict[str, list[str]] = {}
    for name, value in asked.items():
        condition = PROTECTED if is_protected(name) else property_values.unfit(name, value)
        if condition is not None:
            broken.setdefault(condition, []).append(name)
    if not broken:
        return []
    named = {name for names in broken.values() for name in names}
    return [
        propstat(HTTPStatus.FORBIDDEN, map(element, names), element(clark("D:error"), element(clark(condition))))
        for condition, names in broken.items()
    ] + [propstat(HTTPStatus.FAILED_DEPENDENCY, [element(name) for name in asked if name not in named])]


def _is_protected(looked: View, name: str) -> bool:
    """Of a collection the display name may be set; other live properties never, wherever they are asked for."""
    if name in properties.PROTECTED:
        return True
    return looked.kind is not Kind.COLLECTION and name in properties.TABLES[looked.kind]


class _Held(NamedTuple):
    """What is there as it is now, held in the write transaction; what only lists has no entity tag."""

    kept: Mapping[str, str]
    etag: str = ""
    modified: Moment | None = None


def _held(request: DavRequest, looked: View) -> _Held | None:
    """The dead properties and what conditions are held against; None when what has them is gone."""
    connection = request.begin_write()
    if looked.collection is None:
        return _Held(listings.properties(connection, looked.account.id, looked.place))
    current = next(iter(collections.lock(connection, [looked.collection.id])), None)
    if current is None or looked.object is None:
        return None if current is None else _Held(current.properties, current.etag, current.modified_at)
    stored = objects.get(connection, current.id, looked.object.name, most_octets=0)
    if stored is None:
        return None
    return _Held(object_properties.of(connection, current.id, stored.name), stored.etag, stored.modified_at)


def _no_room(
    request: DavRequest, site: Site, looked: View, kept: Mapping[str, str], updated: Mapping[str, str]
) -> Own | None:
    """507 when these are too many for one resource, or on objects for the account; None when there is room."""
    if too_large(updated, MAX_PROPERTIES_BYTES if looked.object is None else MAX_OBJECT_PROPERTIES_BYTES):
        return answers.plain(HTTPStatus.INSUFFICIENT_STORAGE, "The properties of a resource take too much room.")
    if looked.object is None:
        return None
    growth = object_properties.size(updated) - object_properties.size(kept)
    return quota.exceeded(request, site, growth, of_properties=True)


def _keep(request: DavRequest, looked: View, kept: Mapping[str, str]) -> None:
    connection = request.begin_write()
    if looked.collection is None:
        listings.set_properties(connection, looked.account.id, looked.place, kept)
    elif looked.object is not None:
        object_properties.replace(connection, looked.collection.id, looked.object.name, kept)
    else:
        collections.set_properties(connection, looked.collection.id, kept, request.services.clock())


def too_large(stored: Mapping[str, str], most: int = MAX_PROPERTIES_BYTES) -> bool:
    """Whether dead properties take more room than a resource has for them."""
    return sum(len(text.encode()) for pair in stored.items() for text in pair) > most
