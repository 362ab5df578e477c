"""MKCALENDAR (RFC 4791 section 5.3.1) and extended MKCOL (RFC 5689): an empty calendar or address book in its home."""

from http import HTTPStatus
from xml.etree.ElementTree import Element

from dav_gateway.core.scope import Kind, Resource, Scope
from dav_gateway.dav import answers, dead, properties, quota
from dav_gateway.dav.answers import Own, Response
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.multistatus import DECLARATION, XML_TYPE, multistatus, response
from dav_gateway.dav.names import DECLARATIONS, clark
from dav_gateway.dav.options import allow
from dav_gateway.dav.property_update import changes, refused_properties, too_large
from dav_gateway.dav.site import Site
from dav_gateway.service import homes
from dav_gateway.service.request import DavRequest
from dav_gateway.store import collections, objects
from dav_gateway.store.errors import CollectionExists

COMPONENT_SET = clark("C:supported-calendar-component-set")
RESOURCETYPE = clark("D:resourcetype")
KIND_OF = {Scope.CALENDARS: clark("C:calendar"), Scope.CONTACTS: clark("CR:addressbook")}
MAX_COLLECTION_NAME = 128


def make(request: DavRequest, site: Site, resource: Resource | None, method: str, body: Element | None) -> Response:
    """MKCALENDAR or MKCOL: an empty calendar in the calendars home, an empty address book in the contacts home."""
    asked = changes(body, "C:mkcalendar" if method == "MKCALENDAR" else "D:mkcol")
    if resource is None or resource.kind is not Kind.COLLECTION or resource.home is None:
        return _elsewhere(request, resource, method)
    if homes.find(request.connection, request.granted.account, resource.home, resource.collection) is not None:
        return _occupied(resource, method)
    whole = dict(asked)
    refusal = _refused_kind(resource.home, method, asked.pop(RESOURCETYPE, None))
    if refusal is not None:
        return refusal
    components = _components(asked.pop(COMPONENT_SET, None)) if resource.home is Scope.CALENDARS else ()
    # Of every property that was sent the answer says something, those that say what is made among them.
    refused = refused_properties(whole, lambda name: name in asked and name in properties.PROTECTED)
    if refused:
        return _not_made(request, method, refused)
    stored = dead.updated({}, asked)
    if too_large(stored):
        return answers.plain(HTTPStatus.FORBIDDEN, "The properties of the collection are too long.")
    unfit = unfit_collection_name(resource)
    if unfit is not None:
        return unfit
    connection = request.begin_write()
    full = quota.of_collections(request, site)
    if full is not None:
        return full
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
        return _occupied(resource, method)
    return answers.empty(HTTPStatus.CREATED, {"Cache-Control": "no-cache"})


def _elsewhere(request: DavRequest, resource: Resource | None, method: str) -> Response:
    """The answer where no collection can be: in one that is not there 409 (RFC 4918 section 9.3.1)."""
    if resource is None or resource.kind is not Kind.OBJECT or resource.home is None:
        return _misplaced(method)
    parent = homes.find(request.connection, request.granted.account, resource.home, resource.collection)
    if parent is None:
        return answers.plain(HTTPStatus.CONFLICT, "The collection that this one would be in does not exist.")
    taken = objects.get(request.connection, parent.id, resource.name) is not None
    return _occupied(resource, method) if taken else _misplaced(method)


def _occupied(resource: Resource, method: str) -> Response:
    """403 with the precondition of RFC 4791 section 5.3.1.1 for MKCALENDAR, 405 for MKCOL (RFC 4918 section 9.3.1)."""
    told = "There is something at this address already."
    if method == "MKCALENDAR":
        return answers.precondition(HTTPStatus.FORBIDDEN, "D:resource-must-be-null", told)
    return answers.not_allowed(allow(resource, there=True), told)


def _not_made(request: DavRequest, method: str, propstats: list[str]) -> Response:
    """207 for MKCALENDAR (RFC 4791 section 5.3.1), 403 with a mkcol-response for MKCOL (RFC 5689 section 3.5)."""
    if method == "MKCALENDAR":
        return answers.many(multistatus([response(request.href, *propstats)]))
    body = f"{DECLARATION}<D:mkcol-response {DECLARATIONS}>{''.join(propstats)}</D:mkcol-response>"
    return HTTPStatus.FORBIDDEN, {"Content-Type": XML_TYPE}, body.encode(), None


def unfit_collection_name(resource: Resource) -> Own | None:
    """403 for a collection's name that is too long or has more than one line, None for one that can be stored."""
    if len(resource.collection.encode()) > MAX_COLLECTION_NAME or "\n" in resource.collection:
        return answers.plain(HTTPStatus.FORBIDDEN, "The name of the collection is too long, or not one line.")
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
