"""The occurrences of a stored object (RFC 5545 section 3.8.5, RFC 4791 section 9.9)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta

from dav_gateway.dav.query import rules, times
from dav_gateway.dav.query.times import DAY, Duration, When
from dav_gateway.dav.query.tree import Component
from dav_gateway.dav.query.zones import Zones

EARLIEST, LATEST = -(2**40), 2**40
LAST_YEAR = 7_258_118_400
"""2200-01-01: rules without an end are followed until then."""


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` (inside) to `end` (outside), in seconds since 1970 UTC."""

    start: int = EARLIEST
    end: int = LATEST


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of a component. `end` is what DTEND, DUE or DURATION make of it, None without any;
    `original` is the moment by which a recurrence names it, None when the component does not recur."""

    component: Component
    start: When | None
    end: When | None
    original: When | None = None


class Occurrences:
    """The occurrences of the components of one type in an object."""

    def __init__(self, components: list[Component], zones: Zones) -> None:
        self.zones = zones
        self._masters = [each for each in components if each.get("RECURRENCE-ID") is None]
        self._overrides = [each for each in components if each.get("RECURRENCE-ID") is not None]

    def seconds(self, when: When) -> int:
        """A moment in seconds since 1970 UTC."""
        return when.seconds(self.zones.floating)

    def near(self, asked: Range, margin: int = 0) -> Iterator[Occurrence]:
        """All that may meet the range, widened by `margin` seconds; the caller looks at each. Raises ValueError."""
        originals = set()
        for override in self._overrides:
            line = override.get("RECURRENCE-ID")
            assert line is not None
            original = times.of(line, self.zones)
            originals.add(self.seconds(original))
            start = self.moment(override, "DTSTART")
            yield Occurrence(override, start, self._end(override, start), original)
        for master in self._masters:
            yield from self._of_master(master, originals, asked, margin)

    def _of_master(self, master: Component, replaced: set[int], asked: Range, margin: int) -> Iterator[Occurrence]:
        start = self.moment(master, "DTSTART")
        base = start or self.moment(master, "DUE")
        if base is None or not any(master.get(name) for name in ("RRULE", "RDATE")):
            yield Occurrence(master, start, self._end(master, start))
            return
        end = self._end(master, start)
        length = 0 if start is None or end is None else self.seconds(end) - self.seconds(start)
        excluded, days = self._excluded(master)
        seen: set[int] = set()
        reach = (asked.start - margin - length, min(asked.end + margin + DAY, LAST_YEAR))
        for when, period in self._moments(master, base, *reach):
            at = self.seconds(when)
            if at in seen or at in replaced or at in excluded or when.clock.date() in days:
                continue
            seen.add(at)
            yield self._moved(master, (start, base, end), when, period)

    def _moments(
        self, master: Component, base: When, since: int, until: int
    ) -> Iterator[tuple[When, Duration | When | None]]:
        yield base, None
        for line in master.named("RDATE"):
            yield from times.several(line, self.zones)
        begin = rules.clock_of(since - 2 * DAY)
        for line in master.named("RRULE"):
            for clock in rules.clocks(line.value, base, self.zones.floating, begin):
                when = base.at(clock)
                if self.seconds(when) > until:
                    break
                yield when, None

    def _excluded(self, master: Component) -> tuple[set[int], set[object]]:
        """Moments, and days where EXDATE has dates, that the recurrence leaves out."""
        moments: set[int] = set()
        days: set[object] = set()
        for line in master.named("EXDATE"):
            for when, _ in times.several(line, self.zones):
                if when.is_date:
                    days.add(when.clock.date())
                else:
                    moments.add(self.seconds(when))
        return moments, days

    def _moved(
        self,
        master: Component,
        first: tuple[When | None, When, When | None],
        when: When,
        period: Duration | When | None,
    ) -> Occurrence:
        """The occurrence at `when`: DTEND and DUE keep their exact distance, DURATION its nominal one."""
        start, base, end = first
        if isinstance(period, When):
            return Occurrence(master, when, period, when)
        if isinstance(period, Duration):
            return Occurrence(master, when, when.later(period), when)
        if start is None:
            return Occurrence(master, None, when, when)
        if end is not None and (line := master.get("DURATION")) is not None:
            return Occurrence(master, when, when.later(times.duration(line.value)), when)
        if end is not None:
            end = self._as_far(base, end, when)
        return Occurrence(master, when, end, when)

    def _as_far(self, base: When, end: When, when: When) -> When:
        if end.is_date or base.is_date:
            return end.at(when.clock + (end.clock - base.clock))
        zone = when.zone or self.zones.floating
        moved = self.seconds(end) - self.seconds(base) + self.seconds(when)
        clock = times.EPOCH + timedelta(seconds=moved)
        offset = zone.utcoffset(clock.replace(tzinfo=UTC).astimezone(zone)) or timedelta()
        return when.at(clock + offset)

    def moment(self, component: Component, name: str) -> When | None:
        """What a line of the component tells, None where it has none. Raises ValueError."""
        line = component.get(name)
        return None if line is None or not line.value.strip() else times.of(line, self.zones)

    def _end(self, component: Component, start: When | None) -> When | None:
        end = self.moment(component, "DUE" if component.name == "VTODO" else "DTEND")
        if end is not None or start is None:
            return end
        line = component.get("DURATION")
        return None if line is None else start.later(times.duration(line.value))
