"""GET gives the octets of PUT (invariant 6); refused writes change nothing (invariant 5)."""

import pytest

from dav_gateway.core.scope import Scope
from tests.dav.support import EVENT, Rig, calendar_object, vcard

BOTH = {Scope.CALENDARS, Scope.CONTACTS}
ODD = [
    calendar_object("o1", "SUMMARY:Caf\u00e9 \U0001f600", "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC"),
    calendar_object("o1", "DESCRIPTION:" + "folded " * 9 + "\r\n  and folded\r\n\tagain"),
    calendar_object("o1").replace(b"\r\n", b"\n"),
    calendar_object("o1", 'ATTENDEE;CN="B, C";PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:b@example.org', "x-lower:1"),
    calendar_object("o1", "SUMMARY:a?b").replace(b"?", b"\xc3\r\n \xa9"),
    calendar_object("o1", "SUMMARY;LANGUAGE=es:ma\u00f1ana", "DTSTAMP:20260101T000000Z"),
]


@pytest.mark.parametrize("octets", ODD)
def test_calendar_objects_come_back_as_they_were_sent(rig_anywhere: Rig, octets: bytes) -> None:
    password = rig_anywhere.password(BOTH)
    path = "/dav/ana/calendars/calendar/odd.ics"
    put = rig_anywhere.request("PUT", path, octets, password=password)
    assert put.status == 201
    got = rig_anywhere.request("GET", path, password=password)
    assert got.body == octets
    assert got.headers["ETag"] == put.headers["ETag"]
    assert got.headers["Content-Type"] == "text/calendar;charset=utf-8;component=VEVENT"
    head = rig_anywhere.request("HEAD", path, password=password)
    assert (head.status, head.body, head.headers["ETag"]) == (200, b"", put.headers["ETag"])
    again = rig_anywhere.request("GET", path, password=password, extra={"HTTP_IF_NONE_MATCH": put.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_cards_come_back_as_they_were_sent(rig: Rig, version: str) -> None:
    octets = vcard("c2", "item1.EMAIL;type=INTERNET:a@example.org", "item1.X-ABLabel:_$!<Work>!$_", "X-MS-OL:1")
    octets = octets.replace(b"VERSION:3.0", f"VERSION:{version}".encode())
    password = rig.password(BOTH)
    assert rig.request("PUT", "/dav/ana/contacts/contacts/c2.vcf", octets, password=password).status == 201
    assert rig.request("GET", "/dav/ana/contacts/contacts/c2.vcf", password=password).body == octets


def test_a_change_moves_the_etag_and_the_ctag(rig: Rig) -> None:
    rig.seed()
    password = rig.password(BOTH)
    poll = b'<D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><D:prop><CS:getctag/></D:prop></D:propfind>'
    path = "/dav/ana/calendars/calendar/"
    first = rig.request("PROPFIND", path, poll, password=password).text_of("{http://calendarserver.org/ns/}getctag")
    put = rig.request("PUT", path + "e1.ics", calendar_object("e1", "SUMMARY:new"), password=password)
    assert put.status == 204
    second = rig.request("PROPFIND", path, poll, password=password).text_of("{http://calendarserver.org/ns/}getctag")
    assert first != second
    assert rig.request("GET", path + "e1.ics", password=password).headers["ETag"] == put.headers["ETag"]


@pytest.mark.parametrize(
    ("headers", "name", "status"),
    [
        ({"HTTP_IF_NONE_MATCH": "*"}, "e1.ics", 412),
        ({"HTTP_IF_MATCH": '"other"'}, "e1.ics", 412),
        ({"HTTP_IF_MATCH": "*"}, "missing.ics", 412),
        ({"HTTP_CONTENT_RANGE": "bytes 0-1/2"}, "e1.ics", 400),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, "e1.ics", 415),
    ],
)
def test_conditions_refuse_and_change_nothing(
    rig_anywhere: Rig, headers: dict[str, str], name: str, status: int
) -> None:
    rig_anywhere.seed()
    before = rig_anywhere.everything()
    password = rig_anywhere.password(BOTH)
    body = calendar_object("e1" if name == "e1.ics" else "e5")
    path = f"/dav/ana/calendars/calendar/{name}"
    assert rig_anywhere.request("PUT", path, body, password=password, extra=headers).status == status
    assert rig_anywhere.everything() == before


@pytest.mark.parametrize(
    ("name", "body", "condition"),
    [
        ("e2.ics", EVENT, b"no-uid-conflict"),
        ("e1.ics", calendar_object("other"), b"no-uid-conflict"),
        ("t.ics", calendar_object("t1", component="VTODO"), b"supported-calendar-component"),
        ("x.ics", b"nothing", b"valid-calendar-data"),
        ("x.ics", b"", b"valid-calendar-data"),
        ("x.ics", calendar_object("x", "RRULE:FREQ=SECONDLY"), b"max-instances"),
        ("x.ics", calendar_object("x", "DESCRIPTION:" + "x" * 11_000_000), b"max-resource-size"),
    ],
)
def test_preconditions_refuse_and_change_nothing(rig_anywhere: Rig, name: str, body: bytes, condition: bytes) -> None:
    rig_anywhere.seed()
    before = rig_anywhere.everything()
    password = rig_anywhere.password(BOTH)
    reply = rig_anywhere.request("PUT", f"/dav/ana/calendars/calendar/{name}", body, password=password)
    assert reply.status == 403
    assert condition in reply.body
    if condition == b"no-uid-conflict":
        assert b"<D:href>/dav/ana/calendars/calendar/e1.ics</D:href>" in reply.body
    assert rig_anywhere.everything() == before


def test_the_same_uid_in_another_calendar_is_allowed(rig: Rig) -> None:
    rig.seed()
    password = rig.password(BOTH)
    assert rig.request("MKCALENDAR", "/dav/ana/calendars/copy/", password=password).status == 201
    assert rig.request("PUT", "/dav/ana/calendars/copy/e1.ics", EVENT, password=password).status == 201


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/dav/", 405),
        ("/dav/ana/", 405),
        ("/dav/ana/calendars/", 405),
        ("/dav/ana/calendars/calendar/", 405),
        ("/dav/ana/calendars/missing/x.ics", 409),
    ],
)
def test_put_where_no_object_can_be(rig: Rig, path: str, status: int) -> None:
    before = rig.everything()
    password = rig.password(BOTH)
    assert rig.request("PUT", path, EVENT, password=password).status == status
    probe = rig.request("PUT", path, b"", password=password, extra={"HTTP_IF_MATCH": "nothing"})
    assert probe.status in (403, 405), "412 or 409 makes Thunderbird offer a calendar that is none"
    rig.request("GET", "/dav/ana/calendars/calendar/", password=password)
    assert len(rig.everything()["object"]) == len(before["object"])


def test_delete_leaves_a_tombstone_and_needs_the_right_etag(rig_anywhere: Rig) -> None:
    rig_anywhere.seed()
    password = rig_anywhere.password(BOTH)
    path = "/dav/ana/calendars/calendar/e1.ics"
    assert rig_anywhere.request("DELETE", path, password=password, extra={"HTTP_IF_MATCH": '"x"'}).status == 412
    etag = rig_anywhere.request("GET", path, password=password).headers["ETag"]
    reply = rig_anywhere.request("DELETE", path, password=password, extra={"HTTP_IF_MATCH": f'"x", {etag}'})
    assert reply.status == 204
    assert rig_anywhere.request("GET", path, password=password).status == 404
    assert rig_anywhere.request("DELETE", path, password=password).status == 404
    assert len(rig_anywhere.everything()["tombstone"]) == 1


def test_a_collection_can_be_deleted_and_made_again(rig_anywhere: Rig) -> None:
    rig_anywhere.seed()
    password = rig_anywhere.password(BOTH)
    path = "/dav/ana/calendars/calendar/"
    assert rig_anywhere.request("DELETE", path, password=password).status == 204
    assert rig_anywhere.request("PROPFIND", path, password=password).status == 404
    assert rig_anywhere.request("MKCALENDAR", path, password=password).status == 201
    assert rig_anywhere.request("MKCALENDAR", path, password=password).status == 403
    assert rig_anywhere.request("GET", path + "e1.ics", password=password).status == 404


@pytest.mark.parametrize("path", ["/dav/ana/", "/dav/ana/calendars/", "/dav/", "/dav/ana/contacts/"])
def test_homes_and_principals_cannot_be_deleted(rig: Rig, path: str) -> None:
    rig.seed()
    before = rig.everything()
    assert rig.request("DELETE", path, password=rig.password(BOTH)).status == 403
    assert rig.everything() == before


@pytest.mark.parametrize(
    ("odd", "written"), [("\n", "%0A"), ("\u200d", "%E2%80%8D"), ("\u00ad", "%C2%AD"), ("\ue000", "%EE%80%80")]
)
def test_a_name_with_what_is_not_printed(rig_anywhere: Rig, odd: str, written: str) -> None:
    """Some UIDs have a line feed, and clients make names of UIDs; joiners are in words of Persian and in emojis. They
    stay percent-encoded wherever they are shown."""
    rig = rig_anywhere
    password = rig.password({Scope.CALENDARS})
    path, shown = f"/dav/ana/calendars/calendar/a{odd}b.ics", f"/dav/ana/calendars/calendar/a{written}b.ics"
    put = rig.request("PUT", path, EVENT, password=password, extra={"HTTP_PREFER": "return=representation"})
    assert (put.status, put.headers["Content-Location"]) == (201, shown)
    assert rig.request("GET", path, password=password).body == EVENT
    calendar = "/dav/ana/calendars/calendar/"
    assert rig.request("PROPFIND", calendar, password=password, depth="1").hrefs() == [calendar, shown]
    body = (
        '<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop>'
        f"<D:href>{shown}</D:href></C:calendar-multiget>"
    ).encode()
    assert b"200 OK" in rig.request("REPORT", calendar, body, password=password).body
    moved = shown.replace("a%", "moved%")
    assert rig.request("MOVE", path, password=password, destination=moved).status == 201
    assert rig.request("DELETE", moved.replace(written, odd), password=password).status == 204
    made = rig.request("MKCALENDAR", f"/dav/ana/calendars/a{odd}b/", password=password)
    assert made.status == (403 if odd == "\n" else 201)
