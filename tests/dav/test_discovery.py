"""Discovery shaped by the credential (RFC 6764, RFC 5397, RFC 4791 section 6.2.1, RFC 6352 section 7.1.1)."""

import pytest

from dav_gateway.core.scope import Access, Scope
from tests.dav.support import Rig

PRINCIPAL = (
    b'<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav" '
    b'xmlns:CS="http://calendarserver.org/ns/"><D:prop><D:current-user-principal/><D:principal-URL/><D:displayname/>'
    b"<C:calendar-home-set/><CR:addressbook-home-set/><C:calendar-user-address-set/><CS:email-address-set/>"
    b"<D:resourcetype/></D:prop></D:propfind>"
)
BOTH = {Scope.CALENDARS, Scope.CONTACTS}


@pytest.mark.parametrize(
    ("path", "alias"),
    [("/dav/", ""), ("/", "/"), ("/principals/", "/principals"), ("/remote.php/dav/", "/remote.php/dav")],
)
def test_every_entrance_leads_to_the_principal(rig: Rig, path: str, alias: str) -> None:
    reply = rig.request("PROPFIND", "/dav/", PRINCIPAL, password=rig.password(BOTH), depth="0", alias=alias)
    assert reply.status == 207
    assert reply.hrefs() == [path]
    assert b"<D:current-user-principal><D:href>/dav/ana/</D:href></D:current-user-principal>" in reply.body


def test_the_principal_of_a_full_password(rig: Rig) -> None:
    body = rig.request("PROPFIND", "/dav/ana/", PRINCIPAL, password=rig.password(BOTH), depth="0").body
    assert b"<C:calendar-home-set><D:href>/dav/ana/calendars/</D:href></C:calendar-home-set>" in body
    assert b"<CR:addressbook-home-set><D:href>/dav/ana/contacts/</D:href></CR:addressbook-home-set>" in body
    assert b"<D:displayname>Ana Ruiz</D:displayname>" in body
    assert b"<C:calendar-user-address-set><D:href>mailto:ana@example.org</D:href>" in body
    assert b"<D:principal/>" in body
    assert b"404" not in body


@pytest.mark.parametrize("scope", list(Scope))
def test_the_other_service_does_not_exist(rig: Rig, scope: Scope) -> None:
    password = rig.password({scope})
    other = Scope.CONTACTS if scope is Scope.CALENDARS else Scope.CALENDARS
    feature = {Scope.CALENDARS: "calendar-access", Scope.CONTACTS: "addressbook"}
    body = rig.request("PROPFIND", "/dav/ana/", PRINCIPAL, password=password, depth="0").body
    assert f"/dav/ana/{scope}/".encode() in body
    assert f"/dav/ana/{other}/".encode() not in body
    children = rig.request("PROPFIND", "/dav/ana/", b"", password=password, depth="1").hrefs()
    assert children == ["/dav/ana/", f"/dav/ana/{scope}/"]
    for path in ("/dav/ana/", f"/dav/ana/{scope}/", "/dav/"):
        offered = rig.request("OPTIONS", path, password=password).headers["DAV"]
        assert feature[scope] in offered
        assert feature[other] not in offered


def test_options_without_credentials_tell_everything(rig: Rig) -> None:
    reply = rig.request("OPTIONS", "/dav/ana/calendars/")
    assert reply.status == 200
    assert {"1", "3", "calendar-access", "addressbook", "extended-mkcol"} == set(reply.headers["DAV"].split(", "))
    assert "PROPFIND" in reply.headers["Allow"]


def test_options_with_wrong_credentials_are_refused(rig: Rig) -> None:
    assert rig.request("OPTIONS", "/dav/ana/", password="wrong").status == 401


def test_the_first_sign_in_finds_a_calendar_a_task_list_and_a_book(rig: Rig) -> None:
    password = rig.password(BOTH)
    calendars = rig.request("PROPFIND", "/dav/ana/calendars/", b"", password=password, depth="1")
    assert calendars.hrefs() == ["/dav/ana/calendars/", "/dav/ana/calendars/calendar/", "/dav/ana/calendars/tasks/"]
    books = rig.request("PROPFIND", "/dav/ana/contacts/", b"", password=password, depth="1")
    assert books.hrefs() == ["/dav/ana/contacts/", "/dav/ana/contacts/contacts/", "/dav/ana/contacts/employees/"]


def test_a_calendar_tells_what_works_on_it(rig: Rig) -> None:
    names = (
        b'<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/">'
        b"<D:prop><D:supported-report-set/><C:supported-calendar-component-set/><D:current-user-privilege-set/>"
        b"<D:sync-token/><CS:getctag/><D:getetag/><D:owner/><C:nothing/></D:prop></D:propfind>"
    )
    path = "/dav/ana/calendars/tasks/"
    body = rig.request("PROPFIND", path, names, password=rig.password({Scope.CALENDARS}), depth="0").body
    for report in (b"<D:sync-collection/>", b"<C:calendar-multiget/>", b"<C:calendar-query/>", b"<C:free-busy-query/>"):
        assert report in body
    assert b'<C:comp name="VTODO"/>' in body
    assert b"VEVENT" not in body
    assert b"<D:sync-token>data:," in body  # a URI (RFC 6578 section 4)
    assert b"<D:write/>" in body
    assert b"<C:nothing/>" in body
    read_only = rig.password({Scope.CALENDARS}, access=Access.READ_ONLY)
    assert b"<D:write" not in rig.request("PROPFIND", path, names, password=read_only, depth="0").body


@pytest.mark.parametrize(
    "header", [{"HTTP_BRIEF": "t"}, {"HTTP_PREFER": "return=minimal"}, {"HTTP_PREFER": "return-minimal"}]
)
def test_brief_answers_leave_missing_properties_out(rig: Rig, header: dict[str, str]) -> None:
    names = b'<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:nothing/></D:prop></D:propfind>'
    body = rig.request("PROPFIND", "/dav/ana/", names, password=rig.password(BOTH), extra=header).body
    assert b"resourcetype" in body
    assert b"nothing" not in body
    assert b"404" not in body


def test_a_calendar_has_nothing_deeper_than_its_objects(rig: Rig) -> None:
    """RFC 4918 section 9.1: what is infinitely deep in a calendar is what Depth 1 tells."""
    rig.seed()
    password = rig.password(BOTH)
    for path in ("/dav/ana/calendars/calendar/", "/dav/ana/contacts/contacts/", "/dav/ana/calendars/calendar/e1.ics"):
        one, infinity = (rig.request("PROPFIND", path, password=password, depth=depth) for depth in ("1", "infinity"))
        assert (infinity.status, infinity.body) == (207, one.body)


@pytest.mark.parametrize(
    ("depth", "status"), [("0", 207), ("1", 207), ("infinity", 403), ("2", 400), ("x", 400), ("", 400)]
)
def test_depth(rig: Rig, depth: str, status: int) -> None:
    reply = rig.request("PROPFIND", "/dav/ana/calendars/", b"", password=rig.password(BOTH), depth=depth)
    assert reply.status == status
    assert (b"propfind-finite-depth" in reply.body) is (depth == "infinity")


@pytest.mark.parametrize(
    "body",
    [
        b"<",
        b"<x/>",
        b'<D:propfind xmlns:D="DAV:"/>',
        b'<D:propfind xmlns:D="DAV:"><D:prop/><D:allprop/></D:propfind>',
        b'<D:propfind xmlns:D="DAV:"><D:propname/><D:allprop/></D:propfind>',
        b'<D:propfind xmlns:D="DAV:"><D:prop>'
        + b"".join(b"<a%d/>" % n for n in range(500))
        + b"</D:prop></D:propfind>",
    ],
)
def test_malformed_bodies_are_400(rig: Rig, body: bytes) -> None:
    assert rig.request("PROPFIND", "/dav/ana/", body, password=rig.password(BOTH)).status == 400
