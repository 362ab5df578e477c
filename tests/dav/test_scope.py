"""Invariant 3: a credential reaches nothing outside its scope, access and collections, by any method or body."""

import pytest

from dav_gateway.core.scope import Access, Scope
from tests.dav.support import CARD, EVENT, Reply, Rig, calendar_object, vcard

METHODS = [
    "GET", "HEAD", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "REPORT", "MKCOL", "MKCALENDAR", "MOVE", "COPY", "POST",
    "LOCK", "UNLOCK", "ACL", "PATCH", "SEARCH",
]  # fmt: skip
UNKNOWN = {"POST", "LOCK", "UNLOCK", "ACL", "PATCH", "SEARCH"}
BODIES = {
    "PUT": CARD,
    "PROPFIND": b'<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>',
    "PROPPATCH": b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>'
    b"</D:propertyupdate>",
    "REPORT": b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/>'
    b"</D:prop></D:sync-collection>",
    "MKCOL": b'<D:mkcol xmlns:D="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype>'
    b"<D:collection/><CR:addressbook/></D:resourcetype></D:prop></D:set></D:mkcol>",
}
FORBIDDEN_TO_CALENDARS = [
    "/dav/ana/contacts/",
    "/dav/ana/contacts/contacts/",
    "/dav/ana/contacts/contacts/c1.vcf",
    "/dav/ana/contacts/new/",
    "/dav/ana/contacts/employees/",
    "/dav/ben/",
    "/dav/ben/calendars/",
    "/dav/ben/calendars/calendar/",
    "/dav/ben/calendars/calendar/e1.ics",
    "/dav/nobody/",
    "/dav/nobody/calendars/calendar/",
    "/dav/ana/other/",
    "/dav/ana/calendars/calendar/e1.ics/deeper",
]


@pytest.mark.parametrize("path", FORBIDDEN_TO_CALENDARS)
@pytest.mark.parametrize("method", METHODS)
def test_a_calendars_password_changes_and_reads_nothing_elsewhere(rig: Rig, method: str, path: str) -> None:
    rig.seed()
    before = rig.everything()
    password = rig.password({Scope.CALENDARS})
    reply = rig.request(method, path, BODIES.get(method, b""), password=password, destination=path + "x")
    # A method that does not exist is refused before anybody asks for whom.
    assert reply.status == (405 if method in UNKNOWN else 403)
    if method not in UNKNOWN and method != "HEAD":
        assert b"need-privileges" in reply.body
    assert b"Secret Person" not in reply.body
    assert rig.everything() == before


def test_the_answer_does_not_tell_whether_another_account_exists(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    answers = {
        name: rig.request("PROPFIND", f"/dav/{name}/", password=password, depth="0") for name in ("ben", "nobody")
    }
    assert answers["ben"].status == answers["nobody"].status == 403
    assert answers["ben"].body.replace(b"ben", b"") == answers["nobody"].body.replace(b"nobody", b"")


@pytest.mark.parametrize(
    "destination",
    [
        "/dav/ana/contacts/contacts/e1.ics",
        "/dav/ben/calendars/calendar/e1.ics",
        "http://localhost/dav/ben/calendars/calendar/e1.ics",
        "/dav/ana/contacts/employees/e1.ics",
        "/dav/ana/calendars/../contacts/contacts/e1.ics",
        "/dav/ana/calendars/%2e%2e/contacts/contacts/e1.ics",
        "/etc/passwd",
        "/dav/",
        "/dav/ana/",
        "/dav/ana/calendars/",
        "/dav/ana/calendars/calendar/",
        "http://elsewhere.example/dav/ana/calendars/tasks/e1.ics",
        "",
        "http://[bad",
        "/dav/ana/calendars/calendar/%ff.ics",
    ],
)
@pytest.mark.parametrize("method", ["MOVE", "COPY"])
def test_both_ends_of_a_move_are_in_scope(rig: Rig, method: str, destination: str) -> None:
    rig.seed()
    before = rig.everything()
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    reply = rig.request(method, "/dav/ana/calendars/calendar/e1.ics", password=password, destination=destination)
    assert 400 <= reply.status < 500 or reply.status == 502
    assert rig.everything() == before


def test_a_move_inside_the_home_works(rig: Rig) -> None:
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    assert rig.request("MKCALENDAR", "/dav/ana/calendars/team/", password=password).status == 201
    target = "/dav/ana/calendars/team/moved.ics"
    reply = rig.request("MOVE", "/dav/ana/calendars/calendar/e1.ics", password=password, destination=target)
    assert reply.status == 201
    assert rig.request("GET", target, password=password).body == EVENT
    assert rig.request("GET", "/dav/ana/calendars/calendar/e1.ics", password=password).status == 404


def test_a_read_only_password_changes_nothing(rig: Rig) -> None:
    rig.seed()
    before = rig.everything()
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS}, access=Access.READ_ONLY)
    assert rig.request("GET", "/dav/ana/calendars/calendar/e1.ics", password=password).body == EVENT
    for method, path, body in [
        ("PUT", "/dav/ana/calendars/calendar/e2.ics", calendar_object("e2")),
        ("PUT", "/dav/ana/calendars/calendar/e1.ics", calendar_object("e1")),
        ("DELETE", "/dav/ana/calendars/calendar/e1.ics", b""),
        ("DELETE", "/dav/ana/calendars/calendar/", b""),
        ("MKCALENDAR", "/dav/ana/calendars/new/", b""),
        ("MKCOL", "/dav/ana/contacts/new/", BODIES["MKCOL"]),
        ("MOVE", "/dav/ana/calendars/calendar/e1.ics", b""),
    ]:
        reply = rig.request(method, path, body, password=password, destination="/dav/ana/calendars/calendar/z.ics")
        assert (method, reply.status) == (method, 403)
        assert b"need-privileges" in reply.body
    _refused_by_property(
        rig.request("PROPPATCH", "/dav/ana/calendars/calendar/", BODIES["PROPPATCH"], password=password)
    )
    assert rig.everything() == before


def _refused_by_property(reply: Reply) -> None:
    """macOS Calendar reads no events of a calendar whose PROPPATCH was a plain 403."""
    assert reply.status == 207
    assert b"403 Forbidden" in reply.body
    assert b"need-privileges" in reply.body
    assert b"200 OK" not in reply.body


def test_chosen_collections_are_all_that_exists(rig: Rig) -> None:
    rig.seed()
    password = rig.password({Scope.CALENDARS}, collections={"tasks"})
    home = rig.request("PROPFIND", "/dav/ana/calendars/", password=password, depth="1")
    assert home.hrefs() == ["/dav/ana/calendars/", "/dav/ana/calendars/tasks/"]
    for path in ("/dav/ana/calendars/calendar/", "/dav/ana/calendars/calendar/e1.ics", "/dav/ana/calendars/new/"):
        assert rig.request("PROPFIND", path, password=password).status == 403
    assert rig.request("MKCALENDAR", "/dav/ana/calendars/new/", password=password).status == 403


def test_a_multiget_finds_nothing_of_other_collections(rig: Rig) -> None:
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    hrefs = [
        "/dav/ana/contacts/contacts/c1.vcf",
        "/dav/ben/calendars/calendar/e1.ics",
        "/dav/ana/calendars/tasks/../calendar/e1.ics",
        "http://elsewhere.example/dav/ana/contacts/contacts/c1.vcf",
        "/dav/ana/calendars/tasks/%2e%2e/calendar/e1.ics",
        "e1.ics",
    ]
    body = (
        '<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop>'
        "<C:calendar-data/></D:prop>" + "".join(f"<D:href>{href}</D:href>" for href in hrefs) + "</C:calendar-multiget>"
    ).encode()
    reply = rig.request("REPORT", "/dav/ana/calendars/tasks/", body, password=password)
    assert reply.status == 207
    assert b"calendar-data" not in reply.body
    assert reply.body.count(b"404 Not Found") == 4  # two are the same path written in two ways, one on two hosts


@pytest.mark.parametrize(
    "partial", ["<C:comp name='VCALENDAR'/>", "<C:expand start='20260101T000000Z' end='20270101T000000Z'/>"]
)
def test_a_multiget_of_parts_is_held_too(rig: Rig, partial: str) -> None:
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    body = (
        '<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><C:calendar-data>'
        f"{partial}</C:calendar-data></D:prop><D:href>/dav/ben/calendars/calendar/e1.ics</D:href>"
        "<D:href>/dav/ana/contacts/contacts/c1.vcf</D:href></C:calendar-multiget>"
    ).encode()
    reply = rig.request("REPORT", "/dav/ana/calendars/tasks/", body, password=password)
    assert reply.status == 207
    assert b"calendar-data" not in reply.body


def test_no_property_carries_a_calendar_across(rig: Rig) -> None:
    rig.seed()
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    for instruction in ("set", "remove"):
        body = (
            f'<D:propertyupdate xmlns:D="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"><D:{instruction}><D:prop>'
            "<D:resourcetype><D:collection/><CR:addressbook/></D:resourcetype><D:displayname>new</D:displayname></D:prop>"
            f"</D:{instruction}></D:propertyupdate>"
        ).encode()
        reply = rig.request("PROPPATCH", "/dav/ana/calendars/calendar/", body, password=password)
        assert reply.status == 207
        assert b"cannot-modify-protected-property" in reply.body
        assert b"424 Failed Dependency" in reply.body
        assert b"200 OK" not in reply.body
    kinds = rig.request("PROPFIND", "/dav/ana/calendars/calendar/", password=password).body
    assert b"<C:calendar/>" in kinds
    assert b"new" not in kinds
    address_book = BODIES["MKCOL"]
    assert rig.request("MKCOL", "/dav/ana/calendars/x/", address_book, password=password).status == 403
    assert rig.request("MKCALENDAR", "/dav/ana/contacts/x/", b"", password=password).status == 403


def test_objects_of_the_other_kind_are_refused(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    reply = rig.request("PUT", "/dav/ana/calendars/calendar/c.vcf", vcard("c9"), password=password)
    assert (reply.status, b"valid-calendar-data" in reply.body) == (403, True)
    reply = rig.request("PUT", "/dav/ana/contacts/contacts/e.ics", calendar_object("e9"), password=password)
    assert (reply.status, b"valid-address-data" in reply.body) == (403, True)


def test_the_directory_is_read_only_for_everybody(rig: Rig) -> None:
    rig.seed()
    password = rig.password({Scope.CONTACTS})
    listing = rig.request("PROPFIND", "/dav/ana/contacts/employees/", password=password, depth="1")
    card = next(href for href in listing.hrefs() if href.endswith(".vcf"))
    before = rig.everything()
    assert b"ben@example.org" in rig.request("GET", card, password=password).body + b"".join(
        rig.request("GET", href, password=password).body for href in listing.hrefs() if href.endswith(".vcf")
    )
    for method, path, body in [
        ("PUT", card, vcard("c1")),
        ("PUT", "/dav/ana/contacts/employees/new.vcf", vcard("c1")),
        ("DELETE", card, b""),
        ("DELETE", "/dav/ana/contacts/employees/", b""),
        ("MKCOL", "/dav/ana/contacts/employees/", BODIES["MKCOL"]),
        ("MOVE", card, b""),
    ]:
        reply = rig.request(method, path, body, password=password, destination="/dav/ana/contacts/contacts/x.vcf")
        assert (method, reply.status) == (method, 403)
        assert b"need-privileges" in reply.body
        assert b"The company directory is read-only." in reply.body
    employees = "/dav/ana/contacts/employees/"
    _refused_by_property(rig.request("PROPPATCH", employees, BODIES["PROPPATCH"], password=password))
    assert rig.everything() == before
