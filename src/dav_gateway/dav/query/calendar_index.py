"""What the occurrence index keeps of an object, so that a time range finds it without a look at it.

Even rules are kept as they are, without an end; others are followed for LIMIT occurrences, and beyond those the index
says that it does not know. What no row describes, such as a mix of floating times and times of a zone, is marked to be
looked at: the index is exact or says nothing.
"""

from collections.abc import Generator, Iterator
from datetime import datetime

from dav_gateway.dav.query import index_rows, overlap, regular, rules, times
from dav_gateway.dav.query.calendar_filter import INDEXED
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.index_rows import BEYOND, LOOK_ALWAYS, Pattern
from dav_gateway.dav.query.occurrences import Occurrence, Occurrences, is_of_all_later
from dav_gateway.dav.query.overlap import Span
from dav_gateway.dav.query.regular import Run
from dav_gateway.dav.query.series import Moments, Series, is_nominal
from dav_gateway.dav.query.times import DAY, When, clock_seconds
from dav_gateway.dav.query.zones import FLOATING, Zones
from dav_gateway.dav.rule_match import parts_of
from dav_gateway.store.object_rows import ALWAYS, OccurrenceRow

LIMIT = 24
"""So many occurrences of an uneven rule are kept when an object is stored: two years of a day in the month."""
MORE = 1_000
"""So many when a query has looked beyond those."""
YEARS = 20
"""No further than that: rules that seldom strike are searched day by day."""
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What dateutil raises for rules and zones that it does not read."""
_LONGEST_ROW = 400 * DAY
_LONGEST_GAP = 45 * DAY
_MOST_RUNS = 64
_LONGEST_ZONE = 2_000
"""Characters of a VTIMEZONE that rows may repeat; those that programs write have 300."""


class _Unfit(Exception):
    """The object is beyond what rows describe."""


def rows(text: str, since: int | None = None) -> tuple[OccurrenceRow, ...]:
    """The rows of a stored object; its uneven rules are followed from `since` (seconds) on, else from their start."""
    try:
        calendar = CalendarObject(text, FLOATING)
        names = {each.name for each in calendar.root.components} & set(INDEXED)
        if len(names) != 1:
            return (LOOK_ALWAYS,)
        return tuple(_of_component(calendar.occurrences(names.pop()), since))
    except (*UNREADABLE, _Unfit):
        return (LOOK_ALWAYS,)


def _of_component(occurrences: Occurrences, since: int | None) -> Iterator[OccurrenceRow]:
    overrides = occurrences.overrides.values()
    for each in overrides:
        yield from _singles(each, occurrences)
    for master in occurrences.masters:
        series = occurrences.series(master)
        if series is None:
            yield from _singles(occurrences.single(master), occurrences)
        elif any(is_of_all_later(each.component) for each in overrides):
            raise _Unfit
        else:
            yield from _of_series(series, occurrences, since)


def _singles(found: Occurrence, occurrences: Occurrences) -> Iterator[OccurrenceRow]:
    for span in overlap.spans(found, occurrences):
        yield index_rows.single(span.form, _told(span.start, occurrences.zones), _told(span.end, occurrences.zones))


def _told(when: When, zones: Zones) -> tuple[str | None, int]:
    """A moment as its zone and the clock there. Zones that the object itself defines never change: they are UTC."""
    if when.zone is FLOATING:
        return None, clock_seconds(when.clock)
    written = zones.written(when.zone)
    if written is not None and written.startswith("BEGIN:"):
        return "UTC", when.seconds(FLOATING)
    return written, clock_seconds(when.clock)


def _of_series(series: Series, occurrences: Occurrences, since: int | None) -> Iterator[OccurrenceRow]:
    _check(series)
    found = list(overlap.spans(series.at(series.base), occurrences))
    if len(found) != 1:
        raise _Unfit
    pattern = _pattern(series, found[0], occurrences.zones)
    dates = Moments(FLOATING)
    kept: dict[int, Occurrence] = {}
    for when, period in series.dates:
        at = when.seconds(FLOATING)
        if at != series.base.seconds(FLOATING):
            dates.add(when)
            if not series.leaves_out(when):
                kept.setdefault(at, series.at(when, period))
    for each in kept.values():
        yield from _singles(each, occurrences)
    names_base = False
    for rule in series.rules:
        names_base |= yield from _of_rule(rule, series, dates, pattern, since)
    if not names_base and not series.leaves_out(series.base):
        yield from _singles(series.at(series.base), occurrences)


def _of_rule(
    rule: str, series: Series, dates: Moments, pattern: Pattern, since: int | None
) -> Generator[OccurrenceRow, None, bool]:
    """Returns whether the first occurrence of the rule is DTSTART."""
    if _is_floating(series.base) and parts_of(rule).get("UNTIL", "").endswith("Z"):
        raise _Unfit
    anniversary = regular.anniversary(rule, series.base) if pattern.length <= DAY else None
    if anniversary is not None:
        yield index_rows.anniversary(pattern, anniversary, _left_out_years(series, dates))
        return True
    even = regular.runs(rule, series.base)
    if even is None:
        return (yield from _uneven(rule, series, dates, pattern, since))
    yield from _grouped([part for run in even for part in _without(run, series, dates)], pattern)
    return any(run.first == clock_seconds(series.base.clock) for run in even)


def _is_floating(when: When) -> bool:
    return when.zone is None and not when.is_date


def _check(series: Series) -> None:
    """Floating times and times of zones do not mix, nor zones with each other. Raises _Unfit."""
    base, ends = series.base, [period for _, period in series.dates if isinstance(period, When)]
    if base.zone is FLOATING:
        raise _Unfit
    for each in [*series.excluded.all, *series.replaced.all, *(when for when, _ in series.dates), *ends]:
        if (each.zone is None) is not (base.zone is None) or each.zone is FLOATING:
            raise _Unfit
    if series.end is not None and series.end.zone != base.zone:
        raise _Unfit


def _pattern(series: Series, span: Span, zones: Zones) -> Pattern:
    exact = span.end.zone is not None and series.end is not None and not is_nominal(series.master)
    if exact:
        length = span.end.seconds(FLOATING) - span.start.seconds(FLOATING)
    else:
        length = clock_seconds(span.end.clock) - clock_seconds(span.start.clock)
    if length < 0:
        raise _Unfit
    zone = zones.written(series.base.zone)
    if zone is not None and len(zone) > _LONGEST_ZONE:
        raise _Unfit
    return Pattern(span.form, zone, exact, length)


def _left_out_years(series: Series, dates: Moments) -> list[int]:
    """The clocks of exceptions that an anniversary may have."""
    base = series.base
    years = {base.clock.year}
    for each in [*series.excluded.all, *series.replaced.all, *dates.all]:
        years |= {each.clock.year - 1, each.clock.year, each.clock.year + 1}
    years |= {day.year for day in series.days}
    found = []
    for year in sorted(years):
        if base.clock.year <= year <= index_rows.LAST_YEAR and not _has_no(base, year):
            when = base.at(base.clock.replace(year=year))
            if series.leaves_out(when) or when in dates:
                found.append(clock_seconds(when.clock))
    return found


def _has_no(base: When, year: int) -> bool:
    try:
        base.clock.replace(year=year)
    except ValueError:
        return True
    return False


def _without(run: Run, series: Series, dates: Moments) -> Iterator[Run]:
    """What exceptions leave of a run."""
    near = DAY if series.base.zone is not None else 0
    stretches = [
        (seconds - near, seconds + near)
        for each in [*series.excluded.all, *series.replaced.all, *dates.all]
        for seconds in [each.seconds(FLOATING)]
    ]
    for day in series.days:
        begin = day.toordinal() * DAY - times.EPOCH.toordinal() * DAY
        stretches.append((begin, begin + DAY - 1))
    gone = set()
    for first, last in stretches:
        for place in range(max(0, -(-(first - run.first) // run.step)), (last - run.first) // run.step + 1):
            if place < run.length and place not in gone:
                when = series.base.at(times.clock(run.first + place * run.step))
                if series.leaves_out(when) or when in dates:
                    gone.add(place)
    begin = 0
    for place in sorted(gone):
        if place > begin:
            yield Run(run.first + begin * run.step, run.step, place - begin)
        begin = place + 1
    if begin < run.length:
        yield Run(run.first + begin * run.step, run.step, run.many and run.many - begin)


def _uneven(
    rule: str, series: Series, dates: Moments, pattern: Pattern, since: int | None
) -> Generator[OccurrenceRow, None, bool]:
    """The next occurrences of a rule that is followed step by step. Returns whether its first one is DTSTART."""
    base = clock_seconds(series.base.clock)
    begin = series.base.clock
    if since is not None and since - pattern.length - 2 * DAY > base:
        begin = rules.clock_of(since - pattern.length - 2 * DAY)
        yield OccurrenceRow(base, since + pattern.length, f"{BEYOND}{since}")
    limit, learned = (LIMIT, BEYOND) if since is None else (MORE, f"{BEYOND}{since}")
    parts, before = parts_of(rule), _later(begin)
    known, seen, names_base = clock_seconds(before), 0, False
    found: list[Run] = []
    for clock in rules.clocks(rule, series.base, FLOATING, begin, before):
        seen += 1
        names_base |= clock == series.base.clock
        if clock < begin:
            continue
        if len(found) == limit:
            known = clock_seconds(clock) - 1
            break
        when = series.base.at(clock)
        if not series.leaves_out(when) and when not in dates:
            found.append(Run(clock_seconds(clock), 1, 1))
    else:
        if not _goes_on(parts, series.base, seen + (not names_base), before):
            known = ALWAYS[1]
    if known < ALWAYS[1]:
        yield OccurrenceRow(known + 1, ALWAYS[1], learned)
    yield from _grouped(found, pattern)
    return names_base


def _later(begin: datetime) -> datetime:
    return begin.replace(year=min(begin.year + YEARS, index_rows.LAST_YEAR), day=min(begin.day, 28))


def _goes_on(parts: dict[str, str], base: When, seen: int, before: datetime) -> bool:
    """Whether a rule that had `seen` clocks until `before` may have more."""
    last = rules.last(parts, base, FLOATING)
    return (last is None or last > before) and ("COUNT" not in parts or seen < int(parts["COUNT"]))


def _grouped(found: list[Run], pattern: Pattern) -> Iterator[OccurrenceRow]:
    """Runs as rows: those without an end in one, others in rows that are not long and have no long gaps."""
    endless = [run for run in found if not run.many]
    for start in range(0, len(endless), _MOST_RUNS):
        yield index_rows.runs(pattern, endless[start : start + _MOST_RUNS])
    group: list[Run] = []
    for run in sorted(part for each in found if each.many for part in _pieces(each)):
        if group and (
            len(group) == _MOST_RUNS
            or run.first - _last(group[-1]) > _LONGEST_GAP
            or _last(run) - group[0].first > _LONGEST_ROW
        ):
            yield index_rows.runs(pattern, group)
            group = []
        group.append(run)
    if group:
        yield index_rows.runs(pattern, group)


def _last(run: Run) -> int:
    return run.first + (run.length - 1) * run.step


def _pieces(run: Run) -> Iterator[Run]:
    """A run in parts of a year, each occurrence on its own where they are far from each other; whole where those would
    be too many."""
    most = 1 if run.step > _LONGEST_GAP else max(1, _LONGEST_ROW // run.step)
    if run.many > most * _MOST_RUNS:
        most = run.many
    for start in range(0, run.many, most):
        yield Run(run.first + start * run.step, run.step, min(most, run.many - start))
