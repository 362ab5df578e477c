"""Refusals that name a precondition (RFC 4918 section 16), and what is refused first when several things are wrong."""

from xml.etree.ElementTree import fromstring

import pytest

from dav_gateway.core.scope import Scope
from tests.dav.support import CARD, EVENT, Reply, Rig, calendar_object, vcard

BOTH = {Scope.CALENDARS, Scope.CONTACTS}
CALENDAR = "/dav/ana/calendars/calendar/"
BOOK = "/dav/ana/contacts/contacts/"
DESCRIPTION = "{http://twistedmatrix.com/xml_namespace/dav/}error-description"
CALDAV, CARDDAV = "{urn:ietf:params:xml:ns:caldav}", "{urn:ietf:params:xml:ns:carddav}"


def conditions(reply: Reply) -> list[str]:
    """What the error names, without the sentence for people, which is there too."""
    error = fromstring(reply.body)
    assert error.tag == "{DAV:}error"
    names = [each.tag for each in error]
    assert names.pop() == DESCRIPTION
    return names


def test_an_error_names_one_precondition_and_says_a_sentence(rig: Rig) -> None:
    """Apple's CalDAVTester counts every element as a precondition but the one in which Apple's own server explains."""
    rig.seed()
    put = rig.request("PUT", CALENDAR + "other.ics", EVENT, password=rig.password(BOTH))
    assert put.status == 403
    assert conditions(put) == [f"{CALDAV}no-uid-conflict"]
    assert put.text_of(DESCRIPTION) == "Another object of this collection has this UID."
    assert put.text_of("{DAV:}href") == CALENDAR + "e1.ics"


@pytest.mark.parametrize("path", [CALENDAR, BOOK])
@pytest.mark.parametrize(
    ("media_type", "in_calendar", "in_book"),
    [
        ("", True, True),
        ("text/calendar", True, False),
        ("TEXT/Calendar; charset=utf-8; component=VEVENT", True, False),
        ("text/vcard; charset=utf-8", False, True),
        ("text/x-vcard", False, True),
        ("text/directory;profile=vCard", False, True),
        ("application/octet-stream", True, True),
        ("application/x-www-form-urlencoded", True, True),
        ("text/plain", True, True),
        ("text/xml", False, False),
        ("application/calendar+json", False, False),
        ("application/vcard+xml", False, False),
        ("text/html", False, False),
    ],
)
def test_the_media_type_of_what_is_stored(
    rig: Rig, path: str, media_type: str, *, in_calendar: bool, in_book: bool
) -> None:
    """RFC 4791 section 5.3.2.1, RFC 6352 section 6.3.2.1; a type that names no format at all is no reason to refuse."""
    accepted, octets = (in_calendar, EVENT) if path == CALENDAR else (in_book, CARD)
    password = rig.password(BOTH)
    put = rig.request("PUT", path + "x", octets, password=password, extra={"CONTENT_TYPE": media_type})
    assert put.status == (201 if accepted else 403)
    if not accepted:
        wanted = f"{CALDAV}supported-calendar-data" if path == CALENDAR else f"{CARDDAV}supported-address-data"
        assert conditions(put) == [wanted]
    assert rig.request("GET", path + "x", password=password).status == (200 if accepted else 404)


@pytest.mark.parametrize("control", "\x01\x07\x08\x0b\x0c\x0e\x1b\x1f")
def test_control_characters_are_in_no_text(rig: Rig, control: str) -> None:
    """RFC 5545 section 3.1, RFC 6350 section 3.3; no report could tell them (XML 1.0 section 2.2)."""
    password = rig.password(BOTH)
    event = rig.request("PUT", CALENDAR + "x", calendar_object("x", f"SUMMARY:a{control}b"), password=password)
    card = rig.request("PUT", BOOK + "x", vcard("x", f"NOTE:a{control}b"), password=password)
    assert (event.status, conditions(event)) == (403, [f"{CALDAV}valid-calendar-data"])
    assert (card.status, conditions(card)) == (403, [f"{CARDDAV}valid-address-data"])


def test_tabs_are_text(rig: Rig) -> None:
    password = rig.password(BOTH)
    assert rig.request("PUT", CALENDAR + "x", calendar_object("x", "SUMMARY:a\tb"), password=password).status == 201


def test_what_is_there_already_is_told_before_what_is_wrong_with_the_new(rig: Rig) -> None:
    """RFC 4791 section 5.3.1.1: resource-must-be-null, whatever properties are asked for."""
    body = (
        b'<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:getetag>x</D:getetag>'
        b"</D:prop></D:set></C:mkcalendar>"
    )
    password = rig.password(BOTH)
    made = rig.request("MKCALENDAR", CALENDAR, body, password=password)
    assert (made.status, conditions(made)) == (403, ["{DAV:}resource-must-be-null"])
    assert rig.request("MKCOL", CALENDAR, password=password).status == 405
    assert rig.request("MKCALENDAR", "/dav/ana/calendars/new/", body, password=password).status == 207


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize(
    "start", ["http://localhost", "http://LocalHost", "https://dav.example.org", "https://DAV.Example.org", ""]
)
def test_what_was_copied_or_moved_has_a_location(rig: Rig, method: str, start: str) -> None:
    """RFC 9110 section 15.3.2: the address as the Destination header wrote it. What was replaced is not new."""
    rig.seed()
    password = rig.password(BOTH)
    assert rig.request("MKCALENDAR", "/dav/ana/calendars/a b/", password=password).status == 201
    target = f"{start}/dav/ana/calendars/a%20b/2%20a.ics"
    for status, location in ((201, target), (204, None)):
        sent = rig.request(method, CALENDAR + "e1.ics", password=password, destination=target)
        assert (sent.status, sent.headers.get("Location")) == (status, location)
        rig.request("PUT", CALENDAR + "e1.ics", EVENT, password=password)


def test_a_moved_calendar_has_a_location(rig: Rig) -> None:
    target = "/dav/ana/calendars/moved/"
    moved = rig.request("MOVE", CALENDAR, password=rig.password(BOTH), destination=target)
    assert (moved.status, moved.headers["Location"]) == (201, target)


MAKE = (
    b'<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:resourcetype>'
    b"<D:collection/><C:calendar/></D:resourcetype></D:prop></D:set></D:mkcol>"
)


def test_a_collection_is_made_where_nothing_is_in_one_that_is_there(rig: Rig) -> None:
    """RFC 4918 section 9.3.1: 405 over what is there, 409 without the parent; in a calendar there is no calendar. What
    is allowed instead is told (RFC 9110 section 15.5.6)."""
    rig.seed()
    password = rig.password(BOTH)
    for there in (CALENDAR, CALENDAR + "e1.ics"):
        over = rig.request("MKCOL", there, MAKE, password=password)
        assert over.status == 405
        told = set(over.headers["Allow"].split(", "))
        assert ("DELETE" in told, "MKCOL" in told) == (True, False)
    over = rig.request("MKCALENDAR", CALENDAR + "e1.ics", password=password)
    assert (over.status, conditions(over)) == (403, ["{DAV:}resource-must-be-null"])
    assert rig.request("MKCOL", "/dav/ana/calendars/none/inner/", MAKE, password=password).status == 409
    inside = rig.request("MKCALENDAR", CALENDAR + "inner/", password=password)
    assert (inside.status, conditions(inside)) == (403, [f"{CALDAV}calendar-collection-location-ok"])


@pytest.mark.parametrize("method", ["MKCOL", "MKCALENDAR"])
@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        ("xzy-foo/bar-512", b"afafafaf", 415),
        ("text/plain", b"afafafaf", 415),
        ("application/xml; charset=utf-8", b"afafafaf", 400),
        ("", b"afafafaf", 400),
    ],
)
def test_what_describes_a_new_collection_is_xml(
    rig: Rig, method: str, media_type: str, body: bytes, status: int
) -> None:
    """RFC 4918 section 9.3: a body of a type that is not understood is 415."""
    path, password = "/dav/ana/calendars/new/", rig.password(BOTH)
    made = rig.request(method, path, body, password=password, extra={"CONTENT_TYPE": media_type})
    assert made.status == status
    assert rig.request("PROPFIND", path, depth="0", password=password).status == 404


def test_a_description_that_is_understood_may_name_any_type(rig: Rig) -> None:
    """curl names a form's type where it is told none."""
    form = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
    made = rig.request("MKCOL", "/dav/ana/calendars/new/", MAKE, password=rig.password(BOTH), extra=form)
    assert made.status == 201
