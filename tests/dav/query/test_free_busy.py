"""free-busy-query (RFC 4791 section 7.10)."""

import icalendar
import pytest

from tests.dav.query.asking import CALENDAR, SPACES, Asking
from tests.dav.support import Reply

DAY = "<C:time-range start='20261122T000000Z' end='20261123T000000Z'/>"


def ask(asked: Asking, inner: str = DAY, path: str = CALENDAR, depth: str | None = "1") -> Reply:
    body = f"<C:free-busy-query {SPACES}>{inner}</C:free-busy-query>".encode()
    return asked.rig.request("REPORT", path, body, password=asked.password, depth=depth)


def busy(reply: Reply) -> list[tuple[str, str]]:
    assert reply.status == 200, reply.body
    assert reply.headers["Content-Type"].startswith("text/calendar")
    [found] = icalendar.Calendar.from_ical(reply.body).walk("VFREEBUSY")
    assert {"UID", "DTSTAMP", "DTSTART", "DTEND"} <= set(found)
    lines = [line for line in reply.body.decode().split("\r\n") if line.startswith("FREEBUSY")]
    return [tuple(line.removeprefix("FREEBUSY;FBTYPE=").split(":")) for line in lines]


def test_types_and_what_does_not_count(asked: Asking) -> None:
    for name, start, lines in [
        ("a", "08", ()),
        ("b", "10", ("STATUS:TENTATIVE",)),
        ("c", "12", ("STATUS:CANCELLED",)),
        ("d", "14", ("TRANSP:TRANSPARENT",)),
        ("e", "16", ("TRANSP:OPAQUE", "STATUS:CONFIRMED")),
    ]:
        asked.put(name, f"DTSTART:20261122T{start}0000Z", "DURATION:PT1H", *lines)
    asked.put("todo", "DTSTART:20261122T200000Z", "DUE:20261122T210000Z", component="VTODO")
    asked.put(
        "fb", "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261122T180000Z/PT30M", "FREEBUSY;FBTYPE=FREE:20261122T220000Z/PT30M",
        component="VFREEBUSY",
    )  # fmt: skip
    assert busy(ask(asked)) == [
        ("BUSY", "20261122T080000Z/20261122T090000Z"),
        ("BUSY-TENTATIVE", "20261122T100000Z/20261122T110000Z"),
        ("BUSY", "20261122T160000Z/20261122T170000Z"),
        ("BUSY-UNAVAILABLE", "20261122T180000Z/20261122T183000Z"),
    ]


def test_what_touches_is_one_and_ends_at_the_range(asked: Asking) -> None:
    asked.put("a", "DTSTART:20261121T230000Z", "DURATION:PT2H")
    asked.put("b", "DTSTART:20261122T010000Z", "DURATION:PT2H")
    asked.put("c", "DTSTART:20261122T020000Z", "DURATION:PT30M")
    asked.put("d", "DTSTART:20251122T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY", "EXDATE:20261123T100000Z")
    asked.put("nothing", "DTSTART:20261122T120000Z")
    assert busy(ask(asked)) == [
        ("BUSY", "20261122T000000Z/20261122T030000Z"),
        ("BUSY", "20261122T100000Z/20261122T110000Z"),
    ]


def test_an_override_changes_what_is_busy(asked: Asking) -> None:
    override = (
        "BEGIN:VEVENT\r\nUID:x\r\nDTSTAMP:20200101T000000Z\r\nRECURRENCE-ID:20261122T100000Z\r\n"
        "DTSTART:20261122T150000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
    )
    asked.put("x", "DTSTART:20261120T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY", more=override)
    assert busy(ask(asked)) == [("BUSY", "20261122T150000Z/20261122T160000Z")]


def test_floating_times_in_the_zone_of_the_calendar(asked: Asking) -> None:
    body = (
        f"<D:propertyupdate {SPACES}><D:set><D:prop><C:calendar-timezone-id>America/New_York</C:calendar-timezone-id>"
        "</D:prop></D:set></D:propertyupdate>"
    )
    asked.rig.request("PROPPATCH", CALENDAR, body.encode(), password=asked.password)
    asked.put("clock", "DTSTART:20261122T100000", "DURATION:PT1H")
    assert busy(ask(asked)) == [("BUSY", "20261122T150000Z/20261122T160000Z")]


@pytest.mark.parametrize("depth", [None, "0", "1", "infinity"])
def test_every_depth(asked: Asking, depth: str | None) -> None:
    assert busy(ask(asked, depth=depth)) == []


@pytest.mark.parametrize(
    ("inner", "status"),
    [
        ("", 400),
        ("<C:time-range/>", 400),
        ("<C:time-range start='20261122T000000Z'/>", 400),
        ("<C:time-range start='x' end='y'/>", 400),
        ("<C:time-range start='20261123T000000Z' end='20261122T000000Z'/>", 400),
    ],
)
def test_a_range_with_both_ends(asked: Asking, inner: str, status: int) -> None:
    assert ask(asked, inner).status == status


def test_only_of_calendars(asked: Asking) -> None:
    asked.put("x", "DTSTART:20261122T120000Z")
    for path in ("/dav/ana/contacts/contacts/", CALENDAR + "x.ics", "/dav/ana/contacts/", "/dav/ana/"):
        assert ask(asked, path=path).status == 403
