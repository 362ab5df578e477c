"""Rules that go on evenly (RFC 5545 section 3.3.10): by the hour, the day, the week, or once a year on the same day.

Nine rules of ten are of these. What they make is told by a few numbers, wherever in time one looks, and needs no walk.
"""

from datetime import timedelta
from typing import NamedTuple

from dav_gateway.dav.query import rules
from dav_gateway.dav.query.times import DAY, When, clock_seconds
from dav_gateway.dav.query.zones import FLOATING
from dav_gateway.dav.rule_match import parts_of

LAST_CLOCK = 253_402_300_799
"""9999-12-31T23:59:59, behind which dateutil has no dates either."""
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ENDS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
_STEPS = {"HOURLY": 3600, "DAILY": DAY, "WEEKLY": 7 * DAY}


class Run(NamedTuple):
    """`many` clocks from `first` on, `step` seconds after each other; 0 for as long as there are dates."""

    first: int
    step: int
    many: int

    @property
    def length(self) -> int:
        """How many they are, counted."""
        return self.many or (LAST_CLOCK - self.first) // self.step + 1


class Anniversary(NamedTuple):
    """A clock that comes back every so many years, `last` at most; None for as long as there are dates."""

    first: int
    years: int
    last: int | None


def runs(rule: str, base: When) -> list[Run] | None:
    """The clocks of a rule, those of `base` among them if it is one of its own; None for a rule that is not even."""
    parts = parts_of(rule)
    frequency, weekly = parts.get("FREQ", ""), parts.get("FREQ") == "WEEKLY"
    if frequency not in _STEPS or not parts.keys() <= (_ENDS | ({"BYDAY"} if weekly else set())):
        return None
    first, step = clock_seconds(base.clock), _STEPS[frequency] * int(parts.get("INTERVAL", "1"))
    firsts = [first]
    if "BYDAY" in parts:
        named = {day.strip() for day in parts["BYDAY"].split(",")}
        if not named <= set(DAYS):
            return None
        begins = DAYS.index(parts.get("WKST", "MO").strip())
        monday = base.clock - timedelta(days=(base.clock.weekday() - begins) % 7)
        found = [clock_seconds(monday) + (DAYS.index(day) - begins) % 7 * DAY for day in named]
        firsts = sorted(each if each >= first else each + step for each in found)
    return [run for run in _ended(firsts, step, parts, base) if run is not None]


def _ended(firsts: list[int], step: int, parts: dict[str, str], base: When) -> list[Run | None]:
    if "COUNT" in parts:
        # The first occurrence counts although the rule does not name it (section 3.8.5.3).
        count = int(parts["COUNT"]) - (firsts[0] != clock_seconds(base.clock))
        counts = [(count - place - 1) // len(firsts) + 1 for place in range(len(firsts))]
    elif "UNTIL" in parts:
        last = clock_seconds(rules.until(parts["UNTIL"], base, FLOATING))
        counts = [(last - each) // step + 1 for each in firsts]
    else:
        return [Run(each, step, 0) if each <= LAST_CLOCK else None for each in firsts]
    room = [(LAST_CLOCK - each) // step + 1 for each in firsts]
    return [
        Run(each, step, min(count, most)) if min(count, most) > 0 else None
        for each, count, most in zip(firsts, counts, room, strict=True)
    ]


def anniversary(rule: str, base: When) -> Anniversary | None:
    """A rule for one day of the year, None for another."""
    parts = parts_of(rule)
    if parts.get("FREQ") != "YEARLY" or not parts.keys() <= _ENDS | {"BYMONTH", "BYMONTHDAY"}:
        return None
    month, day = parts.get("BYMONTH"), parts.get("BYMONTHDAY")
    if (day is not None and month is None) or (month or str(base.clock.month)) != str(base.clock.month):
        return None
    if (day or str(base.clock.day)) != str(base.clock.day):
        return None
    years, first, last = int(parts.get("INTERVAL", "1")), clock_seconds(base.clock), None
    if "COUNT" in parts:
        year = base.clock.year + years * (int(parts["COUNT"]) - 1)
        if (base.clock.month, base.clock.day) == (2, 29) or year > 9999:  # noqa: PLR2004 - the last year there is
            return None
        last = clock_seconds(base.clock.replace(year=year))
    elif "UNTIL" in parts:
        last = clock_seconds(rules.until(parts["UNTIL"], base, FLOATING))
    return Anniversary(first, years, last)
