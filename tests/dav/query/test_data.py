"""How much of an object a report sends (RFC 4791 section 9.6, RFC 6352 section 10.4)."""

import pytest

from dav_gateway.dav import direct
from dav_gateway.dav.multistatus import RESPONSES_OF_A_PIECE
from tests.dav.query.asking import CALENDAR, MADRID, SPACES, Asking

SERIES = (
    "DTSTART;TZID=Europe/Madrid:20260328T100000", "DTEND;TZID=Europe/Madrid:20260328T113000",
    "RRULE:FREQ=DAILY;COUNT=5", "EXDATE;TZID=Europe/Madrid:20260330T100000",
    "SUMMARY:Long line that is folded somewhere in the middle of\r\n  it",
    "X-ODD;X-P=1:kept",
)  # fmt: skip
MOVED = (
    "BEGIN:VEVENT\r\nUID:x\r\nDTSTAMP:20200101T000000Z\r\nRECURRENCE-ID;TZID=Europe/Madrid:20260331T100000\r\n"
    "DTSTART;TZID=Europe/Madrid:20260410T120000\r\nDURATION:PT1H\r\nSUMMARY:Moved\r\nEND:VEVENT\r\n"
)


@pytest.fixture
def series(asked: Asking) -> Asking:
    asked.put("x", *SERIES, outside=MADRID.format("Europe/Madrid"), more=MOVED)
    return asked


def lines(text: str, *names: str) -> list[str]:
    """The content lines of these names, in order."""
    return [line for line in text.split("\r\n") if line.partition(":")[0].partition(";")[0] in names]


EXPAND = "<C:expand start='{}' end='{}'/>"


def test_expansion_tells_times_in_utc(series: Asking) -> None:
    """Over the change to summer time, around an exception and a moved occurrence."""
    found = series.data(EXPAND.format("20260301T000000Z", "20260501T000000Z"))
    assert lines(found, "DTSTART") == [
        "DTSTART:20260328T090000Z", "DTSTART:20260329T080000Z", "DTSTART:20260401T080000Z", "DTSTART:20260410T100000Z",
    ]  # fmt: skip
    assert lines(found, "DTEND") == [
        "DTEND:20260328T103000Z", "DTEND:20260329T093000Z", "DTEND:20260401T093000Z",
    ]  # fmt: skip
    assert lines(found, "RECURRENCE-ID") == [
        "RECURRENCE-ID:20260328T090000Z", "RECURRENCE-ID:20260329T080000Z", "RECURRENCE-ID:20260401T080000Z",
        "RECURRENCE-ID:20260331T080000Z",
    ]  # fmt: skip
    assert "VTIMEZONE" not in found
    assert not lines(found, "RRULE", "EXDATE")
    assert found.count("X-ODD;X-P=1:kept\r\n") == 3
    assert "folded somewhere in the middle of\r\n  it\r\n" in found


def test_expansion_holds_to_its_range(series: Asking) -> None:
    found = series.data(EXPAND.format("20260329T083000Z", "20260330T000000Z"))
    assert lines(found, "DTSTART") == ["DTSTART:20260329T080000Z"]
    assert series.data(EXPAND.format("20270101T000000Z", "20270201T000000Z")).count("BEGIN:VEVENT") == 0


def test_expansion_of_what_does_not_recur(asked: Asking) -> None:
    asked.put("x", "DTSTART;TZID=Europe/Madrid:20260328T100000", "DURATION:PT1H")
    found = asked.data(EXPAND.format("20260301T000000Z", "20260501T000000Z"))
    assert lines(found, "DTSTART", "DURATION", "RECURRENCE-ID") == ["DTSTART:20260328T090000Z", "DURATION:PT1H"]


def test_expansion_of_dates_and_floating_times(asked: Asking) -> None:
    for start, expected in [
        ("DTSTART;VALUE=DATE:20260328", ["DTSTART;VALUE=DATE:20260328", "DTSTART;VALUE=DATE:20260329"]),
        ("DTSTART:20260328T100000", ["DTSTART:20260328T100000", "DTSTART:20260329T100000"]),
    ]:
        asked.put("x", start, "RRULE:FREQ=DAILY;COUNT=2")
        found = asked.data(EXPAND.format("20260301T000000Z", "20260501T000000Z"))
        assert lines(found, "DTSTART") == expected
        assert lines(found, "RECURRENCE-ID") == [each.replace("DTSTART", "RECURRENCE-ID") for each in expected]


def test_expansion_of_an_override_without_its_master(asked: Asking) -> None:
    """Stock Radicale answers 400 for the whole calendar."""
    asked.put("x", "RECURRENCE-ID:20260328T100000Z", "DTSTART:20260328T110000Z", "DURATION:PT1H")
    asked.put("y", "DTSTART:20300101T000000Z")
    inner = (
        "<C:comp-filter name='VEVENT'><C:time-range start='20260301T000000Z' end='20260501T000000Z'/></C:comp-filter>"
    )
    found = asked.data(EXPAND.format("20260301T000000Z", "20260501T000000Z"), inner)
    assert lines(found, "DTSTART", "RECURRENCE-ID") == ["DTSTART:20260328T110000Z", "RECURRENCE-ID:20260328T100000Z"]


def test_expansion_of_tasks(asked: Asking) -> None:
    asked.put("x", "DTSTART:20260328T100000Z", "DUE:20260328T120000Z", "RRULE:FREQ=DAILY;COUNT=2", component="VTODO")
    found = asked.data(EXPAND.format("20260301T000000Z", "20260501T000000Z"), "<C:comp-filter name='VTODO'/>")
    assert lines(found, "DUE") == ["DUE:20260328T120000Z", "DUE:20260329T120000Z"]


def test_too_many_occurrences_are_507(asked: Asking) -> None:
    asked.put("x", "DTSTART:20200101T000000Z", "RRULE:FREQ=HOURLY;UNTIL=20230101T000000Z")
    prop = "<C:calendar-data><C:expand start='20000101T000000Z' end='20400101T000000Z'/></C:calendar-data>"
    reply = asked.query("<C:comp-filter name='VEVENT'/>", prop=prop)
    assert (reply.status, b"number-of-matches-within-limits" in reply.body) == (507, True)


@pytest.mark.parametrize("way", ["short", "long"])
@pytest.mark.parametrize("report", ["query", "multiget"])
def test_too_many_behind_the_first_pieces_are_507_too(
    asked: Asking, monkeypatch: pytest.MonkeyPatch, way: str, report: str
) -> None:
    """What was told before is thrown away: a client must not take it for the whole answer."""
    names = [f"a{number:03}" for number in range(RESPONSES_OF_A_PIECE + 1)]
    for name in names:
        asked.put(name, "DTSTART:20200101T000000Z")
    asked.put("x", "DTSTART:20200101T000000Z", "RRULE:FREQ=HOURLY;UNTIL=20230101T000000Z")
    if way == "long":
        monkeypatch.setattr(direct, "answer", lambda *_: None)
    prop = "<C:calendar-data><C:expand start='20000101T000000Z' end='20400101T000000Z'/></C:calendar-data>"
    if report == "query":
        reply = asked.query("<C:comp-filter name='VEVENT'/>", prop=prop)
    else:
        hrefs = "".join(f"<D:href>{CALENDAR}{name}.ics</D:href>" for name in [*names, "x"])
        body = f"<C:calendar-multiget {SPACES}><D:prop>{prop}</D:prop>{hrefs}</C:calendar-multiget>".encode()
        reply = asked.rig.request("REPORT", CALENDAR, body, password=asked.password)
    assert (reply.status, b"number-of-matches-within-limits" in reply.body) == (507, True)
    assert names[0].encode() not in reply.body


def test_limit_recurrence_set(series: Asking) -> None:
    """Section 9.6.6: the master, and overrides that are in the range or would have been."""
    limit = "<C:limit-recurrence-set start='{}' end='{}'/>"
    for start, end, moved in [
        ("20260331T000000Z", "20260401T000000Z", 1),
        ("20260410T000000Z", "20260411T000000Z", 1),
        ("20260401T000000Z", "20260405T000000Z", 0),
    ]:
        found = series.data(limit.format(start, end))
        assert found.count("SUMMARY:Moved") == moved
        assert found.count("RRULE:") == 2 + 1  # two of the time zone
        assert found.count("BEGIN:VEVENT") == 1 + moved


def test_limit_freebusy_set(asked: Asking) -> None:
    asked.put(
        "x", "FREEBUSY:20260301T100000Z/PT1H,20260302T100000Z/PT1H", "FREEBUSY;FBTYPE=FREE:20260501T100000Z/PT1H",
        component="VFREEBUSY",
    )  # fmt: skip
    spec = "<C:limit-freebusy-set start='20260302T000000Z' end='20260601T000000Z'/>"
    found = asked.data(spec, "<C:comp-filter name='VFREEBUSY'/>")
    assert lines(found, "FREEBUSY") == [
        "FREEBUSY;FBTYPE=BUSY:20260302T100000Z/20260302T110000Z",
        "FREEBUSY;FBTYPE=FREE:20260501T100000Z/20260501T110000Z",
    ]


def test_parts_of_an_object(series: Asking) -> None:
    """Section 9.6.1: what was asked for, as it was stored."""
    spec = (
        "<C:comp name='VCALENDAR'><C:prop name='VERSION'/><C:comp name='VEVENT'><C:prop name='SUMMARY'/>"
        "<C:prop name='UID'/><C:prop name='X-ODD' novalue='yes'/></C:comp></C:comp>"
    )
    found = series.data(spec)
    assert found.split("\r\n") == [
        "BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:x",
        "SUMMARY:Long line that is folded somewhere in the middle of", "  it", "X-ODD:", "END:VEVENT",
        "BEGIN:VEVENT", "UID:x", "SUMMARY:Moved", "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip
    everything = "<C:comp name='VCALENDAR'><C:allprop/><C:allcomp/></C:comp>"
    assert series.data(everything) == series.data("")
    timezones = "<C:comp name='VCALENDAR'><C:comp name='VTIMEZONE'><C:allprop/><C:allcomp/></C:comp></C:comp>"
    assert MADRID.format("Europe/Madrid") in series.data(timezones)


def test_a_part_that_names_nothing_is_the_whole_component(series: Asking) -> None:
    """The example of RFC 4791 section 7.8.1 asks for time zones so, and is sent all of them."""
    stored = series.data("")
    event = "<C:comp name='VEVENT'><C:prop name='UID'/></C:comp>"
    found = series.data(f"<C:comp name='VCALENDAR'>{event}<C:comp name='VTIMEZONE'/></C:comp>")
    zone = stored[stored.index("BEGIN:VTIMEZONE") : stored.index("END:VTIMEZONE")]
    assert zone in found
    assert not lines(found.partition("BEGIN:VEVENT")[2], "SUMMARY", "RRULE", "DTEND")
    assert series.data("<C:comp name='VCALENDAR'/>") == stored


def test_parts_of_an_expansion_and_by_multiget(series: Asking) -> None:
    spec = "<C:comp name='VCALENDAR'><C:comp name='VEVENT'><C:prop name='DTSTART'/></C:comp></C:comp>"
    expand = EXPAND.format("20260301T000000Z", "20260329T000000Z")
    body = (
        f"<C:calendar-multiget {SPACES}><D:prop><C:calendar-data>{spec}{expand}</C:calendar-data></D:prop>"
        f"<D:href>{CALENDAR}x.ics</D:href><D:href>{CALENDAR}none.ics</D:href></C:calendar-multiget>"
    )
    reply = series.rig.request("REPORT", CALENDAR, body.encode(), password=series.password)
    found = reply.text_of("{urn:ietf:params:xml:ns:caldav}calendar-data").replace("\n", "\r\n")
    assert found.split() == [
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        "DTSTART:20260328T090000Z",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    assert b"404 Not Found" in reply.body
    own = series.rig.request("REPORT", CALENDAR + "x.ics", body.encode(), password=series.password)
    assert own.text_of("{urn:ietf:params:xml:ns:caldav}calendar-data").split() == found.split()


@pytest.mark.parametrize(
    ("attributes", "spec", "status", "condition"),
    [
        ("content-type='text/plain'", "", 403, b"supported-calendar-data"),
        ("content-type='application/calendar+json'", "", 403, b"supported-calendar-data"),
        ("version='1.0'", "", 403, b"supported-calendar-data"),
        ("content-type='text/calendar' version='2.0'", "", 207, b""),
        ("", "<C:expand start='20260101T000000Z'/>", 403, b"valid-filter"),
        ("", "<C:expand start='20260101T000000Z' end='20250101T000000Z'/>", 403, b"valid-filter"),
        ("", EXPAND.format("20260101T000000Z", "20270101T000000Z") * 2, 400, b""),
        (
            "",
            EXPAND.format("20260101T000000Z", "20270101T000000Z")
            + "<C:limit-recurrence-set start='20260101T000000Z' end='20270101T000000Z'/>",
            400,
            b"",
        ),
        ("", "<C:comp name='VEVENT'/>", 400, b""),
        ("", "<C:comp name='VCALENDAR'><C:prop/></C:comp>", 400, b""),
        ("", "<C:nothing/>", 400, b""),
    ],
)
def test_data_that_cannot_be_had(asked: Asking, attributes: str, spec: str, status: int, condition: bytes) -> None:
    prop = f"<C:calendar-data {attributes}>{spec}</C:calendar-data>"
    reply = asked.query("<C:comp-filter name='VEVENT'/>", prop=prop)
    assert (reply.status, condition in reply.body) == (status, True)
