"""The clocks at which a recurrence rule strikes (RFC 5545 section 3.3.10), from about a given moment on."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

from dateutil.rrule import rrulestr

from dav_gateway.dav.query.times import EPOCH, When, moment
from dav_gateway.dav.query.tree import Component
from dav_gateway.dav.query.zones import Zones
from dav_gateway.dav.rule_match import parts_of

_STEPS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
_NO_ZONES = Zones(Component("VCALENDAR", ""), UTC)


def clocks(
    rule: str, start: When, floating: tzinfo, since: datetime, before: datetime | None = None
) -> Iterator[datetime]:
    """The wall clocks of the rule in the zone of `start`, in order; those earlier than `since` and later than `before`
    may be left out. Raises ValueError for a rule that dateutil does not read."""
    parts, endless, count = parts_of(rule), _endless(rule), None
    if "COUNT" in parts:
        # The first occurrence counts although the rule does not name it (RFC 5545 section 3.8.5.3).
        count = int(parts["COUNT"]) - (start.clock not in rrulestr(endless, dtstart=start.clock, ignoretz=True))
    ends = [each for each in (last(parts, start, floating), before) if each is not None]
    begin = start.clock if "COUNT" in parts else _forward(parts, start.clock, since)
    # A rule that seldom strikes is searched through to its end: it gets one that is not far.
    bounded = f"{endless};UNTIL={_text(min(ends))}" if ends else endless
    yield from islice(rrulestr(bounded, dtstart=begin, ignoretz=True), count)


def last(parts: dict[str, str], start: When, floating: tzinfo) -> datetime | None:
    """UNTIL of a rule by the clock of `start`, None without one. Raises ValueError."""
    return until(parts["UNTIL"], start, floating) if "UNTIL" in parts else None


def _endless(rule: str) -> str:
    return ";".join(part for part in rule.split(";") if part and not part.upper().startswith(("COUNT=", "UNTIL=")))


def until(value: str, start: When, floating: tzinfo) -> datetime:
    """UNTIL is in UTC where DTSTART has a zone (RFC 5545 section 3.3.10): here it is told by the clock of that zone."""
    last = moment(value, "", _NO_ZONES)
    clock = last.clock
    if last.is_date and not start.is_date:
        clock += timedelta(days=1, seconds=-1)
    elif last.zone is not None and not start.is_date:
        zone = start.zone or floating
        clock += zone.utcoffset(clock.replace(tzinfo=UTC).astimezone(zone)) or timedelta()
    return clock


def _text(clock: datetime) -> str:
    return f"{clock.year:04}{clock:%m%dT%H%M%S}"


def _forward(parts: dict[str, str], start: datetime, since: datetime) -> datetime:
    """A later start for a rule that goes on evenly, so that years of days before `since` are not walked through."""
    step, interval = _STEPS.get(parts.get("FREQ", "")), int(parts.get("INTERVAL", "1"))
    if since <= start:
        return start
    if step is None:
        return _months_forward(start, since, interval * (12 if parts.get("FREQ") == "YEARLY" else 1))
    step *= interval
    return start + step * max(0, (since - start) // step - 1)


def _months_forward(start: datetime, since: datetime, months: int) -> datetime:
    """The last month before `since`, a whole number of steps on, that has the day of `start`."""
    passed = (since.year - start.year) * 12 + since.month - start.month
    for steps in range(passed // months - 1, 0, -1):
        years, month = divmod(start.month - 1 + steps * months, 12)
        if start.day <= monthrange(start.year + years, month + 1)[1]:
            return start.replace(year=start.year + years, month=month + 1)
    return start


def clock_of(seconds: int) -> datetime:
    """Any clock at about these seconds, inside what a datetime can be."""
    return EPOCH + timedelta(seconds=max(-60_000_000_000, min(seconds, 250_000_000_000)))
