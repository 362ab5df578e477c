"""Principals and privileges: RFC 3744 sections 4, 5 and 9, RFC 3253 section 3.8. A credential knows its own only."""

import tracemalloc
from xml.etree.ElementTree import fromstring

import pytest

from dav_gateway.core.scope import Access, Scope
from dav_gateway.dav import answers
from dav_gateway.service.request import DavRequest
from tests.dav.support import Reply, Rig, calendar_object
from tests.dav.test_kept_properties import patch

BOTH = {Scope.CALENDARS, Scope.CONTACTS}
SPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav" '
    'xmlns:CS="http://calendarserver.org/ns/"'
)
ME = "/dav/ana/"
CALENDAR, OTHER_CALENDAR, CONTACTS = f"{ME}calendars/calendar/", f"{ME}calendars/tasks/", f"{ME}contacts/"


def report(rig: Rig, password: str, path: str, name: str, inner: str = "", **options: str) -> Reply:
    depth = options.pop("depth", None)
    said = "".join(f' {key}="{value}"' for key, value in options.items())
    body = f"<{name} {SPACES}{said}>{inner}</{name}>".encode()
    return rig.request("REPORT", path, body, password=password, depth=depth)


def search(text: str, prop: str = "D:displayname") -> str:
    return f"<D:property-search><D:prop><{prop}/></D:prop><D:match>{text}</D:match></D:property-search>"


@pytest.mark.parametrize(
    ("searches", "test", "found"),
    [
        (search("ruiz"), "allof", [ME]),
        (search("ANA"), "allof", [ME]),
        (search("ben"), "allof", []),
        (search("Okafor"), "allof", []),
        (search("ana@example", "CS:email-address-set"), "allof", [ME]),
        (search("ana@example", "C:calendar-user-address-set"), "allof", [ME]),
        (search("ben@example", "C:calendar-user-address-set"), "allof", []),
        (search("Ana") + search("nobody"), "allof", []),
        (search("Ana") + search("nobody"), "anyof", [ME]),
        (search("Ana", "D:resourcetype"), "anyof", []),
    ],
)
def test_a_search_finds_oneself_or_nobody(rig: Rig, searches: str, test: str, found: list[str]) -> None:
    """RFC 3744 section 9.4. That ben exists is not told."""
    password = rig.password(BOTH)
    for path in ("/dav/", ME):
        inner = (
            f"{searches}<D:prop><D:displayname/><C:calendar-home-set/></D:prop><D:apply-to-principal-collection-set/>"
        )
        reply = report(rig, password, path, "D:principal-property-search", inner, test=test)
        assert (reply.status, reply.hrefs()) == (207, found)
        assert (b"/dav/ana/calendars/" in reply.body) is bool(found)


def test_a_search_as_python_caldav_writes_it(rig: Rig) -> None:
    """It lists all by searching for nothing, and names the properties beside DAV:prop."""
    for searches in ("", search("ana")):
        inner = f"{searches}<D:prop/><C:calendar-home-set/><D:displayname/>"
        reply = report(rig, rig.password(BOTH), "/dav/", "D:principal-property-search", inner)
        assert reply.hrefs()[0] == ME
        assert b"<D:displayname>Ana Ruiz</D:displayname>" in reply.body


def test_a_search_tells_what_the_scope_opens(rig: Rig) -> None:
    inner = search("ana") + "<D:prop><C:calendar-home-set/><CR:addressbook-home-set/></D:prop>"
    body = report(rig, rig.password({Scope.CONTACTS}), "/dav/", "D:principal-property-search", inner).body
    assert b"/dav/ana/contacts/" in body
    assert b"/dav/ana/calendars/" not in body


@pytest.mark.parametrize(
    ("name", "inner", "options"),
    [
        ("D:principal-property-search", search("x"), {"test": "someof"}),
        ("D:principal-property-search", "<D:property-search><D:match>x</D:match></D:property-search>", {}),
        ("D:principal-property-search", search("x") * 51, {}),
        ("D:principal-property-search", search("x"), {"depth": "1"}),
        ("D:principal-property-search", search("x"), {"depth": "infinity"}),
        ("D:principal-match", "", {}),
        ("D:principal-match", "<D:self/><D:principal-property><D:owner/></D:principal-property>", {}),
        ("D:principal-match", "<D:principal-property/>", {}),
        ("D:principal-match", "<D:self/>", {"depth": "1"}),
        ("D:principal-match", "<D:self/><D:prop/><D:prop/>", {}),
        ("D:acl-principal-prop-set", "", {}),
        ("D:acl-principal-prop-set", "<D:prop/><D:prop/>", {}),
        ("D:acl-principal-prop-set", "<D:prop/>", {"depth": "1"}),
        ("D:acl-principal-prop-set", "<D:prop/>", {"depth": "infinity"}),
        ("D:principal-search-property-set", "<D:x/>", {}),
        ("D:principal-search-property-set", "", {"depth": "infinity"}),
        ("D:expand-property", '<D:property name="no name"/>', {}),
        ("D:expand-property", '<D:property name="no²"/>', {}),
        ("D:expand-property", '<D:property name="x"/>' * 401, {}),
    ],
)
def test_reports_that_contradict_themselves(rig: Rig, name: str, inner: str, options: dict[str, str]) -> None:
    assert report(rig, rig.password(BOTH), "/dav/", name, inner, **options).status == 400


def test_what_can_be_searched(rig: Rig) -> None:
    """RFC 3744 section 9.5."""
    reply = report(rig, rig.password(BOTH), "/dav/", "D:principal-search-property-set", depth="0")
    assert reply.status == 200
    root = fromstring(reply.body)
    assert root.tag == "{DAV:}principal-search-property-set"
    names = [prop[0].tag for prop in root.iterfind("{DAV:}principal-search-property/{DAV:}prop")]
    assert "{DAV:}displayname" in names
    assert len(names) == len(root.findall("{DAV:}principal-search-property/{DAV:}description"))


@pytest.mark.parametrize("path", ["/dav/", ME, CALENDAR, f"{CALENDAR}e1.ics", f"{CONTACTS}employees/"])
def test_the_principals_of_an_acl(rig: Rig, path: str) -> None:
    """RFC 3744 section 9.2: one, which is asking; of somebody else's resource nothing is told."""
    rig.seed()
    asked = "<D:prop><D:displayname/><D:nothing/></D:prop>"
    reply = report(rig, rig.password(BOTH), path, "D:acl-principal-prop-set", asked)
    assert (reply.status, reply.hrefs(), reply.text_of("{DAV:}displayname")) == (207, [ME], "Ana Ruiz")
    if path.startswith(ME):
        his = path.replace("ana", "ben")
        assert report(rig, rig.password(BOTH), his, "D:acl-principal-prop-set", asked).status == 403


def test_matching_oneself(rig: Rig) -> None:
    """RFC 3744 section 9.3."""
    password = rig.password(BOTH)
    for path in ("/dav/", ME):
        reply = report(rig, password, path, "D:principal-match", "<D:self/><D:prop><D:displayname/></D:prop>")
        assert reply.hrefs() == [ME]
        assert b"Ana Ruiz" in reply.body
    assert report(rig, password, "/dav/", "D:principal-match", "<D:self/>").hrefs() == [ME]
    for path in (f"{ME}calendars/", CALENDAR, f"{CONTACTS}contacts/"):
        reply = report(rig, password, path, "D:principal-match", "<D:self/>")
        assert (reply.status, reply.hrefs()) == (207, [])


def test_matching_what_one_owns(rig: Rig) -> None:
    rig.seed()
    owner = "<D:principal-property><D:owner/></D:principal-property><D:prop><D:owner/></D:prop>"
    found = report(rig, rig.password({Scope.CALENDARS}), "/dav/", "D:principal-match", owner).hrefs()
    assert "/dav/ana/calendars/calendar/e1.ics" in found
    assert not any("contacts" in href or "ben" in href for href in found)
    found = report(rig, rig.password({Scope.CONTACTS}), ME, "D:principal-match", owner).hrefs()
    assert "/dav/ana/contacts/contacts/c1.vcf" in found
    assert not any("employees" in href for href in found)  # the company's, not hers
    other = "<D:principal-property><C:nothing/></D:principal-property>"
    assert report(rig, rig.password(BOTH), ME, "D:principal-match", other).hrefs() == []


@pytest.mark.parametrize(("path", "found"), [("/dav/", True), (ME, True), (CALENDAR, True), (OTHER_CALENDAR, False)])
def test_matching_whom_a_dead_property_names(rig_anywhere: Rig, path: str, *, found: bool) -> None:
    """RFC 3744 section 9.3: any property that holds a principal's href; objects have them as dead properties."""
    rig = rig_anywhere
    rig.seed()
    password = rig.password(BOTH)
    for name in ("e2", "e3", "e4"):
        assert rig.request("PUT", f"{CALENDAR}{name}.ics", calendar_object(name), password=password).status == 201
    hers, his = "<D:href> /dav/ana/ </D:href>", "<D:href>/dav/ben/</D:href><D:href>/dav/ana/x</D:href>"
    for name, inner in (("e1.ics", hers), ("e2.ics", his), ("e3.ics", his + hers), ("", hers)):
        assert b"200 OK" in patch(rig, password, f"{CALENDAR}{name}", f"<Y:for>{inner}</Y:for>").body
    wanted = '<D:principal-property><for xmlns="urn:y"/></D:principal-property><D:prop><D:getetag/></D:prop>'
    reply = report(rig, password, path, "D:principal-match", wanted)
    assert reply.status == 207
    expected = [f"{CALENDAR}e1.ics", f"{CALENDAR}e3.ics"]
    itself = [] if path == CALENDAR else [CALENDAR]
    assert sorted(reply.hrefs()) == (sorted(itself + expected) if found else [])
    other = rig.password({Scope.CONTACTS})
    refused = report(rig, other, path, "D:principal-match", wanted)
    assert refused.status == 403 if path.startswith(f"{ME}calendars/") else refused.hrefs() == []


def test_what_matches_is_told_piece_by_piece(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be thousands of objects: no more of it is in memory at once than of a listing."""
    rig.seed()
    password = rig.password(BOTH)
    owner = "<D:principal-property><D:owner/></D:principal-property><D:prop><D:owner/></D:prop>"
    report(rig, password, ME, "D:principal-match", owner)
    monkeypatch.setattr(answers, "MOST_WHOLE", 100)
    assert report(rig, password, ME, "D:principal-match", owner).status == 207
    assert report(rig, password, "/dav//ana/", "D:principal-match", owner).status == 503


def test_what_matches_is_not_remembered(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen kilobytes of each of five thousand objects."""
    rig.seed()
    password = rig.password(BOTH)
    assert b"200 OK" in patch(rig, password, f"{CALENDAR}e1.ics", "<Y:see>told</Y:see>").body
    monkeypatch.setattr(DavRequest, "kept_of", None)
    wanted = '<D:principal-property><D:owner/></D:principal-property><D:prop><see xmlns="urn:y"/></D:prop>'
    reply = report(rig, password, CALENDAR, "D:principal-match", wanted)
    assert (reply.status, reply.hrefs(), b">told<" in reply.body) == (207, [f"{CALENDAR}e1.ics"], True)


def prop(name: str, inner: str = "", namespace: str = "") -> str:
    said = f' namespace="{namespace}"' if namespace else ""
    return f'<D:property name="{name}"{said}>{inner}</D:property>'


def test_expanding_what_properties_point_to(rig: Rig) -> None:
    """RFC 3253 section 3.8, as Apple's programs ask it."""
    caldav = "urn:ietf:params:xml:ns:caldav"
    inner = prop("displayname") + prop(
        "current-user-principal",
        prop("displayname") + prop("calendar-home-set", prop("resourcetype"), caldav) + prop("nothing"),
    )
    reply = report(rig, rig.password(BOTH), "/dav/ana/calendars/calendar/", "D:expand-property", inner)
    assert reply.status == 207
    root = fromstring(reply.body)
    outer = root.find("{DAV:}response")
    assert outer is not None
    nested = outer.find("{DAV:}propstat/{DAV:}prop/{DAV:}current-user-principal/{DAV:}response")
    assert nested is not None
    assert nested.findtext("{DAV:}href") == ME
    assert nested.findtext("{DAV:}propstat/{DAV:}prop/{DAV:}displayname") == "Ana Ruiz"
    home = nested.find(f"{{DAV:}}propstat/{{DAV:}}prop/{{{caldav}}}calendar-home-set/{{DAV:}}response")
    assert home is not None
    assert home.findtext("{DAV:}href") == "/dav/ana/calendars/"
    assert b"404 Not Found" in reply.body


def test_expanding_what_a_dead_property_points_to(rig: Rig) -> None:
    """What is somebody else's stays an href, and nothing of it is told."""
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    event = f"{CALENDAR}e1.ics"
    hrefs = "".join(f"<D:href>{path}</D:href>" for path in (event, "/dav/ben/calendars/calendar/e1.ics", CONTACTS))
    assert b"200 OK" in patch(rig, password, CALENDAR, f"<Y:see>{hrefs}</Y:see>").body
    body = report(rig, password, CALENDAR, "D:expand-property", prop("see", prop("getcontentlength"), "urn:y")).body
    [told] = fromstring(body).iterfind("{DAV:}response/{DAV:}propstat/{DAV:}prop/{urn:y}see")
    assert [each.tag for each in told] == ["{DAV:}response", "{DAV:}href", "{DAV:}href"]
    assert told.findtext("{DAV:}response/{DAV:}href") == event
    assert body.count(b"getcontentlength") == 2


@pytest.mark.parametrize(
    ("stored", "inner", "deep"),
    [
        (f"<D:href>{ME}</D:href>" * 30, '<D:property name="displayname"/>', 3),  # in a circle: 30 times 30 times 30
        (f"<D:href>{ME}</D:href>" * 401, '<D:property name="displayname"/>', 1),
        (f"<D:href>{ME}</D:href>{'x' * 100_000}", '<D:property name="see" namespace="urn:y"/>' * 90, 1),
    ],
)
def test_expanding_ends(rig: Rig, stored: str, inner: str, deep: int) -> None:
    """What a client stores may point to itself as often as it likes."""
    password = rig.password({Scope.CALENDARS})
    assert b"200 OK" in patch(rig, password, ME, f"<Y:see>{stored}</Y:see>").body
    for _ in range(deep):
        inner = prop("see", inner, "urn:y")
    reply = report(rig, password, ME, "D:expand-property", inner)
    assert (reply.status, b"number-of-matches-within-limits" in reply.body) == (507, True)


def test_expanding_holds_no_objects(rig: Rig) -> None:
    """One that points to itself, sixty levels deep: each of them had its ten megabytes in memory."""
    password = rig.password({Scope.CALENDARS})
    event, size = f"{CALENDAR}e1.ics", 1_000_000
    octets = calendar_object("e1", f"DESCRIPTION:{'x' * size}")
    assert rig.request("PUT", event, octets, password=password).status == 201
    for path in (CALENDAR, event):
        assert b"200 OK" in patch(rig, password, path, f"<Y:see><D:href>{event}</D:href></Y:see>").body
    inner = prop("getcontentlength")
    for _ in range(40):
        inner = prop("see", inner, "urn:y")
    report(rig, password, CALENDAR, "D:expand-property", prop("owner"))
    del octets
    tracemalloc.start()
    try:
        reply = report(rig, password, CALENDAR, "D:expand-property", inner)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (reply.status, reply.body.count(b"<D:getcontentlength>")) == (207, 1)
    assert peak < 10 * size


def test_expanding_leaves_what_is_no_resource(rig: Rig) -> None:
    inner = prop("calendar-user-address-set", prop("displayname"), "urn:ietf:params:xml:ns:caldav")
    reply = report(rig, rig.password({Scope.CALENDARS}), ME, "D:expand-property", inner)
    assert b"<D:href>mailto:ana@example.org</D:href>" in reply.body
    assert reply.body.count(b"Ana Ruiz") == 1


PRIVILEGES = (
    b'<D:propfind xmlns:D="DAV:"><D:prop><D:acl/><D:supported-privilege-set/><D:acl-restrictions/>'
    b"<D:current-user-privilege-set/><D:inherited-acl-set/><D:principal-collection-set/></D:prop></D:propfind>"
)


@pytest.mark.parametrize(
    ("path", "access", "granted"),
    [
        ("/dav/ana/calendars/calendar/", Access.READ_WRITE, {"write", "bind", "unbind", "read", "read-free-busy"}),
        ("/dav/ana/calendars/calendar/", Access.READ_ONLY, {"read", "read-free-busy"}),
        ("/dav/ana/contacts/employees/", Access.READ_WRITE, {"read"}),
        ("/dav/ana/contacts/", Access.READ_WRITE, {"read", "bind", "unbind"}),
        ("/dav/ana/contacts/", Access.READ_ONLY, {"read"}),
        ("/dav/", Access.READ_WRITE, {"read"}),
    ],
)
def test_privileges_are_told_as_they_are(rig: Rig, path: str, access: Access, granted: set[str]) -> None:
    """RFC 3744 sections 5.3 to 5.5: the entry of `acl` grants what `current-user-privilege-set` tells."""
    reply = rig.request("PROPFIND", path, PRIVILEGES, password=rig.password(BOTH, access=access), depth="0")
    assert b"404" not in reply.body
    root = fromstring(reply.body)
    told = [
        [each[0].tag.partition("}")[2] for each in found.iter("{DAV:}privilege")]
        for found in (next(root.iter("{DAV:}current-user-privilege-set")), next(root.iter("{DAV:}grant")))
    ]
    assert told[0] == told[1]
    of_interest = {"read", "read-free-busy", "write", "bind", "unbind"}
    assert set(told[0]) & of_interest == granted
    supported = next(root.iter("{DAV:}supported-privilege-set"))
    known = {each[0].tag.partition("}")[2] for each in supported.iter("{DAV:}privilege")}
    assert set(told[0]) <= known
    assert root.findtext(".//{DAV:}ace/{DAV:}principal/{DAV:}href") == ME
    assert root.find(".//{DAV:}ace/{DAV:}protected") is not None


def test_the_acl_method_is_not_offered(rig: Rig) -> None:
    password = rig.password(BOTH)
    assert (
        rig.request("ACL", "/dav/ana/calendars/calendar/", b"<D:acl xmlns:D='DAV:'/>", password=password).status == 405
    )
    offered = rig.request("OPTIONS", "/dav/ana/calendars/calendar/", password=password).headers
    assert "ACL" not in offered["Allow"]
    assert "access-control" not in offered["DAV"]


def test_a_propfind_tells_the_classes_too(rig: Rig) -> None:
    for scopes in (BOTH, {Scope.CALENDARS}):
        password = rig.password(scopes)
        found = rig.request("PROPFIND", ME, password=password).headers["DAV"]
        assert found == rig.request("OPTIONS", ME, password=password).headers["DAV"]
        assert ("addressbook" in found) is (scopes == BOTH)
