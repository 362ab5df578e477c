"""The occurrences of a stored object (RFC 5545 section 3.8.5, RFC 4791 section 9.9)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from dav_gateway.dav.query import times
from dav_gateway.dav.query.series import LAST_YEAR, Later, Moments, Occurrence, Series
from dav_gateway.dav.query.times import DAY, When
from dav_gateway.dav.query.tree import Component
from dav_gateway.dav.query.zones import Zones

EARLIEST, LATEST = -(2**40), 2**40
RECURRING = ("VEVENT", "VTODO", "VJOURNAL")
"""Components that may recur (RFC 5545 section 3.6); of others a rule says nothing."""
__all__ = ["EARLIEST", "LATEST", "Occurrence", "Occurrences", "Range"]


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` (inside) to `end` (outside), in seconds since 1970 UTC."""

    start: int = EARLIEST
    end: int = LATEST


class Occurrences:
    """The occurrences of the components of one type in an object."""

    def __init__(self, components: list[Component], zones: Zones) -> None:
        self.zones = zones
        self.masters = [each for each in components if each.get("RECURRENCE-ID") is None]
        self._overrides = [each for each in components if each.get("RECURRENCE-ID") is not None]
        self._series: dict[int, Series | None] = {}

    def seconds(self, when: When) -> int:
        """A moment in seconds since 1970 UTC."""
        return when.seconds(self.zones.floating)

    def near(self, asked: Range, *, of: Component | None = None, alarm: int | None = None) -> Iterator[Occurrence]:
        """All that may meet the range, or those of one component; the caller looks at each. For alarms, which may never
        go off, the range is widened by `alarm` seconds, and ends in 2200. Raises ValueError."""
        overrides = self.overrides
        if of is None:
            yield from overrides.values()
        elif id(of) in overrides:
            yield overrides[id(of)]
            if not is_of_all_later(of):
                return
        since, until = asked.start - (alarm or 0), asked.end + (alarm or 0) + DAY
        for master in self.masters:
            series = self.series(master)
            if series is None:
                found = iter([self.single(master)])
            else:
                found = series.between(since, until if alarm is None else min(until, LAST_YEAR))
            yield from (each for each in found if of is None or each.component is of)

    @cached_property
    def overrides(self) -> Mapping[int, Occurrence]:
        """Those that have a component of their own, by its `id`. Raises ValueError."""
        return {id(override): self._override(override) for override in self._overrides}

    def _override(self, override: Component) -> Occurrence:
        line = override.get("RECURRENCE-ID")
        assert line is not None
        start = self.moment(override, "DTSTART")
        return Occurrence(override, start, self._end(override, start), times.of(line, self.zones))

    def series(self, master: Component) -> Series | None:
        """What a component recurs as, None when it does not. Raises ValueError."""
        if id(master) not in self._series:
            self._series[id(master)] = self._recurring(master)
        return self._series[id(master)]

    def _recurring(self, master: Component) -> Series | None:
        start = self.moment(master, "DTSTART")
        base = start or self.moment(master, "DUE")
        if base is None or master.name not in RECURRING or not any(master.get(name) for name in ("RRULE", "RDATE")):
            return None
        overrides = self.overrides.values()
        replaced = Moments(self.zones.floating, (each.original for each in overrides if each.original is not None))
        later = Later([each for each in overrides if is_of_all_later(each.component)], self.zones.floating)
        return Series(master, self.zones, (start, base, self._end(master, start)), replaced, later)

    def single(self, master: Component) -> Occurrence:
        """A component that does not recur. Raises ValueError."""
        start = self.moment(master, "DTSTART")
        return Occurrence(master, start, self._end(master, start))

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


def is_of_all_later(override: Component) -> bool:
    """Whether a component stands for an occurrence and all after it (RFC 5545 section 3.2.13)."""
    line = override.get("RECURRENCE-ID")
    return line is not None and line.first("RANGE").upper() == "THISANDFUTURE"
