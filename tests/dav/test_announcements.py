"""What is announced works, and what is not is refused: OPTIONS (RFC 9110 section 9.3.7, RFC 4918 section 10.1) and
supported-report-set (RFC 3253 section 3.1.5) are walked through on every kind of resource."""

from xml.etree.ElementTree import fromstring

import pytest

from dav_gateway.core.scope import Access, Scope
from tests.dav.support import EVENT, Reply, Rig, calendar_object

SPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav"'
BOTH = {Scope.CALENDARS, Scope.CONTACTS}
HOME = "/dav/ana/calendars/"
CALENDAR = HOME + "calendar/"
OBJECT = CALENDAR + "e1.ics"
PLACES = {
    "/dav/": "root",
    "/dav/ana/": "principal",
    HOME: "home",
    "/dav/ana/contacts/": "home",
    CALENDAR: "collection",
    "/dav/ana/contacts/contacts/": "collection",
    OBJECT: "object",
    "/dav/ana/contacts/contacts/c1.vcf": "object",
}
METHODS = [
    "ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CONNECT", "COPY", "DELETE", "GET", "HEAD", "LABEL", "LOCK", "MERGE",
    "MKACTIVITY", "MKCALENDAR", "MKCOL", "MKWORKSPACE", "MOVE", "OPTIONS", "ORDERPATCH", "PATCH", "POST", "PROPFIND",
    "PROPPATCH", "PUT", "REBIND", "REPORT", "SEARCH", "TRACE", "UNBIND", "UNLOCK", "VERSION-CONTROL",
]  # fmt: skip
XML = {
    "PROPFIND": f"<D:propfind {SPACES}><D:allprop/></D:propfind>",
    "PROPPATCH": f"<D:propertyupdate {SPACES}><D:set><D:prop><D:x>1</D:x></D:prop></D:set></D:propertyupdate>",
    "REPORT": f"<D:expand-property {SPACES}><D:property name='owner'/></D:expand-property>",
}


def options(rig: Rig, path: str, password: str | None) -> dict[str, set[str]]:
    headers = rig.request("OPTIONS", path, password=password).headers
    return {name: {part.strip() for part in headers[name].split(",")} for name in ("Allow", "DAV")}


def use(rig: Rig, method: str, path: str, password: str) -> Reply:
    """The method as a client would use it there."""
    kind = PLACES[path]
    body = XML.get(method, "").encode()
    if method in ("COPY", "MOVE"):
        home = HOME if path.startswith(HOME) else "/dav/ana/contacts/"
        target = f"{home}second/x" if kind == "object" else f"{home}{method.lower()}/"
        return rig.request(method, path, password=password, destination=target)
    if method == "PUT":
        body = rig.request("GET", path, password=password).body
    if method in ("MKCOL", "MKCALENDAR"):
        path = path.replace("/calendar/", f"/{method}/").replace("/contacts/contacts/", f"/contacts/{method}/")
        kind_of = "<C:calendar/>" if "calendars" in path else "<CR:addressbook/>"
        if method == "MKCOL":
            kinds = f"<D:resourcetype><D:collection/>{kind_of}</D:resourcetype>"
            body = f"<D:mkcol {SPACES}><D:set><D:prop>{kinds}</D:prop></D:set></D:mkcol>".encode()
    return rig.request(method, path, body, password=password, depth="0" if method in ("PROPFIND", "REPORT") else None)


@pytest.fixture
def password(rig: Rig) -> str:
    rig.seed()
    password = rig.password(BOTH)
    assert rig.request("MKCALENDAR", HOME + "second/", password=password).status == 201
    body = (
        f"<D:mkcol {SPACES}><D:set><D:prop><D:resourcetype><D:collection/><CR:addressbook/></D:resourcetype></D:prop>"
        "</D:set></D:mkcol>"
    )
    assert rig.request("MKCOL", "/dav/ana/contacts/second/", body.encode(), password=password).status == 201
    return password


@pytest.mark.parametrize("path", PLACES)
def test_every_method_that_is_allowed_works(rig: Rig, password: str, path: str) -> None:
    allowed = options(rig, path, password)["Allow"]
    assert allowed == options(rig, path, None)["Allow"]
    for method in sorted(allowed, key=lambda name: (name in ("MOVE", "DELETE"), name == "DELETE", name)):
        if method == "DELETE" and PLACES[path] in ("object", "collection") and "MOVE" in allowed:
            continue  # it has moved away; see below
        reply = use(rig, method, path, password)
        assert 200 <= reply.status < 300, (method, reply.status, reply.body)


@pytest.mark.parametrize("path", [path for path, kind in PLACES.items() if kind in ("object", "collection")])
def test_deleting_is_allowed_and_works(rig: Rig, password: str, path: str) -> None:
    assert "DELETE" in options(rig, path, password)["Allow"]
    assert rig.request("DELETE", path, password=password).status == 204


@pytest.mark.parametrize("path", PLACES)
def test_every_other_method_is_405_or_forbidden_and_changes_nothing(rig: Rig, password: str, path: str) -> None:
    """RFC 9110 section 15.5.6: 405 tells what is allowed; where only the place is wrong the answer says so with its
    precondition."""
    allowed = options(rig, path, password)["Allow"]
    before = rig.everything()
    for method in METHODS:
        if method in allowed:
            continue
        body = b"" if method.startswith("MK") else EVENT
        reply = rig.request(method, path, body, password=password, destination=path + "x")
        assert reply.status in (405, 403, 409), (method, reply.status)
        if reply.status == 405:
            assert set(reply.headers["Allow"].split(", ")) == allowed, method
    assert rig.everything() == before


def test_the_classes(rig: Rig, password: str) -> None:
    """Each token of the DAV header, and none that does not hold (RFC 4918 section 18, RFC 4791 section 5.1, RFC 6352
    section 6.1, RFC 5689 section 3.1)."""
    classes = options(rig, CALENDAR, password)["DAV"]
    assert classes == {"1", "3", "extended-mkcol", "calendar-access", "addressbook"}
    for lacking in ("2", "access-control", "calendar-auto-schedule", "calendar-proxy", "version-control", "bind"):
        assert lacking not in classes
    assert rig.request("LOCK", OBJECT, password=password).status == 405
    assert use(rig, "MKCOL", CALENDAR, password).status == 201


REPORTS = {
    "D:expand-property": "<D:property name='owner'/>",
    "D:principal-match": "<D:self/>",
    "D:principal-property-search": (
        "<D:property-search><D:prop><D:displayname/></D:prop><D:match>x</D:match></D:property-search>"
    ),
    "D:principal-search-property-set": "",
    "D:acl-principal-prop-set": "<D:prop><D:displayname/></D:prop>",
    "D:version-tree": "",
    "D:sync-collection": "<D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>",
    "C:calendar-query": "<D:prop/><C:filter><C:comp-filter name='VCALENDAR'/></C:filter>",
    "C:calendar-multiget": "<D:prop/><D:href>/dav/x</D:href>",
    "C:free-busy-query": "<C:time-range start='20260101T000000Z' end='20260102T000000Z'/>",
    "CR:addressbook-query": "<D:prop/><CR:filter/>",
    "CR:addressbook-multiget": "<D:prop/><D:href>/dav/x</D:href>",
}
NAMES = {"DAV:": "D", "urn:ietf:params:xml:ns:caldav": "C", "urn:ietf:params:xml:ns:carddav": "CR"}


@pytest.mark.parametrize("path", PLACES)
def test_every_report_that_is_announced_works_and_no_other(rig: Rig, password: str, path: str) -> None:
    body = f"<D:propfind {SPACES}><D:prop><D:supported-report-set/></D:prop></D:propfind>".encode()
    found = fromstring(rig.request("PROPFIND", path, body, password=password, depth="0").body)
    tags = [report[0].tag for report in found.iter("{DAV:}report")]
    announced = {f"{NAMES[tag[1:].partition('}')[0]]}:{tag.partition('}')[2]}" for tag in tags}
    assert announced <= set(REPORTS)
    assert announced
    for name, inner in REPORTS.items():
        report = f"<{name} {SPACES}>{inner}</{name}>".encode()
        reply = rig.request("REPORT", path, report, password=password)
        if name in announced:
            assert reply.status in (200, 207), (name, reply.body)
        else:
            assert (name, reply.status, b"<D:supported-report/>" in reply.body) == (name, 403, True)


@pytest.mark.parametrize("path", PLACES)
def test_every_property_that_is_named_can_be_had(rig: Rig, password: str, path: str) -> None:
    """RFC 4918 section 9.1: propname lists what prop gives; a protected one is refused, each by its name."""
    names_body = f"<D:propfind {SPACES}><D:propname/></D:propfind>".encode()
    found = fromstring(rig.request("PROPFIND", path, names_body, password=password, depth="0").body)
    tags = [each.tag for each in next(found.iter("{DAV:}prop"))]
    asked = "".join(f"<x:{tag.partition('}')[2]} xmlns:x='{tag[1:].partition('}')[0]}'/>" for tag in tags)
    body = f"<D:propfind {SPACES}><D:prop>{asked}</D:prop></D:propfind>".encode()
    reply = rig.request("PROPFIND", path, body, password=password, depth="0")
    assert b"404 Not Found" not in reply.body
    for tag in tags:
        if tag == "{DAV:}displayname":
            continue
        one = f"<x:{tag.partition('}')[2]} xmlns:x='{tag[1:].partition('}')[0]}'/>"
        patch = f"<D:propertyupdate {SPACES}><D:set><D:prop>{one}</D:prop></D:set></D:propertyupdate>".encode()
        refused = rig.request("PROPPATCH", path, patch, password=password)
        assert (tag, refused.status, b"cannot-modify-protected-property" in refused.body) == (tag, 207, True)


def test_who_may_only_read_is_told_the_same_methods_and_refused_each(rig: Rig, password: str) -> None:
    """Allow is of the resource (RFC 9110 section 10.2.1); current-user-privilege-set tells of the credential."""
    reading = rig.password(BOTH, access=Access.READ_ONLY)
    before = rig.everything()
    assert options(rig, CALENDAR, reading) == options(rig, CALENDAR, password)
    for method in ("PUT", "DELETE", "MOVE"):
        assert use(rig, method, OBJECT, reading).status == 403
    changed = rig.request("PUT", CALENDAR + "new.ics", calendar_object("new"), password=reading)
    assert changed.status == 403
    assert rig.everything() == before
