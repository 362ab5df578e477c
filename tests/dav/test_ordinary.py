"""What is read without vobject is read as vobject reads it: the same is stored, the same is refused.

Each object is analysed twice, once with `ordinary` and once without. Generated objects are made of lines that
programs write and of lines that are wrong in one place, so that both kinds meet every rule.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dav_gateway.core.scope import Scope
from dav_gateway.dav import analysis, content_lines, ordinary
from dav_gateway.dav.invalid import InvalidObject
from dav_gateway.store.objects import NewObject

ZONE = (
    "BEGIN:VTIMEZONE", "TZID:Europe/Madrid",
    "BEGIN:DAYLIGHT", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "TZNAME:CEST", "DTSTART:19700329T020000",
    "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT",
    "BEGIN:STANDARD", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "TZNAME:CET", "DTSTART:19701025T030000",
    "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "END:STANDARD", "END:VTIMEZONE",
)  # fmt: skip
BROKEN_ZONE = (*ZONE[:3], "TZOFFSETFROM:x", *ZONE[4:])
OVERRIDE = ("BEGIN:VEVENT", "UID:u1", "RECURRENCE-ID:20261125", "DTSTART:20261125", "END:VEVENT")
ALARM = ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT15M", "DESCRIPTION:x", "END:VALARM")

NAMES = st.sampled_from([
    "DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "DTSTAMP", "CREATED", "LAST-MODIFIED", "COMPLETED", "RDATE", "EXDATE",
    "DURATION", "TRIGGER", "RRULE", "UID", "SUMMARY", "DESCRIPTION", "CATEGORIES", "REQUEST-STATUS", "GEO", "ATTACH",
    "METHOD", "VERSION", "X-A", "x-lower", "dtstart", "Uid", "item1.X-B", "a.DTSTART", "PROFILE", "LOCATION", "VALARM",
    "VEVENT", "FREEBUSY", "X_Y", "N", "FN", "ORG", "ADR", "PHOTO", "KEY", "LABEL", "TEL", "BDAY", "REV", "", "É",
])  # fmt: skip
PARAMETERS = [
    "", "", "", "", ";VALUE=DATE", ";VALUE=DATE-TIME", ";value=date", ";VALUE=PERIOD", ";VALUE=DURATION", ";VALUE=TEXT",
    ";VALUE=", ";VALUE", ";TZID=Europe/Madrid", ";TZID=Nowhere/Land", ';TZID="Europe/Madrid"', ";TZID=", ";TZID=UTC",
    ";TZID=Europe/Madrid;VALUE=DATE", ";VALUE=DATE;VALUE=DATE-TIME", ";VALUE=DATE,DATE-TIME", ';X="a:b;c",d;TYPE=HOME',
    ";ENCODING=BASE64", ";ENCODING=b", ";ENCODING=B;TYPE=JPEG", ";ENCODING=QUOTED-PRINTABLE", ";ENCODING=8BIT",
    ";encoding=b", ";ENCODING=b;ENCODING=b", ";ENCODING=b,b", ";QUOTED-PRINTABLE", ";BASE64", ";CHARSET=latin-1",
    ";TYPE=HOME,WORK", ";TYPE=HOME;TYPE=pref", ";X=a b ", ";X=\x07", ';X="', ";;", ";TZID=a b ", ";RELATED=END",
]  # fmt: skip
VALUES = [
    "20261124T100000Z", "20261124T100000", "20261124", "20261124T100000z", "20261124T1000", "2026-11-24", "20261324",
    "20261124T246060", "20261124T100060Z", "00000101T000000", "00010101T000000Z", "99991231T235959Z",
    "20261124T100000ZZ",
    " 20261124T100000Z", "20261124T100000Z ", "20261124,20261125", "20261124T100000Z,20261125T100000Z", "20261124,",
    "20261124T100000Z/PT1H", "20261124 100000", "٢٠٢٦١١٢٤", "20261124X100000", "20261124T100000+0100",
    "P1D", "PT1H30M", "-PT15M", "+P1W", "P", "PT", "P1", "P1D2H", "PT1M1H", "P1DT", "-P-1D", "P99999999999D",
    "PT1S,PT2S",
    "FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;UNTIL=20270101T000000Z;BYDAY=MO", "FREQ=YEARLY", "FREQ=MONTHLY;BYMONTHDAY=31",
    "", "text", "a,b", ",a", "a\\,b\\nc\\\\", "\\", "a;b", "é", "\t", "\x01", "x TZID=a :b", "TZID=a ", "=", "soft=",
    "quoted-printable=", "aGVsbG8=", "aGVsbG8", "data:image/png;base64,aGVsbG8=", "2.0", "3.0", "4.0", "2.1", "u1",
    "u1 ",
    "Ruiz;Ana;;;", "a;b;c;d;e;f;g", "\x85", "\u2028",
]  # fmt: skip
ODD_LINES = st.sampled_from(
    ["BEGIN:VALARM", "END:VALARM", "BEGIN:X-A", "END:X-A", "no colon", "BEGIN:VEVENT ", "a:b:c"]
)
LINES = st.builds("{}{}:{}".format, NAMES, st.sampled_from(PARAMETERS), st.sampled_from(VALUES))
TAKEN_APART = [
    "DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "DTSTAMP", "CREATED", "LAST-MODIFIED", "COMPLETED", "RDATE", "EXDATE",
    "DURATION", "TRIGGER",
]  # fmt: skip
ABOUT_TIMES = [value for value in VALUES if value[:3].strip("+- ")[:1] in ("2", "0", "9", "P")]


@contextmanager
def _by_vobject() -> Iterator[None]:
    with patch.object(ordinary, "read", lambda _: None):
        yield


def _outcome(octets: bytes, home: Scope) -> NewObject | str:
    try:
        return analysis.analyse(octets, home, "x")
    except InvalidObject as invalid:
        return invalid.condition


def _same(octets: bytes, home: Scope) -> NewObject | str:
    ours = _outcome(octets, home)
    with _by_vobject():
        assert ours == _outcome(octets, home)
    return ours


def _octets(lines: Sequence[str]) -> bytes:
    return "\r\n".join([*lines, ""]).encode()


def _calendar(*lines: str) -> bytes:
    return _octets(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *lines, "END:VCALENDAR"])


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    component=st.sampled_from(["VEVENT", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "vevent"]),
    start=st.sampled_from(["DTSTART:20261124T100000Z", "DTSTART;VALUE=DATE:20261124", "X-A:none"]),
    lines=st.lists(st.one_of(LINES, LINES, LINES, ODD_LINES), max_size=5),
    before=st.sampled_from([(), (), ZONE, BROKEN_ZONE, ("METHOD:PUBLISH",), ("X-WR-CALNAME:x",)]),
    after=st.sampled_from([(), (), ALARM, ("BEGIN:VALARM", "TRIGGER;VALUE=DATE:20260101", "END:VALARM")]),
    more=st.sampled_from([(), (), ZONE, OVERRIDE]),
)  # fmt: skip
@example("VTODO", "DTSTART:20261124T100000Z", ["DTEND:20261125T100000Z"], (), (), ())
@example("VJOURNAL", "DTSTART:20261124T100000Z", ["DURATION:P1D", "DUE:20261125"], (), ALARM, ())
def test_calendar_objects(
    component: str,
    start: str,
    lines: list[str],
    before: tuple[str, ...],
    after: tuple[str, ...],
    more: tuple[str, ...],
) -> None:
    body = [f"BEGIN:{component}", "UID:u1", "DTSTAMP:20261122T100000Z", start, *lines, *after, f"END:{component}"]
    _same(_calendar(*before, *body, *more), Scope.CALENDARS)


@settings(max_examples=1000, deadline=None)
@given(
    version=st.sampled_from(["VERSION:3.0", "VERSION:3.0", "VERSION:4.0", "VERSION:2.1", "VERSION: 3.0", "X-A:none"]),
    lines=st.lists(st.one_of(LINES, LINES, LINES, ODD_LINES), max_size=6),
)
def test_cards(version: str, lines: list[str]) -> None:
    _same(_octets(["BEGIN:VCARD", version, "UID:u1", "FN:Ana", *lines, "END:VCARD"]), Scope.CONTACTS)
    _same(_octets(["BEGIN:VCARD", *lines, version, "END:VCARD"]), Scope.CONTACTS)


@pytest.mark.parametrize("component", ["VEVENT", "VTODO", "VJOURNAL", "VALARM"])
@settings(max_examples=700, deadline=None)
@given(
    line=st.builds(
        "{}{}:{}".format,
        st.sampled_from(TAKEN_APART), st.sampled_from(["", "", *PARAMETERS]), st.sampled_from(ABOUT_TIMES),
    ),
)  # fmt: skip
def test_lines_that_are_taken_apart(component: str, line: str) -> None:
    if component == "VALARM":
        body = ["BEGIN:VEVENT", "UID:u1", "DTSTART:20261124", "BEGIN:VALARM", line, "END:VALARM", "END:VEVENT"]
    else:
        start = () if component == "VTODO" or line.startswith("DTSTART") else ("DTSTART:20261124T100000Z",)
        body = [f"BEGIN:{component}", "UID:u1", *start, line, f"END:{component}"]
    _same(_calendar(*body), Scope.CALENDARS)


@pytest.mark.parametrize("parameters", ["", ";X=1", ";ENCODING=b"])
@pytest.mark.parametrize("name", ["UID", "FN", "VERSION", "N", "METHOD", "RRULE"])
def test_lines_that_are_asked_for(name: str, parameters: str) -> None:
    for value in [*VALUES, "a\\,b", "a\\\\,b", "\\,a", "a\\;b", ",", "  "]:
        line = f"{name}{parameters}:{value}"
        card = {"VERSION": "VERSION:3.0", "UID": "UID:u1", "FN": "FN:Ana", name: line}
        _same(_octets(["BEGIN:VCARD", *card.values(), "END:VCARD"]), Scope.CONTACTS)
        event = {"UID": "UID:u1", "DTSTART": "DTSTART:20261124", name: line}
        _same(_calendar("BEGIN:VEVENT", *event.values(), "END:VEVENT"), Scope.CALENDARS)
        _same(_calendar(line, "BEGIN:VEVENT", "UID:u1", "DTSTART:20261124", "END:VEVENT"), Scope.CALENDARS)


@pytest.mark.parametrize(
    "line", ["END:VCALENDAR", "BEGIN:VCALENDAR", "BEGIN:VTIMEZONE", "END:VEVENT", "a.BEGIN:VEVENT"]
)
@pytest.mark.parametrize("place", range(9))
def test_structure(line: str, place: int) -> None:
    """A line too much, wherever it stands."""
    lines = _calendar("BEGIN:VEVENT", "UID:u1", "DTSTART:20261124T100000Z", "END:VEVENT").decode().splitlines()
    _same(_octets([*lines[:place], line, *lines[place:]]), Scope.CALENDARS)


def test_what_programs_write_is_read_without_vobject() -> None:
    """Otherwise nothing would be gained."""
    found = [
        _calendar(*ZONE, "BEGIN:VEVENT", "UID:u1", "DTSTAMP:20261122T100000Z",
                  "DTSTART;TZID=Europe/Madrid:20261124T100000", "DTEND;TZID=Europe/Madrid:20261124T110000",
                  "RRULE:FREQ=WEEKLY;COUNT=10", "EXDATE;TZID=Europe/Madrid:20261201T100000", "SUMMARY:a\\, b",
                  'ATTENDEE;CN="Ruiz, Ana";PARTSTAT=NEEDS-ACTION:mailto:ana@example.org', *ALARM, "END:VEVENT"),
        _calendar("BEGIN:VTODO", "UID:u1", "DUE;VALUE=DATE:20261124", "PERCENT-COMPLETE:50", "END:VTODO"),
    ]  # fmt: skip
    for octets in found:
        assert isinstance(_same(octets, Scope.CALENDARS), NewObject)
        assert ordinary.read(content_lines.unfolded(octets, "x")) is not None
    cards = [
        _octets(["BEGIN:VCARD", "VERSION:3.0", "UID:u1", "N:Ruiz;Ana;;;", "FN:Ana Ruiz",
                 "item1.EMAIL;type=INTERNET:a@b.c",
                 "TEL;type=CELL;type=pref:+34 600", "PHOTO;ENCODING=b;TYPE=JPEG:aGVsbG8=", "END:VCARD"]),
        _octets(["BEGIN:VCARD", "VERSION:4.0", "UID:urn:uuid:1", "FN:Ana", "PHOTO:data:image/jpeg;base64,aGVsbG8=",
                 "END:VCARD"]),
    ]  # fmt: skip
    for octets in cards:
        assert isinstance(_same(octets, Scope.CONTACTS), NewObject)
        assert ordinary.read(content_lines.unfolded(octets, "x")) is not None


def test_a_zone_is_read_once() -> None:
    """Whatever vobject refuses is asked again each time, and never let in."""
    ordinary._check_zone.cache_clear()
    event = ("BEGIN:VEVENT", "UID:u1", "DTSTART:20261124T100000Z", "END:VEVENT")
    for _ in range(3):
        assert isinstance(_outcome(_calendar(*ZONE, *event), Scope.CALENDARS), NewObject)
        assert _outcome(_calendar(*BROKEN_ZONE, *event), Scope.CALENDARS) == "C:valid-calendar-data"
    assert ordinary._check_zone.cache_info().hits == 2
