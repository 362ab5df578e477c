"""Time ranges: the tables of RFC 4791 section 9.9, row by row, at the edges of the range."""

import pytest

from tests.dav.query.asking import CALENDAR, MADRID, SPACES, Asking

START, END = "20261122T100000Z", "20261122T120000Z"
EVENTS = [
    # DTEND: start < DTEND and end > DTSTART
    (("DTSTART:20261122T080000Z", "DTEND:20261122T100000Z"), False),
    (("DTSTART:20261122T080000Z", "DTEND:20261122T100001Z"), True),
    (("DTSTART:20261122T115959Z", "DTEND:20261122T130000Z"), True),
    (("DTSTART:20261122T120000Z", "DTEND:20261122T130000Z"), False),
    (("DTSTART:20261121T000000Z", "DTEND:20261201T000000Z"), True),
    # DURATION above zero: the same
    (("DTSTART:20261122T080000Z", "DURATION:PT2H"), False),
    (("DTSTART:20261122T080000Z", "DURATION:PT2H1S"), True),
    (("DTSTART:20261115T110000Z", "DURATION:P1W"), True),
    # DURATION of zero, or neither: start <= DTSTART and end > DTSTART
    (("DTSTART:20261122T100000Z", "DURATION:PT0S"), True),
    (("DTSTART:20261122T095959Z", "DURATION:PT0S"), False),
    (("DTSTART:20261122T100000Z",), True),
    (("DTSTART:20261122T120000Z",), False),
    (("DTSTART:20261122T095959Z",), False),
    # a date: start < DTSTART + P1D and end > DTSTART
    (("DTSTART;VALUE=DATE:20261122",), True),
    (("DTSTART;VALUE=DATE:20261121",), False),
    (("DTSTART;VALUE=DATE:20261120", "DTEND;VALUE=DATE:20261123"), True),
    (("DTSTART;VALUE=DATE:20261120", "DTEND;VALUE=DATE:20261122"), False),
    # zones
    (("DTSTART;TZID=Europe/Madrid:20261122T103000", "DTEND;TZID=Europe/Madrid:20261122T113000"), True),
    (("DTSTART;TZID=Europe/Madrid:20261122T093000", "DTEND;TZID=Europe/Madrid:20261122T110000"), False),
    (("DTSTART;TZID=Asia/Kolkata:20261122T153000", "DURATION:PT1M"), True),
    # recurrence
    (("DTSTART:20250101T110000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"), True),
    (("DTSTART:20250101T110000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY", "EXDATE:20261122T110000Z"), False),
    (("DTSTART:20250101T110000Z", "DURATION:PT1H", "RDATE:20261122T110000Z"), True),
    (("DTSTART:20250101T110000Z", "RDATE;VALUE=PERIOD:20261122T080000Z/PT3H"), True),
    (("DTSTART:20250101T110000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20261121T230000Z"), False),
    (("DTSTART;VALUE=DATE:20250101", "RRULE:FREQ=DAILY", "EXDATE;VALUE=DATE:20261122"), False),
    (("DTSTART:20250101T110000Z", "RRULE:FREQ=DAILY", "EXDATE;VALUE=DATE:20261122"), False),
    (("DTSTART:20261121T110000Z", "RRULE:FREQ=MONTHLY;BYMONTHDAY=22;COUNT=2"), True),
    (("DTSTART:20261110T110000Z", "RRULE:FREQ=WEEKLY;BYDAY=SU;COUNT=3"), True),
    (("DTSTART:20261110T110000Z", "RRULE:FREQ=WEEKLY;BYDAY=SU;COUNT=2"), False),
    (("DTSTART:20261121T080000Z", "DURATION:PT3H", "RRULE:FREQ=DAILY"), True),
    (("DTSTART:20261121T080000Z", "DURATION:PT3H", "RRULE:FREQ=DAILY", "RDATE;VALUE=PERIOD:20261122T080000Z/PT1H"),
     False),
    (("DTSTART:20261121T110000Z", "RRULE:FREQ=MONTHLY;BYMONTHDAY=22;COUNT=1"), False),
    # recurrence that matches a day only where it begins (RFC 5545 section 3.3.10)
    (("DTSTART:20251122T110000Z", "RRULE:FREQ=MONTHLY;INTERVAL=12;BYMONTH=11"), True),
    (("DTSTART:20260222T110000Z", "RRULE:FREQ=MONTHLY;INTERVAL=3;BYMONTH=2,5,8,11"), True),
    (("DTSTART:20241101T110000Z", "RRULE:FREQ=MONTHLY;INTERVAL=12;BYMONTH=11;BYDAY=4SU"), True),
    (("DTSTART:20260222T110000Z", "RRULE:FREQ=MONTHLY;INTERVAL=3;BYMONTH=2,8"), False),
    (("DTSTART:20261108T110000Z", "RRULE:FREQ=DAILY;INTERVAL=14;BYDAY=SU"), True),
    (("DTSTART:20261120T110000Z", "RRULE:FREQ=HOURLY;INTERVAL=8;BYHOUR=3,11,19"), True),
    (("DTSTART:20261122T030000Z", "RRULE:FREQ=HOURLY;INTERVAL=16;BYHOUR=3,11,19"), False),
]  # fmt: skip
TODOS = [
    # DTSTART and DURATION: start <= DTSTART+DURATION and (end > DTSTART or end >= DTSTART+DURATION)
    (("DTSTART:20261122T090000Z", "DURATION:PT1H"), True),
    (("DTSTART:20261122T085959Z", "DURATION:PT1H"), False),
    (("DTSTART:20261122T120000Z", "DURATION:PT1H"), False),
    # DTSTART and DUE: (start < DUE or start <= DTSTART) and (end > DTSTART or end >= DUE)
    (("DTSTART:20261122T090000Z", "DUE:20261122T100000Z"), False),
    (("DTSTART:20261122T100000Z", "DUE:20261122T100000Z"), True),
    (("DTSTART:20261122T090000Z", "DUE:20261122T100001Z"), True),
    (("DTSTART:20261122T120000Z", "DUE:20261122T130000Z"), False),
    # DTSTART alone: start <= DTSTART and end > DTSTART
    (("DTSTART:20261122T100000Z",), True),
    (("DTSTART:20261122T120000Z",), False),
    # DUE alone: start < DUE and end >= DUE
    (("DUE:20261122T100000Z",), False),
    (("DUE:20261122T120000Z",), True),
    # COMPLETED and CREATED: (start <= CREATED or start <= COMPLETED) and (end >= CREATED or end >= COMPLETED)
    (("CREATED:20261101T000000Z", "COMPLETED:20261122T100000Z"), True),
    (("CREATED:20261101T000000Z", "COMPLETED:20261122T095959Z"), False),
    (("CREATED:20261122T120001Z", "COMPLETED:20261123T000000Z"), False),
    (("CREATED:20261101T000000Z", "COMPLETED:20261201T000000Z"), True),
    # COMPLETED alone: start <= COMPLETED and end >= COMPLETED
    (("COMPLETED:20261122T100000Z",), True),
    (("COMPLETED:20261122T120000Z",), True),
    (("COMPLETED:20261122T120001Z",), False),
    # CREATED alone: end > CREATED
    (("CREATED:20200101T000000Z",), True),
    (("CREATED:20261122T120000Z",), False),
    # nothing: always
    ((), True),
    (("DUE:20250101T110000Z", "RRULE:FREQ=DAILY"), True),
    (("DTSTART:20250101T110000Z", "DUE:20250101T113000Z", "RRULE:FREQ=DAILY;COUNT=3"), False),
]  # fmt: skip
JOURNALS = [
    (("DTSTART:20261122T100000Z",), True),
    (("DTSTART:20261122T120000Z",), False),
    (("DTSTART;VALUE=DATE:20261122",), True),
    (("DTSTART;VALUE=DATE:20261121",), False),
    ((), False),
]
BUSY = [
    (("DTSTART:20261122T080000Z", "DTEND:20261122T100000Z"), True),
    (("DTSTART:20261122T120000Z", "DTEND:20261122T130000Z"), False),
    (("FREEBUSY:20261122T080000Z/PT1H,20261122T113000Z/20261122T114000Z",), True),
    (("FREEBUSY:20261122T080000Z/PT2H",), False),
    ((), False),
]
CASES = [
    (component, lines, found)
    for component, rows in [("VEVENT", EVENTS), ("VTODO", TODOS), ("VJOURNAL", JOURNALS), ("VFREEBUSY", BUSY)]
    for lines, found in rows
]


@pytest.mark.parametrize(("component", "lines", "found"), CASES)
def test_the_tables(asked: Asking, component: str, lines: tuple[str, ...], found: bool) -> None:
    asked.put("x", *lines, component=component)
    assert asked.between(START, END, component) == (["x"] if found else [])


def test_open_ends(asked: Asking) -> None:
    asked.put("past", "DTSTART:20200101T000000Z", "DURATION:PT1H")
    asked.put("future", "DTSTART:20300101T000000Z", "DURATION:PT1H")
    asked.put("endless", "DTSTART:20200101T000000Z", "RRULE:FREQ=WEEKLY")
    assert asked.between("20261122T000000Z", "") == ["endless", "future"]
    assert asked.between("", "20261122T000000Z") == ["endless", "past"]


def test_an_override_is_where_it_was_moved_to(asked: Asking) -> None:
    override = (
        "BEGIN:VEVENT\r\nUID:x\r\nDTSTAMP:20200101T000000Z\r\nRECURRENCE-ID:20261122T110000Z\r\n"
        "DTSTART:20261225T110000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
    )
    asked.put("x", "DTSTART:20261120T110000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3", more=override)
    assert asked.between(START, END) == []
    assert asked.between("20261225T000000Z", "20261226T000000Z") == ["x"]
    assert asked.between("20261121T000000Z", "20261122T000000Z") == ["x"]


def test_an_override_of_all_that_follow(asked: Asking) -> None:
    """RFC 5545 section 3.2.13: from the third day on it is two hours later and half an hour long; the fifth moves."""
    later = (
        "BEGIN:VEVENT\r\nUID:x\r\nDTSTAMP:20200101T000000Z\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261122T100000Z\r\n"
        "DTSTART:20261122T120000Z\r\nDURATION:PT30M\r\nEND:VEVENT\r\n"
    )
    moved = later.replace(";RANGE=THISANDFUTURE", "").replace("20261122", "20261124").replace("T120000Z", "T180000Z")
    asked.put("x", "DTSTART:20261120T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY", more=later + moved)
    for day, hours in {21: {10}, 22: {12}, 23: {12}, 24: {18}, 25: {12}}.items():
        found = {
            hour for hour in range(9, 20) if asked.between(f"202611{day}T{hour:02}1500Z", f"202611{day}T{hour:02}2000Z")
        }
        assert found == hours, day
    assert asked.between("20270325T123000Z", "20270326T120000Z") == []
    assert "DTSTART:20270325T120000Z\r\nDURATION" in asked.data(
        "<C:expand start='20270325T000000Z' end='20270326T000000Z'/>"
    )


def test_a_long_period_among_the_dates(asked: Asking) -> None:
    asked.put("x", "DTSTART:20260101T110000Z", "DURATION:PT1H", "RDATE;VALUE=PERIOD:20261110T000000Z/P20D")
    assert asked.between(START, END) == ["x"]
    assert asked.between("20261130T000000Z", "20261201T000000Z") == []


@pytest.mark.parametrize("rule", ["FREQ=DAILY", "FREQ=MONTHLY;BYDAY=2MO", "FREQ=YEARLY", "FREQ=YEARLY;BYDAY=-1SA"])
def test_rules_go_on_for_as_long_as_there_are_dates(asked: Asking, rule: str) -> None:
    asked.put("x", "DTSTART:20260101T110000Z", "DURATION:PT1H", f"RRULE:{rule}")
    assert asked.between("24000101T000000Z", "24010201T000000Z") == ["x"]
    assert asked.between("24000101T120000Z", "24000101T130000Z") == []


def test_an_override_without_its_master(asked: Asking) -> None:
    """Legal, when one was invited to a single occurrence."""
    asked.put("x", "RECURRENCE-ID:20261122T110000Z", "DTSTART:20261122T113000Z", "DURATION:PT1H")
    assert asked.between(START, END) == ["x"]
    assert asked.between("20261123T000000Z", "20261124T000000Z") == []


@pytest.mark.parametrize(
    "zone",
    [
        f"<C:timezone>BEGIN:VCALENDAR\nVERSION:2.0\n{MADRID.format('Any name')}END:VCALENDAR\n</C:timezone>",
        "<C:timezone-id>Europe/Madrid</C:timezone-id>",
    ],
)
def test_floating_times_are_in_the_zone_of_the_query(asked: Asking, zone: str) -> None:
    """RFC 4791 section 7.3 and RFC 7809 section 5."""
    asked.put("clock", "DTSTART:20261122T103000", "DURATION:PT20M")
    asked.put("day", "DTSTART;VALUE=DATE:20261122")
    nine, ten = "20261122T093000Z", "20261122T095000Z"
    assert asked.between(nine, ten) == ["day"]
    assert asked.between(nine, ten, more=zone) == ["clock", "day"]
    assert asked.between("20261121T230000Z", "20261121T235900Z") == []
    assert asked.between("20261121T230000Z", "20261121T235900Z", more=zone) == ["day"]


@pytest.mark.parametrize("name", ["calendar-timezone", "calendar-timezone-id"])
def test_floating_times_are_in_the_zone_of_the_calendar(asked: Asking, name: str) -> None:
    value = "Europe/Madrid" if name.endswith("id") else f"BEGIN:VCALENDAR\n{MADRID.format('X')}END:VCALENDAR"
    body = f"<D:propertyupdate {SPACES}><D:set><D:prop><C:{name}>{value}</C:{name}></D:prop></D:set></D:propertyupdate>"
    asked.put("clock", "DTSTART:20261122T103000", "DURATION:PT20M")
    assert b"200 OK" in asked.rig.request("PROPPATCH", CALENDAR, body.encode(), password=asked.password).body
    assert asked.between("20261122T093000Z", "20261122T095000Z") == ["clock"]
    assert asked.between("20261122T103000Z", "20261122T105000Z") == []


@pytest.mark.parametrize("tzid", ["Custom", "/freeassociation.sourceforge.net/Europe/Madrid", "Romance Standard Time"])
def test_zones_that_the_object_defines_or_names_in_its_own_way(asked: Asking, tzid: str) -> None:
    start = f"DTSTART;TZID={tzid}:20260722T123000"
    asked.put("x", start, "DURATION:PT20M", outside=MADRID.format(tzid))
    assert asked.between("20260722T103000Z", "20260722T105000Z") == ["x"]
    assert asked.between("20260722T113000Z", "20260722T115000Z") == []


ALARM = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x")


@pytest.mark.parametrize(
    ("trigger", "found"),
    [
        (("TRIGGER:-PT15M",), ["x"]),  # 10:45
        (("TRIGGER:-PT1H1S",), []),
        (("TRIGGER:-PT1H",), ["x"]),
        (("TRIGGER:PT1H",), []),  # 12:00
        (("TRIGGER;RELATED=END:-PT5M",), []),  # 12:25
        (("TRIGGER;RELATED=END:-PT31M",), ["x"]),
        (("TRIGGER;VALUE=DATE-TIME:20261122T100000Z",), ["x"]),
        (("TRIGGER;VALUE=DATE-TIME:20261123T100000Z",), []),
        (("TRIGGER:-PT2H", "REPEAT:1", "DURATION:PT30M"), []),
        (("TRIGGER:-PT2H", "REPEAT:2", "DURATION:PT30M"), ["x"]),
        (("TRIGGER:-P1D", "REPEAT:1", "DURATION:PT26H"), []),
    ],
)
def test_when_alarms_go_off(asked: Asking, trigger: tuple[str, ...], found: list[str]) -> None:
    """Also of an occurrence that is itself outside of the range, and of the second alarm of an event."""
    asked.put(
        "x", "DTSTART:20251122T110000Z", "DURATION:PT1H30M", "RRULE:FREQ=YEARLY",
        *ALARM, "TRIGGER;VALUE=DATE-TIME:20200101T000000Z", "END:VALARM", *ALARM, *trigger, "END:VALARM",
    )  # fmt: skip
    inner = f"<C:comp-filter name='VALARM'><C:time-range start='{START}' end='{END}'/></C:comp-filter>"
    assert asked.events(inner) == found


def test_an_alarm_long_before_its_event(asked: Asking) -> None:
    asked.put("x", "DTSTART:20261129T110000Z", *ALARM, "TRIGGER:-P1W", "END:VALARM")
    inner = f"<C:comp-filter name='VALARM'><C:time-range start='{START}' end='{END}'/></C:comp-filter>"
    assert asked.events(inner) == ["x"]


@pytest.mark.parametrize(
    ("name", "start", "found"),
    [("DTSTAMP", "20200101T000000Z", ["x"]), ("DTSTAMP", "20200101T000001Z", []),
     ("DTSTART", "20261122T235959Z", ["x"]), ("DTSTART", "20261123T000000Z", []),
     ("COMPLETED", "20200101T000000Z", [])],
)  # fmt: skip
def test_times_of_properties(asked: Asking, name: str, start: str, found: list[str]) -> None:
    asked.put("x", "DTSTART;VALUE=DATE:20261122")
    inner = f"<C:prop-filter name='{name}'><C:time-range start='{start}' end='20300101T000000Z'/></C:prop-filter>"
    assert asked.events(inner) == found
