"""PROPPATCH (RFC 4918 section 9.2), MKCALENDAR (RFC 4791 section 5.3.1) and extended MKCOL (RFC 5689)."""

from collections.abc import Mapping
from http import HTTPStatus
from xml.etree.ElementTree import Element

from dav_gateway.core.scope import Kind, Permission, Resource, Scope
from dav_gateway.dav import answers, dead, properties
from dav_gateway.dav.answers import Own, Response
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.multistatus import multistatus, propstat, response
from dav_gateway.dav.names import clark, element
from dav_gateway.dav.view import View, look_up
from dav_gateway.service import homes
from dav_gateway.service.request import DavRequest
from dav_gateway.store import collections
from dav_gateway.store.errors import CollectionExists

COMPONENT_SET = clark("C:supported-calendar-component-set")
RESOURCETYPE = clark("D:resourcetype")
KIND_OF = {Scope.CALENDARS: clark("C:calendar"), Scope.CONTACTS: clark("CR:addressbook")}
MAX_PROPERTIES_BYTES = 256 * 1024
MAX_COLLECTION_NAME = 128


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


def proppatch(request: DavRequest, resource: Resource, body: Element | None) -> Response:
    """Apply all changes or none; every property gets its status in the 207."""
    asked = changes(body, "D:propertyupdate")
    if not asked:
        raise BadXML("A PROPPATCH sets or removes at least one property.")
    looked = look_up(request, resource)
    if looked is None:
        return answers.nothing()
    if looked.kind is Kind.COLLECTION and looked.permission is not Permission.WRITE:
        request.note_refusal(request.reason_of_denial(resource), resource)
        needed = element(clark("D:error"), element(clark("D:need-privileges")))
        refusal = propstat(HTTPStatus.FORBIDDEN, map(element, asked), needed)
        return answers.many(multistatus([response(looked.path, refusal)]))
    refused = [name for name in asked if not _may_change(looked, name)]
    if refused:
        rest = [element(name) for name in asked if name not in refused]
        protected = element(clark("D:error"), element(clark("D:cannot-modify-protected-property")))
        return answers.many(
            multistatus(
                [
                    response(
                        looked.path,
                        propstat(HTTPStatus.FORBIDDEN, map(element, refused), protected),
                        propstat(HTTPStatus.FAILED_DEPENDENCY, rest),
                    )
                ]
            )
        )
    assert looked.collection is not None
    connection = request.begin_write()
    assert resource.home is not None
    current = homes.find_locked(connection, request.granted.account, resource.home, resource.collection)
    if current is None:
        return answers.nothing()
    updated = dead.updated(current.properties, asked)
    if _too_large(updated):
        return answers.plain(HTTPStatus.INSUFFICIENT_STORAGE, "The properties of a collection take too much room.")
    collections.set_properties(connection, current.id, updated, request.services.clock())
    return answers.many(multistatus([response(looked.path, propstat(HTTPStatus.OK, map(element, asked)))]))


def _may_change(looked: View, name: str) -> bool:
    return looked.kind is Kind.COLLECTION and name not in properties.PROTECTED


def _too_large(stored: Mapping[str, str]) -> bool:
    return sum(len(key) + len(value) for key, value in stored.items()) > MAX_PROPERTIES_BYTES


def make(request: DavRequest, resource: Resource | None, method: str, body: Element | None) -> Response:
    """MKCALENDAR or MKCOL: an empty calendar in the calendars home, an empty address book in the contacts home."""
    asked = changes(body, "C:mkcalendar" if method == "MKCALENDAR" else "D:mkcol")
    if resource is None or resource.kind is not Kind.COLLECTION or resource.home is None:
        return _misplaced(method)
    refusal = _refused_kind(resource.home, method, asked.pop(RESOURCETYPE, None))
    if refusal is not None:
        return refusal
    components = _components(asked.pop(COMPONENT_SET, None)) if resource.home is Scope.CALENDARS else ()
    protected = [name for name in asked if name in properties.PROTECTED]
    if protected:
        return answers.precondition(
            HTTPStatus.FORBIDDEN,
            "D:cannot-modify-protected-property",
            "The server computes these properties.",
            "".join(map(element, protected)),
        )
    stored = dead.updated({}, asked)
    if _too_large(stored):
        return answers.plain(HTTPStatus.FORBIDDEN, "The properties of the collection are too long.")
    unfit = unfit_collection_name(resource)
    if unfit is not None:
        return unfit
    connection = request.begin_write()
    try:
        collections.create(
            connection,
            account_id=request.granted.account.id,
            home=resource.home.value,
            name=resource.collection,
            components=components,
            properties=stored,
            now=request.services.clock(),
        )
    except CollectionExists:
        if method == "MKCALENDAR":
            return answers.precondition(
                HTTPStatus.FORBIDDEN, "D:resource-must-be-null", "There is a collection at this address already."
            )
        return answers.plain(HTTPStatus.METHOD_NOT_ALLOWED, "There is a collection at this address already.")
    return answers.empty(HTTPStatus.CREATED, {"Cache-Control": "no-cache"})


def unfit_collection_name(resource: Resource) -> Own | None:
    """403 for a collection's name that is too long, None for one that can be stored."""
    if len(resource.collection.encode()) > MAX_COLLECTION_NAME:
        return answers.plain(HTTPStatus.FORBIDDEN, "The name of the collection is too long.")
    return None


def _misplaced(method: str) -> Response:
    condition = "C:calendar-collection-location-ok" if method == "MKCALENDAR" else "D:valid-resourcetype"
    return answers.precondition(
        HTTPStatus.FORBIDDEN, condition, "Calendars and address books are made directly in their home."
    )


def _refused_kind(home: Scope, method: str, resourcetype: Element | None) -> Response | None:
    if method == "MKCALENDAR":
        return None if home is Scope.CALENDARS else _misplaced(method)
    kinds = {each.tag for each in resourcetype} if resourcetype is not None else set()
    if KIND_OF[home] in kinds and kinds <= {clark("D:collection"), KIND_OF[home]}:
        return None
    return answers.precondition(
        HTTPStatus.FORBIDDEN,
        "D:valid-resourcetype",
        "This home holds calendars." if home is Scope.CALENDARS else "This home holds address books.",
    )


def _components(prop: Element | None) -> tuple[str, ...]:
    if prop is None:
        return ()
    names = [each.get("name", "").upper() for each in prop if each.tag == clark("C:comp")]
    if not names or any(name not in ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY") for name in names):
        raise BadXML("supported-calendar-component-set names VEVENT, VTODO, VJOURNAL or VFREEBUSY.")
    return tuple(dict.fromkeys(names))
