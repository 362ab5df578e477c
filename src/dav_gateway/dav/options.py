"""OPTIONS: the DAV classes and methods that work here.

DAVx5 decides by the DAV header of an authenticated OPTIONS which services exist, so a scope that the credential lacks
is not named. Thunderbird, Evolution and cadaver ask without credentials and are told everything.
"""

from dav_gateway.core.scope import Kind, Resource, Scope
from dav_gateway.dav.answers import Long
from dav_gateway.dav.site import CLASSES
from dav_gateway.service.request import DavRequest

FEATURES = {Scope.CALENDARS: "calendar-access", Scope.CONTACTS: "addressbook"}
LISTING = ("OPTIONS", "PROPFIND", "PROPPATCH", "REPORT")
METHODS = {
    Kind.ROOT: LISTING,
    Kind.PRINCIPAL: LISTING,
    Kind.HOME: LISTING,
    Kind.COLLECTION: (
        "COPY", "DELETE", "GET", "HEAD", "MKCALENDAR", "MKCOL", "MOVE", "OPTIONS", "PROPFIND", "PROPPATCH", "REPORT",
    ),
    Kind.OBJECT: ("COPY", "DELETE", "GET", "HEAD", "MOVE", "OPTIONS", "PROPFIND", "PROPPATCH", "PUT", "REPORT"),
}  # fmt: skip


def dav_header(request: DavRequest) -> str:
    """The value of the DAV header for the credential of this request."""
    features = [feature for scope, feature in FEATURES.items() if request.grant is None or request.grant.has(scope)]
    return ", ".join([CLASSES, *features])


def with_dav_header(request: DavRequest, response: Long) -> Long:
    """The answer with the DAV header: some clients look for it on a PROPFIND and never send OPTIONS."""
    status, headers, body, logged = response
    return status, {**dict(headers), "DAV": dav_header(request)}, body, logged


def allow(resource: Resource | None, *, there: bool = False) -> str:
    """The value of the Allow header for what can be at such an address, or for what is `there` for certain."""
    methods = METHODS[resource.kind] if resource else ("OPTIONS",)
    unfit = {"MKCALENDAR", "MKCOL"} if there else {"MKCALENDAR"} if resource and resource.home is Scope.CONTACTS else ()
    return ", ".join(each for each in methods if each not in unfit)


def offered(request: DavRequest, resource: Resource | None) -> dict[str, str]:
    """Headers of the answer."""
    return {"Allow": allow(resource), "DAV": dav_header(request), "Content-Length": "0"}
