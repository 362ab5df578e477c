"""What a row of the occurrence index says, and whether it meets a time range.

The bounds of a row are told by a clock: of the zone that its `detail` names, of no zone for dates and floating times,
of UTC without a detail. No zone is a day away from UTC, so the clock alone decides, except within a day of an end of
the range: only there is a zone asked. A row may also say that the object itself has to be looked at.
"""

import json
from calendar import isleap
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

from dav_gateway.dav.query import times, zones
from dav_gateway.dav.query.occurrences import Range
from dav_gateway.dav.query.overlap import SINCE, bounds
from dav_gateway.dav.query.regular import Anniversary, Run
from dav_gateway.dav.query.times import DAY, When
from dav_gateway.store.object_rows import ALWAYS, LOOK, UNKNOWN, OccurrenceRow

MARGIN = DAY + 3600
"""More than any zone is away from UTC, and the second that some forms begin earlier or end later."""
BEYOND = "+"
"""Begins the detail of a row for a time into which a rule was not followed yet."""
LONGEST_REMEMBERED = 2048
"""Characters of a detail; one with some thousand exceptions has ten times as many, and thousands are remembered."""
LOOK_ALWAYS = OccurrenceRow(*ALWAYS, LOOK)


class Pattern(NamedTuple):
    """What occurrences have in common: the row of the tables that they are of, the zone (None: floating), and how long
    they are, in seconds that pass (`exact`) or by the clock."""

    form: str
    zone: str | None
    exact: bool
    length: int


def single(form: str, starts: tuple[str | None, int], ends: tuple[str | None, int]) -> OccurrenceRow:
    """One occurrence between two clocks, each with its zone."""
    (start_zone, start), (end_zone, end) = starts, ends
    if start_zone == end_zone == "UTC":
        return OccurrenceRow(*bounds(form, start, end))
    if form == SINCE:
        return LOOK_ALWAYS  # CREATED is in UTC (RFC 5545 section 3.8.7.1), and otherwise of no zone that is known
    return OccurrenceRow(start, end, _text([form, start_zone, end_zone]))


def runs(pattern: Pattern, found: list[Run]) -> OccurrenceRow:
    """Occurrences at the clocks of runs."""
    starts = min(run.first for run in found)
    ends = max(run.first + (run.length - 1) * run.step for run in found) + pattern.length + 1
    return OccurrenceRow(starts, ends, _text([*pattern, [list(run) for run in found]]))


def anniversary(pattern: Pattern, found: Anniversary, excluded: list[int]) -> OccurrenceRow:
    """Occurrences of every year."""
    starts = season(times.clock(found.first))
    return OccurrenceRow(starts, starts + pattern.length, _text([*pattern, *found, excluded]), yearly=True)


def season(shown: datetime) -> int:
    """Where in a year a clock is: seconds since the 1st of January of a leap year."""
    day = date(2000, shown.month, shown.day).toordinal() - date(2000, 1, 1).toordinal()
    return day * DAY + shown.hour * 3600 + shown.minute * 60 + shown.second


def seasons(asked: Range) -> list[tuple[int, int]]:
    """The parts of a year in which occurrences of every year begin that may meet the range."""
    start, end = asked.start - MARGIN - DAY, asked.end + MARGIN
    if end - start >= 365 * DAY:
        return [(0, 366 * DAY)]
    try:
        first, last = season(times.clock(start)), season(times.clock(end))
    except OverflowError:
        return [(0, 366 * DAY)]
    return [(first, last)] if first <= last else [(first, 366 * DAY), (0, last)]


def is_to_learn(detail: str | None, since: int) -> bool:
    """Whether the object, when it is looked at, may tell the index more; its rules would be followed from `since`."""
    return detail == UNKNOWN or (detail is not None and detail.startswith(BEYOND) and detail != f"{BEYOND}{since}")


def meets(starts: int, ends: int, detail: str | None, asked: Range, floating: tzinfo) -> bool | None:
    """Whether something of the row meets the range; None where the object itself has to be looked at."""
    if detail is None:
        return asked.start < ends and asked.end > starts
    if not detail.startswith("["):
        return None
    try:
        read = _read if len(detail) <= LONGEST_REMEMBERED else _read.__wrapped__
        return read(detail).meets(starts, ends, asked, floating)
    except (LookupError, OverflowError, ValueError, TypeError):
        return None  # a zone that is not known any more, the year 10000, a row of another version


def _text(parts: list[Any]) -> str:
    return json.dumps(parts, separators=(",", ":"))


@lru_cache(maxsize=4096)
def _read(detail: str) -> "_Single | _Runs | _Years":
    form, *rest = json.loads(detail)
    if len(rest) == 2:  # noqa: PLR2004 - see `single`
        return _Single(form, *rest)
    zone, exact, length, *rest = rest
    pattern = Pattern(form, zone, bool(exact), length)
    if len(rest) == 1:
        return _Runs(pattern, [Run(*run) for run in rest[0]])
    first, years, last, excluded = rest
    return _Years(pattern, Anniversary(first, years, last), excluded)


class _Single(NamedTuple):
    form: str
    start_zone: str | None
    end_zone: str | None

    def meets(self, start: int, end: int, asked: Range, floating: tzinfo) -> bool:
        if start <= end and start < asked.end - MARGIN and end > asked.start + MARGIN:
            return True
        first, last = bounds(
            self.form,
            _seconds(start, zones.read(self.start_zone, floating), floating),
            _seconds(end, zones.read(self.end_zone, floating), floating),
        )
        return asked.start < last and asked.end > first


class _Runs(NamedTuple):
    pattern: Pattern
    runs: list[Run]

    def meets(self, _starts: int, _ends: int, asked: Range, floating: tzinfo) -> bool:
        length, sure_end = self.pattern.length, asked.end - MARGIN
        unsure = []
        for run in self.runs:
            first, step, _ = run
            # One that begins well before the end of the range, and ends well after its start, needs no zone.
            sure = max(0, (asked.start + MARGIN - length - first) // step + 1)
            if first + sure * step < sure_end and sure < run.length:
                return True
            low = max(0, (asked.start - MARGIN - length - first) // step)
            high = min(run.length - 1, (asked.end + MARGIN - first) // step)
            unsure += [first + each * step for each in range(low, high + 1)]
        if not unsure:
            return False
        zone = zones.read(self.pattern.zone, floating)
        return any(_at(self.pattern, each, zone, asked, floating) for each in unsure)


class _Years(NamedTuple):
    pattern: Pattern
    every: Anniversary
    excluded: list[int]

    def meets(self, _starts: int, _ends: int, asked: Range, floating: tzinfo) -> bool:
        (first, years, last), zone = self.every, zones.read(self.pattern.zone, floating)
        base = times.clock(first)
        skipped = max(0, -(-(_year(asked.start - MARGIN - self.pattern.length) - base.year) // years))
        last_year = min(_year(asked.end + MARGIN), LAST_YEAR if last is None else _year(last))
        for year in range(base.year + skipped * years, last_year + 1, years):
            if (base.month, base.day) == (2, 29) and not isleap(year):
                continue
            shown = times.clock_seconds(base.replace(year=year))
            if shown in self.excluded or (last is not None and shown > last):
                continue
            if _at(self.pattern, shown, zone, asked, floating):
                return True
        return False


def _seconds(shown: int, zone: tzinfo, floating: tzinfo) -> int:
    return shown if zone is UTC else When(times.clock(shown), zone).seconds(floating)


def _at(pattern: Pattern, shown: int, zone: tzinfo, asked: Range, floating: tzinfo) -> bool:
    start = _seconds(shown, zone, floating)
    end = start + pattern.length if pattern.exact else _seconds(shown + pattern.length, zone, floating)
    first, last = bounds(pattern.form, start, end)
    return asked.start < last and asked.end > first


LAST_YEAR = 9999


def _year(seconds: int) -> int:
    try:
        return times.clock(seconds).year
    except OverflowError:
        return 1 if seconds < 0 else LAST_YEAR
