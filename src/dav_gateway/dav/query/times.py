"""Dates, date-times, durations and periods of content lines (RFC 5545 section 3.3), as seconds since 1970 in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from dav_gateway.dav.query.tree import Line
from dav_gateway.dav.query.zones import Zones

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clocks are compared with it
DAY = 86_400
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)
_DURATION = re.compile(
    r"([+-]?)P(?=.)(?:(\d{1,6})W)?(?:(\d{1,7})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,9})M)?(?:(\d{1,10})S)?)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class When:
    """A date or date-time as it was written: what the wall clock shows, and where. `zone` None is floating."""

    clock: datetime
    zone: tzinfo | None
    is_date: bool = False

    def seconds(self, floating: tzinfo) -> int:
        """Seconds since 1970 in UTC; a date is its first moment."""
        zone = self.zone or floating
        offset = zone.utcoffset(self.clock if zone is not UTC else None) or timedelta()
        return round((self.clock - EPOCH - offset).total_seconds())

    def later(self, duration: "Duration") -> "When":
        """This moment moved by a nominal duration: days by the calendar, the rest by the clock."""
        return When(self.clock + timedelta(days=duration.days, seconds=duration.seconds), self.zone, self.is_date)

    def at(self, clock: datetime) -> "When":
        """Another moment of the same kind."""
        return When(clock, self.zone, self.is_date)

    def parameters_and_value(self) -> str:
        """As it stands behind the name in a calendar without VTIMEZONE: a date, a floating time, or UTC."""
        if self.is_date:
            return f";VALUE=DATE:{self.clock:%Y%m%d}"
        if self.zone is None:
            return f":{_text(self.clock)}"
        return f":{_text(EPOCH + timedelta(seconds=self.seconds(UTC)))}Z"


@dataclass(frozen=True, slots=True)
class Duration:
    """A nominal duration; days and seconds have one sign."""

    days: int = 0
    seconds: int = 0

    @property
    def total(self) -> int:
        """In seconds, a day having 24 hours."""
        return self.days * DAY + self.seconds


def clock(seconds: int) -> datetime:
    """What a clock shows that has gone for so many seconds since 1970. Raises OverflowError."""
    return EPOCH + timedelta(seconds=seconds)


def clock_seconds(shown: datetime) -> int:
    """For how many seconds since 1970 a clock has gone that shows this."""
    return round((shown - EPOCH).total_seconds())


def _text(clock: datetime) -> str:
    # strftime gives the year 999 three digits.
    return f"{clock.year:04}{clock:%m%dT%H%M%S}"


def utc_text(seconds: int) -> str:
    """`20261122T120000Z`."""
    return f"{_text(EPOCH + timedelta(seconds=seconds))}Z"


def moment(value: str, tzid: str, zones: Zones) -> When:
    """A DATE or DATE-TIME. Raises ValueError."""
    found = _MOMENT.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"this is no date: {value[:40]}")
    year, month, day, hour, minute, second, utc = found.groups()
    if hour is None:
        return When(datetime(int(year), int(month), int(day)), None, is_date=True)  # noqa: DTZ001
    clock = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59))  # noqa: DTZ001
    return When(clock, UTC if utc else (zones.named(tzid) if tzid else None))


def of(line: Line, zones: Zones) -> When:
    """The moment that a line tells. Raises ValueError."""
    return moment(line.value, line.first("TZID"), zones)


def several(line: Line, zones: Zones) -> list[tuple[When, Duration | When | None]]:
    """The moments of RDATE or EXDATE, with the end or length of those that are periods. Raises ValueError."""
    tzid = line.first("TZID")
    result: list[tuple[When, Duration | When | None]] = []
    for part in line.value.split(","):
        if not part.strip():
            continue
        start, slash, end = part.strip().partition("/")
        length = None if not slash else duration(end) if "P" in end else moment(end, tzid, zones)
        result.append((moment(start, tzid, zones), length))
    return result


def duration(value: str) -> Duration:
    """A DURATION. Raises ValueError."""
    found = _DURATION.fullmatch(value.strip().upper())
    if found is None:
        raise ValueError(f"this is no duration: {value[:40]}")
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in found.groups()[1:])
    sign = -1 if found[1] == "-" else 1
    return Duration(sign * (weeks * 7 + days), sign * (hours * 3600 + minutes * 60 + seconds))
