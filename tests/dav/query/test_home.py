"""Reports of the calendars home: those of all calendars in it that the credential may see (RFC 4791 section 7)."""

import pytest

from dav_gateway.core.scope import Scope
from tests.dav.query.asking import CALENDAR, MADRID, SPACES, Asking
from tests.dav.support import Reply, calendar_object

HOME = "/dav/ana/calendars/"
SECOND = HOME + "second/"
NOON = "20261122T120000Z", "20261122T130000Z"


@pytest.fixture
def filled(asked: Asking) -> Asking:
    """`day` is floating: noon in UTC in the one calendar, noon in Madrid in the other."""
    zone = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t//EN\n{MADRID.format('Europe/Madrid')}END:VCALENDAR\n"
    body = (
        f"<C:mkcalendar {SPACES}><D:set><D:prop><C:calendar-timezone>{zone}</C:calendar-timezone></D:prop></D:set>"
        "</C:mkcalendar>"
    )
    assert asked.rig.request("MKCALENDAR", SECOND, body.encode(), password=asked.password).status == 201
    asked.put("first", "DTSTART:20261122T120000", "DTEND:20261122T130000")
    floating = calendar_object("other").replace(b":20261122T120000Z", b":20261122T120000")
    floating = floating.replace(b":20261122T130000Z", b":20261122T130000")
    assert asked.rig.request("PUT", SECOND + "other.ics", floating, password=asked.password).status == 201
    return asked


def query(asked: Asking, password: str, *, depth: str | None = "1", times: tuple[str, str] | None = None) -> Reply:
    inside = f"<C:time-range start='{times[0]}' end='{times[1]}'/>" if times else ""
    body = (
        f"<C:calendar-query {SPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter "
        f"name='VCALENDAR'><C:comp-filter name='VEVENT'>{inside}</C:comp-filter></C:comp-filter></C:filter>"
        "</C:calendar-query>"
    )
    return asked.rig.request("REPORT", HOME, body.encode(), password=password, depth=depth)


def free_busy(asked: Asking, password: str) -> list[str]:
    body = (
        f"<C:free-busy-query {SPACES}><C:time-range start='20261122T000000Z' end='20261123T000000Z'/>"
        "</C:free-busy-query>"
    )
    reply = asked.rig.request("REPORT", HOME, body.encode(), password=password, depth="infinity")
    assert reply.status == 200
    return [line.partition(":")[2] for line in reply.body.decode().split("\r\n") if line.startswith("FREEBUSY")]


@pytest.mark.parametrize("depth", ["1", "infinity", None])
def test_a_query_finds_what_all_calendars_hold(filled: Asking, depth: str | None) -> None:
    found = query(filled, filled.password, depth=depth)
    assert sorted(found.hrefs()) == [CALENDAR + "first.ics", SECOND + "other.ics"]
    assert found.body.count(b"BEGIN:VEVENT") == 2
    assert query(filled, filled.password, depth="0").status == 400


def test_floating_times_are_those_of_each_calendar(filled: Asking) -> None:
    """RFC 4791 section 7.3."""
    assert query(filled, filled.password, times=NOON).hrefs() == [CALENDAR + "first.ics"]
    assert query(filled, filled.password, times=("20261122T110000Z", "20261122T120000Z")).hrefs() == [
        SECOND + "other.ics"
    ]


def test_busy_times_of_all_calendars_are_told_together(filled: Asking) -> None:
    """RFC 4791 section 7.10."""
    assert free_busy(filled, filled.password) == ["20261122T110000Z/20261122T130000Z"]


def test_a_multiget_reaches_into_every_calendar(filled: Asking) -> None:
    """RFC 4791 section 7.9; in the order of the hrefs, each once."""
    hrefs = [SECOND + "other.ics", CALENDAR + "none.ics", CALENDAR + "first.ics", HOME, SECOND, SECOND + "other.ics"]
    body = (
        f"<C:calendar-multiget {SPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop>"
        + "".join(f"<D:href>{href}</D:href>" for href in hrefs)
        + "</C:calendar-multiget>"
    )
    reply = filled.rig.request("REPORT", HOME, body.encode(), password=filled.password, depth=None)
    assert reply.hrefs() == hrefs[:5]
    assert reply.body.count(b"BEGIN:VEVENT") == 2
    assert reply.body.count(b"404 Not Found") == 3


def test_calendars_that_a_password_does_not_open_are_not_looked_into(filled: Asking) -> None:
    narrow = filled.rig.password({Scope.CALENDARS}, collections=["second"])
    assert query(filled, narrow).hrefs() == [SECOND + "other.ics"]
    assert free_busy(filled, narrow) == ["20261122T110000Z/20261122T120000Z"]
    body = (
        f"<C:calendar-multiget {SPACES}><D:prop><C:calendar-data/></D:prop><D:href>{CALENDAR}first.ics</D:href>"
        "</C:calendar-multiget>"
    ).encode()
    hidden = filled.rig.request("REPORT", HOME, body, password=narrow)
    assert b"BEGIN:VEVENT" not in hidden.body
    assert hidden.body.count(b"404 Not Found") == 1
    contacts = filled.rig.password({Scope.CONTACTS})
    assert query(filled, contacts).status == 403


def test_a_home_of_address_books_has_no_such_report(filled: Asking) -> None:
    body = f"<CR:addressbook-query {SPACES}><D:prop/><CR:filter/></CR:addressbook-query>".encode()
    reply = filled.rig.request("REPORT", "/dav/ana/contacts/", body, password=filled.password, depth="1")
    assert reply.status == 403
    assert b"<D:supported-report/>" in reply.body
