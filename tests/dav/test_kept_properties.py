"""PROPPATCH on whatever lists (RFC 4918 section 9.2): what clients store on the root, the principal and the homes."""

import pytest

from dav_gateway.core.scope import Access, Scope
from tests.dav.support import Reply, Rig

BOTH = {Scope.CALENDARS, Scope.CONTACTS}
SPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:ICAL="http://apple.com/ns/ical/" xmlns:Y="urn:y"'
ALARM = "BEGIN:VALARM&#13;\nACTION:NONE&#13;\nTRIGGER:-PT15M&#13;\nEND:VALARM&#13;\n"
APPLE = (
    f"<C:default-alarm-vevent-datetime>{ALARM}</C:default-alarm-vevent-datetime><ICAL:calendar-order>3</ICAL:calendar-order>"
    "<Y:nested><Y:inner a='1'>x</Y:inner></Y:nested>"
)
NAMES = "<C:default-alarm-vevent-datetime/><ICAL:calendar-order/><Y:nested/>"
LISTINGS = ["/dav/", "/dav/ana/", "/dav/ana/calendars/", "/dav/ana/contacts/"]
ZONE = (
    "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\n"
    "END:STANDARD\nEND:VTIMEZONE\n"
)
BY_THE_SECOND = ZONE.replace("END:STANDARD", "RRULE:FREQ=SECONDLY\nEND:STANDARD")


def patch(rig: Rig, password: str, path: str, inner: str, remove: str = "", **extra: str) -> Reply:
    removed = f"<D:remove><D:prop>{remove}</D:prop></D:remove>" if remove else ""
    body = f"<D:propertyupdate {SPACES}><D:set><D:prop>{inner}</D:prop></D:set>{removed}</D:propertyupdate>".encode()
    return rig.request("PROPPATCH", path, body, password=password, extra=extra)


def find(rig: Rig, password: str, path: str, names: str = NAMES) -> bytes:
    body = f"<D:propfind {SPACES}><D:prop>{names}</D:prop></D:propfind>".encode()
    return rig.request("PROPFIND", path, body, password=password, depth="0").body


@pytest.mark.parametrize("path", LISTINGS)
def test_what_apple_stores_comes_back(rig_anywhere: Rig, path: str) -> None:
    rig = rig_anywhere
    password = rig.password(BOTH)
    reply = patch(rig, password, path, APPLE)
    assert (reply.status, b"200 OK" in reply.body, b"403" in reply.body) == (207, True, False)
    body = find(rig, password, path)
    assert b"TRIGGER:-PT15M" in body
    assert b"<ICAL:calendar-order>3</ICAL:calendar-order>" in body
    assert b"404" not in body
    everything = rig.request("PROPFIND", path, password=password, depth="0").body
    assert b"urn:y" in everything
    for other in LISTINGS:
        if other != path:
            assert b"200 OK" not in find(rig, password, other)
    ben = rig.password(BOTH, account="ben")
    theirs = rig.request("PROPFIND", path.replace("ana", "ben"), password=ben, login="ben").body
    assert b"urn:y" not in theirs
    assert patch(rig, password, path, "<Y:z>1</Y:z>", remove=NAMES).status == 207
    assert b"200 OK" not in find(rig, password, path)


@pytest.mark.parametrize("path", LISTINGS)
def test_live_properties_stay_and_nothing_else_changes_then(rig: Rig, path: str) -> None:
    password = rig.password(BOTH)
    name = "<D:displayname>x</D:displayname>" if path == "/dav/ana/" else "<D:resourcetype/>"
    reply = patch(rig, password, path, name + "<Y:a>1</Y:a>")
    assert reply.status == 207
    assert b"cannot-modify-protected-property" in reply.body
    assert b"424 Failed Dependency" in reply.body
    assert b"200 OK" not in find(rig, password, path, "<Y:a/>")
    assert b"Ana Ruiz" in find(rig, password, "/dav/ana/", "<D:displayname/>")


@pytest.mark.parametrize("path", ["/dav/", "/dav/ana/", "/dav/ana/calendars/"])
def test_who_may_not_change_is_told_by_property(rig: Rig, path: str) -> None:
    for password in (
        rig.password({Scope.CALENDARS}, access=Access.READ_ONLY),
        rig.password({Scope.CALENDARS}, collections={"calendar"}),
    ):
        reply = patch(rig, password, path, "<Y:a>1</Y:a>")
        assert (reply.status, b"need-privileges" in reply.body, b"200 OK" in reply.body) == (207, True, False)
    assert b"200 OK" not in find(rig, rig.password({Scope.CALENDARS}), path, "<Y:a/>")


def test_one_service_does_not_see_what_the_other_stores(rig: Rig) -> None:
    """Invariant 3: the root and the principal are open to every scope, what is stored there is not."""
    calendars, contacts = rig.password({Scope.CALENDARS}), rig.password({Scope.CONTACTS})
    for path in ("/dav/", "/dav/ana/"):
        assert b"200 OK" in patch(rig, calendars, path, "<Y:a>secret</Y:a>").body
        assert b"secret" not in rig.request("PROPFIND", path, password=contacts, depth="0").body
        assert b"secret" in rig.request("PROPFIND", path, password=rig.password({Scope.CALENDARS}), depth="0").body


def test_a_time_zone_must_be_one(rig: Rig) -> None:
    """RFC 4791 section 5.2.2 and RFC 7809 section 5.2: it decides how floating times are understood."""
    password = rig.password(BOTH)
    path = "/dav/ana/calendars/calendar/"
    good = f"<C:calendar-timezone>BEGIN:VCALENDAR\n{ZONE}END:VCALENDAR</C:calendar-timezone>"
    for value, condition in [
        ("<C:calendar-timezone>Europe/Paris</C:calendar-timezone>", b"valid-calendar-data"),
        ("<C:calendar-timezone>BEGIN:VCALENDAR\nEND:VCALENDAR</C:calendar-timezone>", b"valid-calendar-data"),
        (
            f"<C:calendar-timezone>BEGIN:VCALENDAR\n{ZONE}{ZONE}END:VCALENDAR</C:calendar-timezone>",
            b"valid-calendar-data",
        ),
        (
            f"<C:calendar-timezone>BEGIN:VCALENDAR\n{ZONE}BEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR</C:calendar-timezone>",
            b"valid-calendar-data",
        ),
        (
            f"<C:calendar-timezone>BEGIN:VCALENDAR\n{BY_THE_SECOND}END:VCALENDAR</C:calendar-timezone>",
            b"valid-calendar-data",
        ),
        ("<C:calendar-timezone-id>Mars/Olympus</C:calendar-timezone-id>", b"valid-timezone"),
    ]:
        reply = patch(rig, password, path, value + "<Y:a>1</Y:a>")
        assert (reply.status, condition in reply.body, b"424" in reply.body) == (207, True, True)
        body = f"<C:mkcalendar {SPACES}><D:set><D:prop>{value}</D:prop></D:set></C:mkcalendar>".encode()
        made = rig.request("MKCALENDAR", "/dav/ana/calendars/new/", body, password=password)
        assert (made.status, condition in made.body) == (207, True)
        assert rig.request("PROPFIND", "/dav/ana/calendars/new/", password=password).status == 404
    assert b"200 OK" in patch(rig, password, path, good).body
    assert b"200 OK" in patch(rig, password, path, "<C:calendar-timezone-id>Europe/Paris</C:calendar-timezone-id>").body


def test_a_calendar_has_one_time_zone(rig: Rig) -> None:
    """RFC 7809 section 5.2: whichever property is set or removed last says which, or that there is none."""
    password = rig.password(BOTH)
    path = "/dav/ana/calendars/calendar/"
    text = f"<C:calendar-timezone>BEGIN:VCALENDAR\n{ZONE}END:VCALENDAR</C:calendar-timezone>"
    name = "<C:calendar-timezone-id>Europe/Paris</C:calendar-timezone-id>"

    def told() -> tuple[bool, bool]:
        body = find(rig, password, path, "<C:calendar-timezone/><C:calendar-timezone-id/>")
        return b"TZID:X" in body, b"Europe/Paris" in body

    for inner, expected in (
        (text, (True, False)),
        (name, (False, True)),
        (text, (True, False)),
        (text + name, (True, True)),
    ):
        assert b"200 OK" in patch(rig, password, path, inner).body
        assert told() == expected
    assert b"200 OK" in patch(rig, password, path, "<Y:a/>", remove="<C:calendar-timezone-id/>").body
    assert told() == (False, False)


def test_a_name_may_say_its_language(rig: Rig) -> None:
    """RFC 4918 section 4.3: xml:lang is kept with what is only kept; a display name is shown without it."""
    password = rig.password(BOTH)
    path = "/dav/ana/calendars/calendar/"
    inner = '<D:displayname xml:lang="en">Work</D:displayname><D:details xml:lang="en">Hello</D:details>'
    assert b"200 OK" in patch(rig, password, path, inner).body
    body = find(rig, password, path, "<D:displayname/><D:details/>")
    assert b"<D:displayname>Work</D:displayname>" in body
    assert b"<D:details xml:lang='en'>Hello</D:details>" in body
    zone = f"<C:calendar-timezone xml:lang='en'>BEGIN:VCALENDAR\n{ZONE}END:VCALENDAR</C:calendar-timezone>"
    assert b"200 OK" in patch(rig, password, path, zone).body
    assert b"<C:calendar-timezone>BEGIN:VCALENDAR" in find(rig, password, path, "<C:calendar-timezone/>")


def test_a_calendar_that_cannot_be_made_is_told_by_property(rig: Rig) -> None:
    """RFC 4791 section 5.3.1: 207. RFC 5689 section 3.5: 403 with a mkcol-response. Nothing is made."""
    password = rig.password(BOTH)
    props = "<D:getetag>x</D:getetag><D:displayname>y</D:displayname>"
    path = "/dav/ana/calendars/new/"
    body = f"<C:mkcalendar {SPACES}><D:set><D:prop>{props}</D:prop></D:set></C:mkcalendar>".encode()
    made = rig.request("MKCALENDAR", path, body, password=password)
    kind = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
    body = f"<D:mkcol {SPACES}><D:set><D:prop>{kind}{props}</D:prop></D:set></D:mkcol>".encode()
    mkcol = rig.request("MKCOL", path, body, password=password)
    assert (made.status, mkcol.status) == (207, 403)
    assert b"<D:mkcol-response" in mkcol.body
    assert b"<D:resourcetype/><D:displayname/></D:prop><D:status>HTTP/1.1 424" in mkcol.body
    for reply in (made, mkcol):
        assert b"cannot-modify-protected-property" in reply.body
        assert b"424 Failed Dependency" in reply.body
    assert rig.request("PROPFIND", path, password=password).status == 404


def test_too_much_is_507(rig: Rig) -> None:
    password = rig.password(BOTH)
    reply = patch(rig, password, "/dav/ana/", f"<Y:a>{'x' * 300_000}</Y:a>")
    assert reply.status == 507
    assert b"200 OK" not in find(rig, password, "/dav/ana/", "<Y:a/>")
