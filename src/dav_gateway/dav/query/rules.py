"""The clocks at which a recurrence rule strikes (RFC 5545 section 3.3.10), from about a given moment on."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from dateutil.rrule import rrulestr

from dav_gateway.dav.query.times import EPOCH, When, moment
from dav_gateway.dav.query.tree import Component
from dav_gateway.dav.query.zones import Zones

_UNTIL = re.compile(r"(?i)(^|;)UNTIL=([^;]*)")
_STEPS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
_NO_ZONES = Zones(Component("VCALENDAR", ""), UTC)


def clocks(rule: str, start: When, floating: tzinfo, since: datetime) -> Iterator[datetime]:
    """The wall clocks of the rule in the zone of `start`, in order; those before `since` may be left out. Raises
    ValueError for a rule that dateutil does not read."""
    parts = dict(part.partition("=")[::2] for part in rule.upper().strip().split(";") if part)
    if "COUNT" in parts and start.clock not in rrulestr(_endless(rule), dtstart=start.clock, ignoretz=True):
        # The first occurrence counts although the rule does not name it (RFC 5545 section 3.8.5.3).
        if int(parts["COUNT"]) <= 1:
            return
        rule = re.sub(r"(?i)COUNT=\d+", f"COUNT={int(parts['COUNT']) - 1}", rule)
    rule = _UNTIL.sub(lambda found: f"{found[1]}UNTIL={_until(found[2], start, floating)}", rule)
    begin = start.clock if "COUNT" in parts else _forward(parts, start.clock, since)
    yield from rrulestr(rule, dtstart=begin, ignoretz=True)


def _endless(rule: str) -> str:
    return ";".join(part for part in rule.split(";") if not part.upper().startswith(("COUNT=", "UNTIL=")))


def _until(value: str, start: When, floating: tzinfo) -> str:
    """UNTIL is in UTC where DTSTART has a zone (RFC 5545 section 3.3.10): here it is told by the clock of that zone."""
    until = moment(value, "", _NO_ZONES)
    clock = until.clock
    if until.is_date and not start.is_date:
        clock += timedelta(days=1, seconds=-1)
    elif until.zone is not None and not start.is_date:
        zone = start.zone or floating
        clock += zone.utcoffset(clock.replace(tzinfo=UTC).astimezone(zone)) or timedelta()
    return f"{clock.year:04}{clock:%m%dT%H%M%S}"


def _forward(parts: dict[str, str], start: datetime, since: datetime) -> datetime:
    """A later start for a rule that goes on evenly, so that years of days before `since` are not walked through."""
    step = _STEPS.get(parts.get("FREQ", ""))
    if step is None or since <= start:
        return start
    step *= int(parts.get("INTERVAL", "1"))
    return start + step * max(0, (since - start) // step - 1)


def clock_of(seconds: int) -> datetime:
    """Any clock at about these seconds, inside what a datetime can be."""
    return EPOCH + timedelta(seconds=max(-60_000_000_000, min(seconds, 250_000_000_000)))
