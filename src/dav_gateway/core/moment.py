"""Points in time as the store keeps them: whole milliseconds since 1970-01-01 UTC.

An integer compares in SQL as in Python on both engines and has no time zone to get wrong. Text and `datetime`
exist only at the edges (command line, JSON, HTTP dates).
"""

from datetime import UTC, datetime
from typing import NewType

Moment = NewType("Moment", int)

EPOCH = Moment(0)
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def from_datetime(value: datetime) -> Moment:
    """An aware `datetime` as a Moment (raises ValueError for a naive one)."""
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return Moment(round(value.timestamp() * SECOND))


def to_datetime(moment: Moment) -> datetime:
    """A Moment as an aware UTC `datetime`."""
    return datetime.fromtimestamp(moment / SECOND, UTC)


def isoformat(moment: Moment) -> str:
    """RFC 3339 in UTC to the second, as `2026-11-22T18:41:34Z`."""
    return to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
