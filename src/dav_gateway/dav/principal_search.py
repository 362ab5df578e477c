"""Reports about principals: acl-principal-prop-set, principal-match, principal-property-search and
principal-search-property-set (RFC 3744 sections 9.2 to 9.5).

A credential knows one principal, its own: that others exist is not told. Whom one can write to is in the company
directory, which opens with the scope for contacts.
"""

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from itertools import islice
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import unescape

from dav_gateway.core.account import Account
from dav_gateway.core.scope import Kind, Permission
from dav_gateway.dav import answers, dead, properties, propfind, view
from dav_gateway.dav.answers import Long, Response
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.multistatus import DECLARATION, HREF, XML_TYPE
from dav_gateway.dav.names import DECLARATIONS, clark, element
from dav_gateway.dav.site import Site
from dav_gateway.dav.view import View, principal_path
from dav_gateway.dav.wanted import Wanted
from dav_gateway.service.request import DavRequest
from dav_gateway.store import object_properties, objects

OF_ACL, MATCH, SEARCH, PROPERTY_SET = (
    clark(f"D:{name}")
    for name in (
        "acl-principal-prop-set", "principal-match", "principal-property-search", "principal-search-property-set",
    )
)  # fmt: skip
SEARCHABLE = {
    "D:displayname": "Full name",
    "CS:email-address-set": "E-mail address",
    "C:calendar-user-address-set": "Calendar address",
}
_PARTS = frozenset(map(clark, ("D:property-search", "D:prop", "D:apply-to-principal-collection-set")))
MAX_MATCHES = 5_000
MAX_SEARCHES = 50
TOGETHER = 100


def answer(request: DavRequest, site: Site, looked: View, body: Element, names: tuple[str, ...]) -> Long:
    """The answer to any of the four. Raises BadXML."""
    if body.tag == PROPERTY_SET:
        return _searchable(body)
    ways = {
        OF_ACL: lambda: _in_acl(looked, body),
        MATCH: lambda: _matching(request, site, looked, body),
        SEARCH: lambda: _found(looked, body),
    }
    found = list(islice(ways[body.tag](), MAX_MATCHES + 1))
    if len(found) > MAX_MATCHES:
        return answers.precondition(
            HTTPStatus.INSUFFICIENT_STORAGE, "D:number-of-matches-within-limits", f"There are more than {MAX_MATCHES}."
        )
    wanted = Wanted(names=names or (_beside(body) if body.tag == SEARCH else ()))
    kept = not properties.TABLES[Kind.OBJECT].keys() >= {*wanted.names}
    views = (_with_kept(each) if kept and each.kind is Kind.OBJECT else each for each in found)
    return answers.in_pieces(propfind.described(each, site, wanted, brief=False) for each in views)


def _with_kept(looked: View) -> View:
    """An object with its dead properties, which the request would remember until its end: there may be thousands."""
    if looked.known is not None:
        return looked
    assert looked.collection is not None
    assert looked.object is not None
    known = object_properties.of(looked.request.connection, looked.collection.id, looked.object.name)
    return replace(looked, known=known)


def _in_acl(looked: View, body: Element) -> Iterator[View]:
    """Section 9.2: the principals that the acl of a resource names, which is the asking one (see `privileges.acl`)."""
    if body.find(clark("D:prop")) is None:
        raise BadXML("An acl-principal-prop-set names properties in a DAV:prop.")
    yield _principal(looked)


def _matching(request: DavRequest, site: Site, looked: View, body: Element) -> Iterator[View]:
    """Section 9.3: what below the resource is the asking principal, or has it in the named property."""
    instructions = [each for each in body if each.tag != clark("D:prop")]
    if len(instructions) != 1:
        raise BadXML("A principal-match has one of self and principal-property.")
    [instruction] = instructions
    if instruction.tag == clark("D:self"):
        if looked.kind in (Kind.ROOT, Kind.PRINCIPAL):  # below a home there are no principals
            yield _principal(looked)
        return
    if instruction.tag != clark("D:principal-property") or len(instruction) != 1:
        raise BadXML("A principal-match has one of self and principal-property.")
    yield from _pointing(request, site, looked, instruction[0].tag)


def _pointing(request: DavRequest, site: Site, looked: View, name: str) -> Iterator[View]:
    """What is below a resource, to any depth, and names the asking principal in this property."""
    if looked.kind is Kind.COLLECTION and name not in properties.TABLES[Kind.OBJECT]:
        yield from _with_dead_property(request, looked, name)
        return
    for child in view.children(request, looked):
        if _names_principal(looked, properties.value(child, site, name)):
            yield child
        yield from _pointing(request, site, child, name)


def _with_dead_property(request: DavRequest, looked: View, name: str) -> Iterator[View]:
    """Those objects of a collection of which this is true, told by their dead properties alone."""
    assert looked.collection is not None
    number = looked.collection.id
    kept = object_properties.inside(request.connection, number)
    names = iter([each for each, stored in kept if _names_principal(looked, dead.read(stored, name))])
    while some := list(islice(names, TOGETHER)):
        known = object_properties.of_many(request.connection, number, some)
        for stored in objects.get_many(request.connection, number, some, octets=False):
            yield replace(view.member(looked, stored), known=known[stored.name])


def _names_principal(looked: View, value: str | None) -> bool:
    """Whether there is an href of the asking principal in a property."""
    own = principal_path(looked.account).rstrip("/")
    return value is not None and any(
        unquote(urlsplit(unescape(found[1].strip())).path).rstrip("/") == own for found in HREF.finditer(value)
    )


def _found(looked: View, body: Element) -> Iterator[View]:
    """Section 9.4: the asking principal, when the properties that are searched contain the texts."""
    test = body.get("test", "allof")
    searches = body.findall(clark("D:property-search"))
    if test not in ("allof", "anyof") or len(searches) > MAX_SEARCHES:
        raise BadXML("A principal-property-search has property-search elements, and a test that is allof or anyof.")
    results = [_matches(looked.account, each) for each in searches]
    if not results or (any if test == "anyof" else all)(results):  # python-caldav lists all by searching for nothing
        yield _principal(looked)


def _beside(body: Element) -> tuple[str, ...]:
    """What python-caldav asks for: it writes the properties beside DAV:prop."""
    return tuple(each.tag for each in body if each.tag not in _PARTS)


def _matches(account: Account, search: Element) -> bool:
    prop, match = search.find(clark("D:prop")), search.find(clark("D:match"))
    if prop is None or match is None:
        raise BadXML("A property-search has prop and match.")
    text = "".join(match.itertext()).strip().casefold()
    values = {
        clark("D:displayname"): (account.display_name,),
        clark("CS:email-address-set"): (account.email,),
        clark("C:calendar-user-address-set"): (f"mailto:{account.email}", principal_path(account)),
    }
    return len(prop) > 0 and all(any(text in value.casefold() for value in values.get(each.tag, ())) for each in prop)


def _principal(looked: View) -> View:
    return View(Kind.PRINCIPAL, principal_path(looked.account), looked.request, Permission.READ)


def _searchable(body: Element) -> Response:
    """Section 9.5."""
    if len(body):
        raise BadXML("A principal-search-property-set is an empty element.")
    told = "".join(
        element(
            clark("D:principal-search-property"),
            f'<D:prop>{element(clark(name))}</D:prop><D:description xml:lang="en">{description}</D:description>',
        )
        for name, description in SEARCHABLE.items()
    )
    root = "D:principal-search-property-set"
    text = f"{DECLARATION}<{root} {DECLARATIONS}>{told}</{root}>"
    return HTTPStatus.OK, {"Content-Type": XML_TYPE}, text.encode(), None
