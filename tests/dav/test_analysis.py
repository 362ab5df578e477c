"""What may be stored (RFC 4791 sections 4.1 and 5.3.2.1, RFC 6352 sections 5.1 and 6.3.2.1), and how far it reaches."""

import time

import pytest

from dav_gateway.core.scope import Scope
from dav_gateway.dav.analysis import analyse
from dav_gateway.dav.invalid import InvalidObject
from dav_gateway.store.object_rows import OccurrenceRow
from tests.dav.support import calendar_object

DAY = 86_400
NOON = 1_795_348_800  # 2026-11-22T12:00:00Z


def calendar(*lines: str, component: str = "VEVENT") -> bytes:
    body = [f"BEGIN:{component}", "UID:u1", "DTSTAMP:20261122T120000Z", *lines, f"END:{component}"]
    return wrapped(*body)


def wrapped(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *lines, "END:VCALENDAR", ""]).encode()


def card(*lines: str, version: str = "VERSION:3.0") -> bytes:
    return "\r\n".join(["BEGIN:VCARD", version, *lines, "END:VCARD", ""]).encode()


def event(uid: str) -> list[str]:
    return ["BEGIN:VEVENT", f"UID:{uid}", "DTSTART:20261122T120000Z", "END:VEVENT"]


def refused(octets: bytes, home: Scope = Scope.CALENDARS) -> str:
    with pytest.raises(InvalidObject) as caught:
        analyse(octets, home, "x.ics")
    assert str(caught.value)
    return caught.value.condition


def test_an_event_has_uid_component_and_the_rows_of_the_index() -> None:
    new = analyse(calendar("DTSTART:20261122T120000Z", "DTEND:20261122T130000Z"), Scope.CALENDARS, "x.ics")
    assert (new.uid, new.component) == ("u1", "VEVENT")
    assert new.occurrences == (OccurrenceRow(NOON, NOON + 3600),)
    assert new.lines is None


@pytest.mark.parametrize(
    ("rule", "ends"),
    [
        ("FREQ=DAILY;COUNT=10", NOON + 9 * DAY + 1),
        ("FREQ=WEEKLY;UNTIL=20270101T000000Z", NOON + 35 * DAY + 1),
        ("UNTIL=20270101T000000Z;FREQ=WEEKLY", NOON + 35 * DAY + 1),
    ],
)
def test_a_rule_with_an_end_has_rows_with_an_end(rule: str, ends: int) -> None:
    new = analyse(calendar("DTSTART:20261122T120000Z", f"RRULE:{rule}"), Scope.CALENDARS, "x.ics")
    assert [(row.starts, row.ends) for row in new.occurrences or ()] == [(NOON, ends)]


def test_an_orphaned_override_is_accepted() -> None:
    new = analyse(calendar("DTSTART:20261122T120000Z", "RECURRENCE-ID:20261122T120000Z"), Scope.CALENDARS, "x.ics")
    assert new.component == "VEVENT"


def test_a_fold_inside_a_character_is_accepted() -> None:
    octets = calendar("SUMMARY:Caf?", "DTSTART:20261122T120000Z").replace(b"Caf?", b"Caf\xc3\r\n \xa9")
    assert analyse(octets, Scope.CALENDARS, "x.ics").octets == octets


@pytest.mark.parametrize("version", ["VERSION:3.0", "VERSION:4.0"])
def test_cards_of_both_versions(version: str) -> None:
    new = analyse(card("UID:c1", "FN:Ana", "N:Ruiz;Ana;;;", version=version), Scope.CONTACTS, "x.vcf")
    assert (new.uid, new.component) == ("c1", "VCARD")


@pytest.mark.parametrize(
    ("octets", "condition"),
    [
        (b"", "C:valid-calendar-data"),
        (b"hello", "C:valid-calendar-data"),
        (b"BEGIN:VCALENDAR\r\n", "C:valid-calendar-data"),
        (b"BEGIN:VCALENDAR\r\nEND:VEVENT\r\n", "C:valid-calendar-data"),
        (calendar("SUMMARY:\xe9").decode().encode("latin-1"), "C:valid-calendar-data"),
        (calendar("DTSTART:20261399T120000Z"), "C:valid-calendar-data"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=SOMETIMES"), "C:valid-calendar-data"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=DAILY;INTERVAL=0"), "C:valid-calendar-data"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=DAILY;COUNT=-1"), "C:valid-calendar-data"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20270101"), "C:valid-calendar-data"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=DAILY", "RRULE:FREQ=DAILY"), "C:valid-calendar-data"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "C:valid-calendar-data"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=SECONDLY"), "C:max-instances"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=MINUTELY"), "C:max-instances"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=DAILY;COUNT=10001"), "C:max-instances"),
        (calendar("DTSTART:20261122T120000Z", "RDATE:" + ",".join(["20261123T120000Z"] * 3001)), "C:max-instances"),
        (calendar("DTSTART:20261122T120000Z", "RDATE:" + "20261123T120000Z," * 200_000), "C:max-instances"),
        (calendar("DTSTART:20261122T120000Z", *["RDATE:20261123T120000Z"] * 20_000), "C:valid-calendar-data"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"), "C:max-instances"),
        (calendar("DTSTART:20261122T120000Z", "RRULE:FREQ=MINUTELY;INTERVAL=0"), "C:valid-calendar-data"),
        (wrapped("VERSION:1.0", "BEGIN:VEVENT", "UID:u", "END:VEVENT").replace(b"VERSION:2.0\r\n", b""),
         "C:supported-calendar-data"),
        (calendar("SUMMARY:no start"), "C:valid-calendar-data"),
        (wrapped(), "C:valid-calendar-object-resource"),
        (wrapped("BEGIN:VEVENT", "DTSTART:20261122T120000Z", "END:VEVENT"), "C:valid-calendar-object-resource"),
        (wrapped(*event("a"), "BEGIN:VTODO", "UID:a", "END:VTODO"),
         "C:valid-calendar-object-resource"),
        (wrapped(*event("a"), *event("b")),
         "C:valid-calendar-object-resource"),
        (wrapped(*event("a"), *event("a")),
         "C:valid-calendar-object-resource"),
        (calendar("DTSTART:20261122T120000Z") * 2, "C:valid-calendar-data"),
        (card("UID:c1", "FN:Ana"), "C:valid-calendar-data"),
        (wrapped(*["BEGIN:X"] * 20, *["END:X"] * 20), "C:valid-calendar-data"),
    ],
)  # fmt: skip
def test_invalid_calendar_objects_name_the_precondition(octets: bytes, condition: str) -> None:
    assert refused(octets) == condition


@pytest.mark.parametrize(
    ("octets", "condition"),
    [
        (card("FN:Ana"), "CR:valid-address-data"),
        (card("UID:c1"), "CR:valid-address-data"),
        (card("UID:c1", "FN:Ana", version="VERSION:2.1"), "CR:supported-address-data"),
        (card("UID:c1", "FN:Ana", version="NOTE:none"), "CR:valid-address-data"),
        (card("UID:c1", "FN:Ana") * 2, "CR:valid-address-data"),
        (calendar("DTSTART:20261122T120000Z"), "CR:valid-address-data"),
    ],
)
def test_invalid_cards_name_the_precondition(octets: bytes, condition: str) -> None:
    assert refused(octets, Scope.CONTACTS) == condition


def test_a_megabyte_of_short_lines_costs_little() -> None:
    octets = calendar(*["X-A:b"] * 150_000)
    before = time.process_time()
    assert refused(octets) == "C:valid-calendar-data"
    assert time.process_time() - before < 2


@pytest.mark.parametrize(
    ("lines", "outside", "condition"),
    [
        ((), ("METHOD:REQUEST",), "C:valid-calendar-object-resource"),
        ((), ("METHOD:PUBLISH",), "C:valid-calendar-object-resource"),
        (("RRULE:RSCALE=CHINESE;FREQ=YEARLY",), (), "C:supported-rscale"),
        (("RRULE:RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD",), (), "C:supported-rscale"),
    ],
)
def test_what_belongs_to_scheduling_and_to_other_calendars(
    lines: tuple[str, ...], outside: tuple[str, ...], condition: str
) -> None:
    """RFC 4791 section 4.1 and RFC 7529 section 5.1."""
    octets = calendar_object("x", *lines).replace(b"PRODID", "\r\n".join([*outside, "PRODID"]).encode())
    with pytest.raises(InvalidObject) as refused:
        analyse(octets, Scope.CALENDARS, "x.ics")
    assert refused.value.condition == condition


@pytest.mark.parametrize(
    ("component", "lines"),
    [
        ("VTODO", ("RRULE:FREQ=DAILY",)),
        ("VTODO", ("DUE:20260101T000000Z", "RRULE:FREQ=DAILY")),
        ("VTODO", ("DTSTART:20260101T000000Z", "DUE;VALUE=DATE:20260103")),
        ("VEVENT", ("RRULE:FREQ=DAILY", "EXDATE;VALUE=DATE:20261123")),
        ("VEVENT", ("RRULE:FREQ=DAILY", "EXDATE;TZID=Europe/Madrid:20261123T000000,20261124T000000")),
        ("VEVENT", ("RDATE;VALUE=PERIOD:20261123T000000Z/PT1H,20261124T000000Z/20261124T010000Z",)),
        ("VEVENT", ("RECURRENCE-ID;VALUE=DATE:20261123",)),
        ("VEVENT", ("RECURRENCE-ID;RANGE=THISANDFUTURE:20261123T000000Z",)),
        ("VEVENT", ("RRULE:FREQ=DAILY;UNTIL=20261130",)),
        ("VEVENT", ("RRULE:FREQ=DAILY;UNTIL=20261130T000000",)),
        ("VEVENT", ("SUMMARY:\u00d1and\u00fa \u65e5\u672c",)),
        ("VJOURNAL", ("SUMMARY:no date",)),
    ],
)
def test_data_that_other_servers_refuse(component: str, lines: tuple[str, ...]) -> None:
    """Legal by RFC 5545, seen from real programs."""
    analyse(calendar_object("x", *lines, component=component), Scope.CALENDARS, "x.ics")
