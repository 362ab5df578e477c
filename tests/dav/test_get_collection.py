"""GET of a whole calendar or address book."""

import pytest
from icalendar import Calendar

from dav_gateway.core.scope import Scope
from dav_gateway.dav import answers
from tests.dav.support import Reply, Rig, calendar_object, vcard

CALENDAR = "/dav/ana/calendars/calendar/"
BOOK = "/dav/ana/contacts/contacts/"
BOTH = {Scope.CALENDARS, Scope.CONTACTS}


def zone(tzid: str) -> str:
    lines = ["BEGIN:VTIMEZONE", f"TZID:{tzid}", "BEGIN:STANDARD", "DTSTART:19701025T030000", "TZOFFSETFROM:+0200"]
    return "\r\n".join([*lines, "TZOFFSETTO:+0100", "END:STANDARD", "END:VTIMEZONE", "BEGIN:VEVENT"])


def with_zones(uid: str, *tzids: str) -> bytes:
    alarm = ("BEGIN:VALARM", "ACTION:AUDIO", "TRIGGER:-PT5M", "END:VALARM")
    octets = calendar_object(uid, f"SUMMARY:{'long ' * 30}\r\n  folded {uid}", *alarm)
    for tzid in tzids:
        octets = octets.replace(b"BEGIN:VEVENT", zone(tzid).encode(), 1)
    return octets


def fill(rig: Rig) -> str:
    password = rig.password(BOTH)
    for name, octets in [("a", with_zones("a", "X", "Y")), ("b", with_zones("b", "X").replace(b"\r\n", b"\n"))]:
        assert rig.request("PUT", f"{CALENDAR}{name}.ics", octets, password=password).status == 201
    for name in ("a", "b"):
        assert rig.request("PUT", f"{BOOK}{name}.vcf", vcard(name), password=password).status == 201
    return password


@pytest.mark.parametrize("path", [CALENDAR, CALENDAR.replace("/ana/", "//ana/")])
def test_a_calendar_is_one_object(rig_anywhere: Rig, path: str) -> None:
    rig = rig_anywhere
    password = fill(rig)
    reply = rig.request("GET", path, password=password)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/calendar;charset=utf-8")
    assert reply.headers["Content-Disposition"].endswith(".ics")
    assert reply.body.count(b"\n") == reply.body.count(b"\r\n")
    calendar = Calendar.from_ical(reply.body)
    told = [(each.name, str(each.get("TZID") or each.get("UID"))) for each in calendar.subcomponents]
    assert told == [("VTIMEZONE", "X"), ("VTIMEZONE", "Y"), ("VEVENT", "a"), ("VEVENT", "b")]
    assert [str(each["SUMMARY"]).split()[-1] for each in calendar.walk("VEVENT")] == ["a", "b"]
    assert len(calendar.walk("VALARM")) == 2


def test_zones_are_told_apart_by_their_names_alone(rig: Rig) -> None:
    """RFC 7808 section 7.2: TZID-ALIAS-OF names another."""
    password = rig.password(BOTH)
    for tzid in ("X", "Y"):
        octets = with_zones(tzid, tzid).replace(b"BEGIN:STANDARD", b"TZID-ALIAS-OF:Z\r\nBEGIN:STANDARD", 1)
        assert rig.request("PUT", f"{CALENDAR}{tzid}.ics", octets, password=password).status == 201
    # Not by a library: dateutil, which icalendar reads zones with, refuses TZID-ALIAS-OF.
    lines = rig.request("GET", CALENDAR, password=password).body.split(b"\r\n")
    assert [line for line in lines if line.startswith(b"TZID:")] == [b"TZID:X", b"TZID:Y"]
    assert lines.count(b"BEGIN:VTIMEZONE") == lines.count(b"END:VTIMEZONE") == 2


def test_a_name_is_told(rig: Rig) -> None:
    password = fill(rig)
    body = (
        b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>A, b; c\nBEGIN:X</D:displayname></D:prop>'
        b"</D:set></D:propertyupdate>"
    )
    assert rig.request("PROPPATCH", CALENDAR, body, password=password).status == 207
    reply = rig.request("GET", CALENDAR, password=password)
    assert b"\r\nX-WR-CALNAME:A\\, b\\; c\\nBEGIN:X\r\n" in reply.body
    assert "\n" not in reply.headers["Content-Disposition"]


def test_an_address_book_is_its_cards(rig_anywhere: Rig) -> None:
    reply = rig_anywhere.request("GET", BOOK, password=fill(rig_anywhere))
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/vcard;charset=utf-8")
    assert reply.body == vcard("a") + vcard("b")


def test_conditions_and_head(rig: Rig) -> None:
    password = fill(rig)
    reply = rig.request("GET", CALENDAR, password=password)
    same = {"HTTP_IF_NONE_MATCH": reply.headers["ETag"]}
    assert rig.request("GET", CALENDAR, password=password, extra=same).status == 304
    assert rig.request("HEAD", CALENDAR, password=password).headers["ETag"] == reply.headers["ETag"]
    assert rig.request("GET", "/dav/ana/calendars/none/", password=password).status == 404
    assert rig.request("GET", "/dav/ana/calendars/", password=password).status == 405


def test_a_long_answer_is_never_whole(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while it is read is written as one piece where Radicale dispatches: not when it is long."""
    password = fill(rig)
    monkeypatch.setattr(answers, "MOST_WHOLE", 1000)
    odd = CALENDAR.replace("/ana/", "//ana/")

    def ask(method: str, path: str, secret: str) -> Reply:
        return rig.request(method, path, password=secret, depth="1")

    for method, status in (("GET", 200), ("PROPFIND", 207)):
        assert ask(method, CALENDAR, password).status == status
        refused = ask(method, odd, password)
        assert (refused.status, refused.headers.get("Retry-After")) == (503, "1")
        fresh = rig.password(BOTH)
        assert [ask(method, CALENDAR, fresh).status for _ in range(2)] == [503, status]
