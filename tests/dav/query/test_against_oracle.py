"""Occurrences compared with icalendar and recurring_ical_events, for generated events and ranges."""

import warnings
from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
import recurring_ical_events
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dav_gateway.dav.query import expansion
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.occurrences import Range

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = ["Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
MOVED = "moved"
DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)

# COUNT stands with rules by the day only: where a rule does not name DTSTART, which counts as the first occurrence all
# the same (RFC 5545 section 3.3.10), the oracle adds one more. test_time_ranges.py has the case.
starts = st.builds(
    lambda days, minutes: FIRST + timedelta(days=days, minutes=minutes * 15), st.integers(0, 400), st.integers(0, 95)
)
kinds = st.sampled_from(["utc", "date", *ZONES])
rules = st.one_of(
    st.builds(lambda n: f"FREQ=DAILY;INTERVAL={n}", st.integers(1, 9)),
    st.builds(
        lambda n, days: f"FREQ=WEEKLY;INTERVAL={n};BYDAY={','.join(sorted(days, key=DAYS.index))}",
        st.integers(1, 4),
        st.sets(st.sampled_from(DAYS), min_size=1, max_size=3),
    ),
    st.builds(lambda n, day: f"FREQ=MONTHLY;INTERVAL={n};BYMONTHDAY={day}", st.integers(1, 5), st.integers(1, 31)),
    st.builds(lambda nth, day: f"FREQ=MONTHLY;BYDAY={nth}{day}", st.sampled_from([1, 2, -1]), st.sampled_from(DAYS)),
    st.builds(lambda month: f"FREQ=YEARLY;BYMONTH={month}", st.integers(1, 12)),
)
ends = st.one_of(
    st.just(""), st.builds("COUNT={}".format, st.integers(1, 12)), st.builds(lambda days: days, st.integers(1, 700))
)


def text(clock: datetime, kind: str) -> str:
    if kind == "date":
        return f";VALUE=DATE:{clock:%Y%m%d}"
    return f":{clock:%Y%m%dT%H%M%S}Z" if kind == "utc" else f";TZID={kind}:{clock:%Y%m%dT%H%M%S}"


def until(days: int, start: datetime, kind: str) -> str:
    end = start + timedelta(days=days)
    return f"UNTIL={end:%Y%m%d}" if kind == "date" else f"UNTIL={end:%Y%m%dT%H%M%S}Z"


@st.composite
def events(draw: st.DrawFn) -> str:
    """A VEVENT that recurs or not, with exceptions, additions and a moved occurrence."""
    start, kind = draw(starts), draw(kinds)
    length = timedelta(days=draw(st.integers(1, 3))) if kind == "date" else timedelta(minutes=draw(st.integers(1, 900)))
    lines = [f"DTSTART{text(start, kind)}"]
    if draw(st.booleans()):
        lines.append(f"DTEND{text(start + length, kind)}")
    else:
        lines.append(f"DURATION:P{length.days}D" if kind == "date" else f"DURATION:PT{length.seconds // 60}M")
    override: list[str] = []
    if draw(st.booleans()):
        end = draw(ends)
        counted = isinstance(end, str) and bool(end)
        rule = f"FREQ=DAILY;INTERVAL={draw(st.integers(1, 9))}" if counted else draw(rules)
        rule += f";{end if isinstance(end, str) else until(end, start, kind)}" if end else ""
        lines.append(f"RRULE:{rule}")
        for name in ("EXDATE", "RDATE"):
            dates = draw(st.sets(st.integers(1, 60), max_size=2))
            lines += [f"{name}{text(start + timedelta(days=days), kind)}" for days in sorted(dates)]
        if draw(st.booleans()):
            moved = start + timedelta(days=draw(st.integers(1, 40)), hours=0 if kind == "date" else 1)
            override = [
                "BEGIN:VEVENT", "UID:x", "DTSTAMP:20260101T000000Z", f"RECURRENCE-ID{text(start, kind)}",
                f"DTSTART{text(moved, kind)}", f"DTEND{text(moved + length, kind)}", f"SUMMARY:{MOVED}", "END:VEVENT",
            ]  # fmt: skip
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//EN", "BEGIN:VEVENT", "UID:x", "DTSTAMP:20260101T000000Z",
         *lines, "END:VEVENT", *override, "END:VCALENDAR", ""]
    )  # fmt: skip


def seconds(value: date) -> int:
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    return round((moment - EPOCH).total_seconds())


def oracle(source: str, start: datetime, end: datetime) -> list[tuple[int, int]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calendar = icalendar.Calendar.from_ical(source)
        found = recurring_ical_events.of(calendar).between(start - DAY, end + DAY)
    length = exact_length(calendar.walk("VEVENT")[0])
    spans = [(seconds(each.start), seconds(each.end), each.get("SUMMARY")) for each in found]
    told = [(first, last if length is None or summary == MOVED else first + length) for first, last, summary in spans]
    return sorted((first, last) for first, last in told if first < seconds(end) and last > seconds(start))


def exact_length(master: icalendar.Event) -> int | None:
    """What DTEND makes of all occurrences, also of a night in which the clock changes (RFC 5545 section 3.8.5.3); the
    oracle goes by the clock."""
    return seconds(master.end) - seconds(master.start) if "DTEND" in master else None


def ours(source: str, start: datetime, end: datetime) -> list[tuple[int, int]]:
    calendar = CalendarObject(source, UTC)
    found = expansion.occurrences_in(calendar, "VEVENT", Range(seconds(start), seconds(end)))
    return sorted((each.start.seconds(UTC), each.end.seconds(UTC)) for each in found)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=events(), begin=st.integers(-30, 900), days=st.integers(1, 90))
def test_the_same_occurrences(source: str, begin: int, days: int) -> None:
    start = FIRST.replace(tzinfo=UTC) + timedelta(days=begin)
    end = start + timedelta(days=days)
    assert ours(source, start, end) == oracle(source, start, end)


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,TH;WKST=SU", "FREQ=HOURLY;INTERVAL=36", "FREQ=MONTHLY"]
)
def test_a_far_range_finds_what_a_walk_finds(rule: str) -> None:
    """Even rules are followed from near the range on, not from their start."""
    source = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTART;TZID=Europe/Madrid:20200107T093000\r\n"
        f"DURATION:PT1H\r\nRRULE:{rule}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    start, end = datetime(2030, 3, 20, tzinfo=UTC), datetime(2030, 6, 3, tzinfo=UTC)
    found = ours(source, start, end)
    assert found == oracle(source, start, end)
    assert found
