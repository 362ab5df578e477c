"""A component that recurs (RFC 5545 section 3.8.5): its first occurrence, rule and dates, and what they leave out."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from dav_gateway.dav.query import rules, times
from dav_gateway.dav.query.times import DAY, Duration, When
from dav_gateway.dav.query.tree import Component
from dav_gateway.dav.query.zones import Zones
from dav_gateway.dav.rule_match import parts_of

LAST_YEAR = 7_258_118_400
"""2200-01-01: rules without an end are followed until then where what is looked for may never come."""
FARTHEST = 10 * 366 * DAY
"""An occurrence is moved by no more together with all that follow: so far around a range a rule is followed."""
LONGEST = 200 * 366 * DAY
"""So far into a range without an end a rule is followed, and what has not come until then will not: dateutil goes day
by day, to the year 9999 in some seconds."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of a component. `end` is what DTEND, DUE or DURATION make of it, None without any;
    `original` is the moment by which a recurrence names it, None when the component does not recur."""

    component: Component
    start: When | None
    end: When | None
    original: When | None = None


class Moments:
    """Moments by which occurrences are named. Floating ones are the same where the clock shows the same: in the hour
    that a zone leaves out, two clocks mean one moment."""

    def __init__(self, floating: tzinfo, moments: Iterable[When] = ()) -> None:
        self._floating = floating
        self.all: list[When] = []
        self._clocks: set[datetime] = set()
        self._fixed: set[int] = set()
        self._seconds: set[int] = set()
        for each in moments:
            self.add(each)

    def add(self, when: When) -> None:
        """One more."""
        seconds = when.seconds(self._floating)
        self.all.append(when)
        self._seconds.add(seconds)
        if when.zone is None:
            self._clocks.add(when.clock)
        else:
            self._fixed.add(seconds)

    def __contains__(self, when: When) -> bool:
        if not self.all:
            return False
        if when.zone is None:
            return when.clock in self._clocks or when.seconds(self._floating) in self._fixed
        return when.seconds(self._floating) in self._seconds


class Later:
    """The components that stand for an occurrence and all after it, up to the next of them."""

    def __init__(self, overrides: Iterable[Occurrence], floating: tzinfo) -> None:
        self._floating = floating
        moved = ((each, each.original, each.start) for each in overrides)
        found = [
            (original.seconds(floating), original, start, each) for each, original, start in moved if original and start
        ]
        self._found = sorted(found, key=lambda each: each[0])
        self._begins = [begin for begin, *_ in self._found]

    @property
    def reach(self) -> int:
        """How far from where the rule has it an occurrence may be, in seconds; what was moved by more is not found."""
        shifts = [abs(start.seconds(self._floating) - begin) for begin, _, start, _ in self._found]
        lengths = [
            each.end.seconds(self._floating) - start.seconds(self._floating)
            for _, _, start, each in self._found
            if each.end
        ]
        return min(FARTHEST, max(shifts, default=0) + max([*lengths, 0]) + (DAY if self._found else 0))

    def moved(self, when: When) -> Occurrence | None:
        """The occurrence that the rule has at `when`, as the last of these before it says; None before the first."""
        at = bisect_right(self._begins, when.seconds(self._floating)) - 1
        if at < 0:
            return None
        _, original, start, override = self._found[at]
        if when.zone == original.zone:
            distance = when.clock - original.clock
        else:
            distance = timedelta(seconds=when.seconds(self._floating) - original.seconds(self._floating))
        moved = start.at(start.clock + distance)
        return Occurrence(
            override.component, moved, _end_of(override.component, start, override.end, moved, self._floating), when
        )


class Series:
    """`first` is DTSTART, the moment that recurs (DUE where there is no DTSTART), and the end."""

    def __init__(
        self,
        master: Component,
        zones: Zones,
        first: tuple[When | None, When, When | None],
        replaced: Moments,
        later: Later,
    ) -> None:
        self.master = master
        self._zones = zones
        self.start, self.base, self.end = first
        self.replaced = replaced
        self._later = later
        self.excluded = Moments(zones.floating)
        self.days: set[date] = set()
        for line in master.named("EXDATE"):
            for when, _ in times.several(line, zones):
                if when.is_date:
                    self.days.add(when.clock.date())
                else:
                    self.excluded.add(when)
        self.dates = [each for line in master.named("RDATE") for each in times.several(line, zones)]
        self.rules = [line.value for line in master.named("RRULE")]

    def leaves_out(self, when: When) -> bool:
        """Whether the series has nothing at this moment, or something with a component of its own."""
        return when in self.replaced or when in self.excluded or when.clock.date() in self.days

    def between(self, since: int, until: int) -> Iterator[Occurrence]:
        """The occurrences from about `since` to about `until` in seconds; those of dates whenever they are."""
        seen: set[int] = set()
        floating, reach = self._zones.floating, self._later.reach
        length = 0 if self.start is None or self.end is None else self._exact(self.start, self.end)
        begin = rules.clock_of(since - length - reach - 2 * DAY)
        until = min(until, max(since, self.base.seconds(floating)) + LONGEST)
        if reach:
            until = min(until, LAST_YEAR)
        for when, period in self._moments(begin, until + reach):
            at = when.seconds(floating)
            if at in seen or self.leaves_out(when):
                continue
            seen.add(at)
            yield self._later.moved(when) or self.at(when, period)

    def _moments(self, begin: datetime, until: int) -> Iterator[tuple[When, Duration | When | None]]:
        yield self.base, None
        yield from self.dates
        for rule in self.rules:
            if "COUNT" in parts_of(rule):  # it is followed from its start
                until = min(until, self.base.seconds(self._zones.floating) + LONGEST)
            before = rules.clock_of(until + 2 * DAY)
            for clock in rules.clocks(rule, self.base, self._zones.floating, begin, before):
                when = self.base.at(clock)
                if when.seconds(self._zones.floating) > until:
                    break
                yield when, None

    def at(self, when: When, period: Duration | When | None = None) -> Occurrence:
        """The occurrence at `when`: DTEND and DUE keep their distance, DURATION its nominal one."""
        if isinstance(period, When):
            return Occurrence(self.master, when, period, when)
        if isinstance(period, Duration):
            return Occurrence(self.master, when, when.later(period), when)
        if self.start is None:
            return Occurrence(self.master, None, when, when)
        end = _end_of(self.master, self.base, self.end, when, self._zones.floating)
        return Occurrence(self.master, when, end, when)

    def _exact(self, start: When, end: When) -> int:
        return end.seconds(self._zones.floating) - start.seconds(self._zones.floating)


def is_nominal(component: Component) -> bool:
    """Whether a DURATION tells the end of a component."""
    return component.get("DURATION") is not None and component.get("DTEND") is None and component.get("DUE") is None


def _end_of(component: Component, start: When, end: When | None, when: When, floating: tzinfo) -> When | None:
    """The end of an occurrence at `when` of what was from `start` to `end`: as many seconds later in a zone, as far on
    the clock for dates and floating times; nominally where a DURATION tells."""
    if end is None:
        return None
    if is_nominal(component):
        line = component.get("DURATION")
        assert line is not None
        return when.later(times.duration(line.value))
    if end.is_date or start.is_date or (start.zone is None and end.zone is None):
        return end.at(when.clock + (end.clock - start.clock))
    distance = end.seconds(floating) - start.seconds(floating)
    return When(times.clock(when.seconds(floating) + distance), UTC)
