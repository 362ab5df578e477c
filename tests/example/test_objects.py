"""The example company's objects: valid to two parsers that know nothing of each other, and in the clients' shapes."""

import re
import warnings
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import icalendar
import pytest
import recurring_ical_events
import vobject

from dav_gateway.core.scope import Scope
from dav_gateway.example import objects, people

TODAY = date(2026, 11, 22)
EVERYTHING = [
    pytest.param(person.name, *found, id=f"{person.name}-{found[2]}")
    for person in people()
    for found in objects(person, TODAY)
]
CALENDARS = [each for each in EVERYTHING if each.values[1] is Scope.CALENDARS]
CARDS = [each for each in EVERYTHING if each.values[1] is Scope.CONTACTS]

FOLD = re.compile(rb"\r\n[ \t]")


def unfolded(octets: bytes) -> str:
    """RFC 5545 section 3.1: unfold the octets before they are decoded."""
    return FOLD.sub(b"", octets).decode()


@pytest.mark.parametrize(("person", "home", "collection", "name", "octets"), EVERYTHING)
def test_lines_end_with_crlf_and_nothing_is_left_of_the_template(person, home, collection, name, octets):
    assert octets.endswith(b"\r\n")
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert b"\r\n\r\n" not in octets
    assert "{{" not in unfolded(octets)


@pytest.mark.parametrize(("person", "home", "collection", "name", "octets"), CALENDARS)
def test_icalendar_reads_every_event_and_task(person, home, collection, name, octets):
    calendar = icalendar.Calendar.from_ical(unfolded(octets))
    assert [(each.name, each.errors) for each in calendar.walk() if each.errors] == []
    components = [each for each in calendar.subcomponents if each.name in ("VEVENT", "VTODO")]
    assert {each.name for each in components} == {"VEVENT" if collection == "calendar" else "VTODO"}
    assert len({str(each["UID"]) for each in components}) == 1
    assert "METHOD" not in calendar, "RFC 4791 section 4.1"
    used = {value.params["TZID"] for each in components for value in times(each) if "TZID" in value.params}
    defined = {str(each["TZID"]) for each in calendar.walk("VTIMEZONE")}
    assert {each.strip() for each in used} <= {each.strip() for each in defined}, "RFC 5545 section 3.2.19"


def times(component):
    for name in ("DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "EXDATE", "RDATE"):
        found = component.get(name, [])
        yield from found if isinstance(found, list) else [found]


@pytest.mark.parametrize(("person", "home", "collection", "name", "octets"), CALENDARS)
def test_vobject_reads_every_event_and_task(person, home, collection, name, octets):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (calendar,) = vobject.readComponents(unfolded(octets))
    assert calendar.name == "VCALENDAR"
    assert calendar.validate(raiseException=True)


@pytest.mark.parametrize(("person", "home", "collection", "name", "octets"), CARDS)
def test_icalendar_reads_every_card(person, home, collection, name, octets):
    card = icalendar.Component.from_ical(unfolded(octets))
    assert card.name == "VCARD"
    assert card["VERSION"] in ("3.0", "4.0")
    assert str(card["UID"])
    assert [(each.name, each.errors) for each in card.walk() if each.errors] == []


@pytest.mark.parametrize(("person", "home", "collection", "name", "octets"), CARDS)
def test_vobject_reads_every_card(person, home, collection, name, octets):
    (card,) = vobject.readComponents(unfolded(octets))
    assert card.name == "VCARD"
    assert card.fn.value
    if card.version.value == "3.0":
        assert card.validate(raiseException=True)


def test_names_and_uids_are_unique_in_their_collections():
    names = Counter((person, home, collection, name) for person, home, collection, name, _ in values(EVERYTHING))
    uids = Counter(
        (person, collection, re.search(r"^UID:(.*)\r$", main_part(octets), re.MULTILINE)[1])
        for person, _, collection, _, octets in values(EVERYTHING)
    )
    assert max(names.values()) == 1
    assert max(uids.values()) == 1


def values(parameters):
    return [each.values for each in parameters]


def main_part(octets):
    """The object without its alarms, which have UIDs of their own."""
    return re.sub(r"BEGIN:VALARM.*?END:VALARM", "", unfolded(octets), flags=re.DOTALL)


def test_everybody_has_events_tasks_and_cards():
    kept = Counter((person, collection) for person, _, collection, _, _ in values(EVERYTHING))
    for person in people():
        assert kept[person.name, "calendar"] >= 6
        assert kept[person.name, "tasks"] >= 4
        assert kept[person.name, "contacts"] >= 5


def test_the_clients_shapes_are_all_there():
    corpus = b"".join(octets for *_, octets in values(EVERYTHING))
    text = FOLD.sub(b"", corpus)
    for mark in (
        b"PRODID:-//Apple Inc.//iOS", b"PRODID:-//Apple Inc.//macOS", b"X-WR-ALARMUID:",
        b"X-APPLE-STRUCTURED-LOCATION", b"item1.X-ABLabel:", b"X-ADDRESSBOOKSERVER-MEMBER:", b"ACTION:NONE",
        b"DDay.iCal", b"X-MICROSOFT-CDO-BUSYSTATUS", b'TZID="Romance Standard Time  "',
        b"TZID=W. Europe Standard Time:", b"X-MS-OL-DEFAULT-POSTAL-ADDRESS", b"X-MOZ-LASTACK", b"X-MOZ-GENERATION",
        b"X-TZINFO:", b"PRODID:DAVx5/", b"Google Calendar", b"X-LIC-LOCATION", b"tasks.org", b"VERSION:4.0",
        b"VERSION:3.0", b"RECURRENCE-ID", b"EXDATE", b"RDATE;TZID", b"DURATION:PT", b"PHOTO;ENCODING=b;TYPE=JPEG:",
        b"data:image/png;base64,", b"KIND:group", b"RRULE:FREQ=",
    ):  # fmt: skip
        assert mark in text, mark
    assert "🎂".encode() in text
    assert b"\r\n\t" in corpus, "Outlook folds with a tab"
    assert any(len(line) > 75 for line in corpus.split(b"\r\n")), "a writer that counts characters"
    folds = [match.start() for match in FOLD.finditer(corpus)]
    assert any(0x80 <= corpus[at + 3] < 0xC0 for at in folds), "a fold in the middle of a UTF-8 character"
    floating = rb"^DTSTART:\d{8}T\d{6}\r$"
    assert re.search(floating, text, re.MULTILINE), "a floating time"
    assert re.search(rb"^DTSTART;VALUE=DATE:", text, re.MULTILINE), "an all-day event"


@pytest.mark.parametrize("person", people(), ids=lambda person: person.name)
@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 3, 29), date(2028, 2, 29), date(2031, 10, 26)])
def test_the_calendar_of_any_day_is_not_empty(person, today):
    week = datetime.combine(today - timedelta(days=today.weekday()), time(), UTC)
    found = 0
    for _, collection, _, octets in objects(person, today):
        if collection == "calendar":
            calendar = icalendar.Calendar.from_ical(unfolded(octets))
            found += len(recurring_ical_events.of(calendar).between(week, week + timedelta(days=14)))
    assert found >= 4


def test_the_same_day_gives_the_same_octets():
    assert [each.values for each in EVERYTHING] == [
        (person.name, *found) for person in people() for found in objects(person, TODAY)
    ]


def test_overrides_and_exclusions_name_occurrences_of_their_rules():
    """Dates are computed, so an override could miss its series by an hour or a day; none may."""
    checked = 0
    for _, _, collection, name, octets in values(EVERYTHING):
        if collection != "calendar":
            continue
        calendar = icalendar.Calendar.from_ical(unfolded(octets))
        events = calendar.walk("VEVENT")
        masters = [each for each in events if "RECURRENCE-ID" not in each]
        if len(masters) != 1 or "RRULE" not in masters[0]:
            continue
        start = masters[0]["DTSTART"].dt
        rule = vobject.base.textLineToContentLine(f"RRULE:{masters[0]['RRULE'].to_ical().decode()}")
        named = [each["RECURRENCE-ID"].dt for each in events if "RECURRENCE-ID" in each]
        exclusions = masters[0].get("EXDATE", [])
        named += [
            moment.dt
            for each in ([exclusions] if not isinstance(exclusions, list) else exclusions)
            for moment in each.dts
        ]
        for moment in named:
            assert moment in occurrences(start, rule.value, moment), (name, moment)
            checked += 1
    assert checked >= 10


def occurrences(start, rule, until):
    from dateutil.rrule import rrulestr

    naive = start.replace(tzinfo=None)
    local = until.replace(tzinfo=None)
    without_until = re.sub(r";?UNTIL=[^;]*", "", rule).lstrip(";")
    found = rrulestr(without_until, dtstart=naive).between(naive, local, inc=True)
    return [each.replace(tzinfo=start.tzinfo) for each in found]
