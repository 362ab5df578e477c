"""The occurrence index says what a look at the object says, or that it does not know: over generated objects, ranges
and zones of floating times."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dav_gateway.dav.query import calendar_index, index_rows, overlap
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.index_rows import MARGIN
from dav_gateway.dav.query.occurrences import Range
from dav_gateway.dav.query.series import Moments
from dav_gateway.dav.query.times import When
from tests.dav.query.asking import MADRID


def at(*numbers: int) -> datetime:
    """What a clock shows."""
    return datetime(*numbers)  # noqa: DTZ001 - clocks of any zone


EPOCH = at(1970, 1, 1)
FIRST = at(2026, 1, 1)
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
FLOATING = [UTC, ZoneInfo("Europe/Madrid"), ZoneInfo("America/New_York"), ZoneInfo("Pacific/Kiritimati")]
KINDS = ["utc", "date", "floating", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Own", "Nowhere"]
# Where clocks go forward or back in Madrid and New York, at midnight in Havana: the edges that zones have.
TURNS = [at(2026, 3, 29, 2), at(2026, 10, 25, 2), at(2026, 3, 8, 2), at(2026, 11, 1, 1)]

clocks = st.one_of(
    st.builds(lambda days, quarters: FIRST + timedelta(days=days, minutes=15 * quarters), st.integers(-400, 400),
              st.integers(0, 95)),
    st.builds(lambda turn, quarters: turn + timedelta(minutes=15 * quarters), st.sampled_from(TURNS),
              st.integers(-8, 8)),
    st.sampled_from([at(2024, 2, 29, 9), at(2026, 12, 31, 23, 45), at(2025, 1, 31, 10)]),
)  # fmt: skip
even_rules = st.one_of(
    st.builds("FREQ=DAILY;INTERVAL={}".format, st.integers(1, 9)),
    st.builds("FREQ=HOURLY;INTERVAL={}".format, st.integers(1, 50)),
    st.builds("FREQ=WEEKLY;INTERVAL={}".format, st.integers(1, 9)),
    st.builds(
        lambda n, days, week: f"FREQ=WEEKLY;INTERVAL={n};BYDAY={','.join(sorted(days))};WKST={week}",
        st.integers(1, 4), st.sets(st.sampled_from(DAYS), min_size=1, max_size=4), st.sampled_from(["MO", "SU", "TH"]),
    ),
    st.builds("FREQ=YEARLY;INTERVAL={}".format, st.integers(1, 3)),
)  # fmt: skip
uneven_rules = st.one_of(
    st.builds("FREQ=MONTHLY;INTERVAL={};BYMONTHDAY={}".format, st.integers(1, 5), st.integers(1, 31)),
    st.builds("FREQ=MONTHLY;BYDAY={}{}".format, st.sampled_from([1, 2, -1]), st.sampled_from(DAYS)),
    st.builds("FREQ=YEARLY;BYMONTH={}".format, st.integers(1, 12)),
    st.builds("FREQ=DAILY;BYDAY={}".format, st.sampled_from(DAYS)),
    st.just("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
)
lengths = st.sampled_from([0, 900, 3600, 5400, 86_400, 90_000, 3 * 86_400, 40 * 86_400])


def text(clock: datetime, kind: str) -> str:
    if kind == "date":
        return f";VALUE=DATE:{clock:%Y%m%d}"
    if kind in ("utc", "floating"):
        return f":{clock:%Y%m%dT%H%M%S}{'Z' if kind == 'utc' else ''}"
    return f";TZID={kind}:{clock:%Y%m%dT%H%M%S}"


@st.composite
def endings(draw: st.DrawFn, start: datetime, kind: str) -> str:
    if draw(st.integers(0, 2)) == 0:
        return ""
    if draw(st.booleans()):
        return f";COUNT={draw(st.integers(1, 40))}"
    end = start + timedelta(days=draw(st.integers(0, 700)))
    shown = draw(st.sampled_from([f"{end:%Y%m%d}", f"{end:%Y%m%dT%H%M%S}", f"{end:%Y%m%dT%H%M%SZ}"]))
    return f";UNTIL={shown[:8]}" if kind == "date" else f";UNTIL={shown}"


@st.composite
def times_of(draw: st.DrawFn, component: str, start: datetime, kind: str) -> list[str]:
    """Start and end, or what a component has of them."""
    other = draw(st.sampled_from([kind] * 6 + KINDS)) if kind != "date" else kind
    end = start + timedelta(seconds=draw(lengths))
    if kind == "date":
        end = at(end.year, end.month, end.day)
    named = "DUE" if component == "VTODO" else "DTEND"
    choices = [
        [f"DTSTART{text(start, kind)}", f"{named}{text(end, other)}"],
        [f"DTSTART{text(start, kind)}", f"DURATION:{draw(st.sampled_from(['PT0S', 'PT45M', 'P1D', 'P1DT2H', 'P2W']))}"],
        [f"DTSTART{text(start, kind)}"],
    ]
    if component == "VTODO":
        moment = text(start, draw(st.sampled_from(["utc", "floating"])))
        choices += [[f"DUE{text(end, kind)}"], [f"COMPLETED{moment}"], [f"CREATED:{start:%Y%m%dT%H%M%SZ}"], []]
        choices += [[f"COMPLETED{moment}", f"CREATED{text(end, 'utc')}"]]
    if component == "VJOURNAL":
        choices.append([])
    return draw(st.sampled_from(choices))


@st.composite
def objects(draw: st.DrawFn, start: datetime) -> str:
    """An event, a task or a note, with everything that may be said of its times."""
    component = draw(st.sampled_from(["VEVENT"] * 5 + ["VTODO", "VTODO", "VJOURNAL"]))
    kind = draw(st.sampled_from(KINDS))
    lines = draw(times_of(component, start, kind))
    override: list[str] = []
    if draw(st.integers(0, 3)):
        if draw(st.integers(0, 5)):
            rule = draw(st.one_of(even_rules, even_rules, uneven_rules))
            lines = [*lines, f"RRULE:{rule}{draw(endings(start, kind))}"]
        for name in ("EXDATE", "RDATE"):
            for days in sorted(draw(st.sets(st.integers(0, 40), max_size=3))):
                said = draw(st.sampled_from([kind] * 8 + ["date", "utc", "floating"]))
                shifted = start + timedelta(days=days, minutes=draw(st.sampled_from([0, 0, 0, 60])))
                lines = [*lines, f"{name}{text(shifted, said)}"]
        if draw(st.integers(0, 4)) == 0:
            lines = [
                *lines,
                f"RDATE;VALUE=PERIOD:{start + timedelta(days=3):%Y%m%dT%H%M%SZ}/P{draw(st.integers(1, 9))}D",
            ]
        if draw(st.booleans()):
            original = start + timedelta(days=draw(st.sampled_from([0, 1, 7, 14])))
            moved = original + timedelta(days=draw(st.integers(-3, 40)), hours=0 if kind == "date" else 1)
            later = ";RANGE=THISANDFUTURE" if draw(st.integers(0, 3)) == 0 else ""
            override = [
                f"BEGIN:{component}", "UID:x", f"RECURRENCE-ID{later}{text(original, kind)}",
                *draw(times_of(component, moved, kind)), f"END:{component}",
            ]  # fmt: skip
    zone = MADRID.format("Own").replace("\r\n", "\n").strip().split("\n")
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", *zone, f"BEGIN:{component}", "UID:x", *lines, f"END:{component}", *override,
         "END:VCALENDAR", ""]
    )  # fmt: skip


def seconds(clock: datetime) -> int:
    return round((clock - EPOCH).total_seconds())


@st.composite
def ranges(draw: st.DrawFn, near: datetime) -> Range:
    """Half of them a little around where the object has its occurrences and exceptions."""
    days = draw(st.sampled_from([0, 0, 1, 7, 365, 3000]))
    start = seconds(draw(clocks)) + draw(st.integers(-1, 1)) + days * 86_400
    if draw(st.booleans()):
        start = seconds(near) + draw(st.integers(0, 41)) * 86_400 + draw(st.integers(-28, 28)) * 1800
        if draw(st.booleans()):
            return Range(start, start + draw(st.sampled_from([1, 1800, 3600, 3 * 3600])))
    length = draw(st.sampled_from([1, 900, 3600, 86_400, 7 * 86_400, 31 * 86_400, 400 * 86_400]))
    match draw(st.integers(0, 9)):
        case 0:
            return Range(start)
        case 1:
            return Range(end=start)
        case _:
            return Range(start, start + length)


def looked_at(source: str, asked: Range, floating: tzinfo) -> bool | None:
    """What the evaluation says; None for what cannot be read, which is sent whatever it is."""
    try:
        calendar = CalendarObject(source, floating)
        [name] = {each.name for each in calendar.root.components} - {"VTIMEZONE"}
        occurrences = calendar.occurrences(name)
        return any(overlap.meets(found, asked, occurrences) for found in occurrences.near(asked))
    except calendar_index.UNREADABLE:
        return None


def indexed(source: str, asked: Range, floating: tzinfo, since: int | None = None) -> bool | None:
    """What the index says, of the rows that a range finds; None where it does not know."""
    found = []
    for row in calendar_index.rows(source, since):
        if row.yearly:
            touched = any(first <= row.starts <= last for first, last in index_rows.seasons(asked))
        else:
            touched = row.starts < asked.end + MARGIN and row.ends > asked.start - MARGIN
        if touched:
            found.append(index_rows.meets(row.starts, row.ends, row.detail, asked, floating))
    return True if True in found else None if None in found else False


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, list[Range]]:
    start = draw(clocks)
    return draw(objects(start)), draw(st.lists(ranges(start), min_size=8, max_size=20))


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases(), floating=st.sampled_from(FLOATING))
def test_the_index_says_what_a_look_says(case: tuple[str, list[Range]], floating: tzinfo) -> None:
    source, several = case
    for asked in several:
        said = indexed(source, asked, floating)
        if said is not None:
            assert said is looked_at(source, asked, floating), asked


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases(), floating=st.sampled_from(FLOATING))
def test_it_says_so_too_when_it_was_told_more(case: tuple[str, list[Range]], floating: tzinfo) -> None:
    source, several = case
    for asked in several:
        said = indexed(source, asked, floating, asked.start)
        if said is not None:
            assert said is looked_at(source, asked, floating), asked


@pytest.mark.parametrize("kind", ["utc", "date", "Europe/Madrid", "Own"])
@pytest.mark.parametrize(
    "rule", ["DAILY", "WEEKLY;BYDAY=MO,TU", "HOURLY;INTERVAL=12", "YEARLY", "MONTHLY", "DAILY;COUNT=90"]
)
@pytest.mark.parametrize("name", ["EXDATE", "RECURRENCE-ID", "RDATE"])
def test_what_is_common_is_known(kind: str, rule: str, name: str) -> None:
    """With an exception or an addition, in the zones that programs write: never a look, and the exception is none."""
    start = at(2026, 3, 2, 9)  # a Monday
    step = {"DAILY": 1, "WEEKLY": 7, "HOURLY": 1, "YEARLY": 365, "MONTHLY": 31}[rule.partition(";")[0]]
    changed = start + timedelta(days=step, hours=3 if name == "RDATE" and kind != "date" else 0)
    own = [f"{name}{text(changed, kind)}"]
    moved = ["END:VEVENT", "BEGIN:VEVENT", *own, f"DTSTART{text(start - timedelta(days=9), kind)}"]
    lines = [f"DTSTART{text(start, kind)}", f"RRULE:FREQ={rule}", *(moved if name == "RECURRENCE-ID" else own)]
    zone = MADRID.format("Own").replace("\r\n", "\n").strip().split("\n")
    source = "\r\n".join(["BEGIN:VCALENDAR", *zone, "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""])
    moments = [seconds(start) + hours * 3600 for hours in range(-300, 900, 3)]
    moments += [seconds(changed) + hours * 3600 for hours in range(-60, 60)]
    for moment in moments:
        asked = Range(moment, moment + 5400)
        said = indexed(source, asked, FLOATING[1])
        assert said is not None
        assert said is looked_at(source, asked, FLOATING[1]), moment


def test_floating_clocks_are_told_apart_in_the_hour_that_is_left_out() -> None:
    """In Madrid 02:30 and 03:30 of that night are the same moment."""
    left_out, after = When(at(2026, 3, 29, 2, 30), None), When(at(2026, 3, 29, 3, 30), None)
    assert left_out.seconds(FLOATING[1]) == after.seconds(FLOATING[1])
    assert left_out in Moments(FLOATING[1], [left_out])
    assert after not in Moments(FLOATING[1], [left_out])
