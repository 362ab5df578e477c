"""Whether a recurrence rule matches any day. For one that does not, dateutil looks until the year 9999, for seconds, in
every query. So rules are tried where that year is near."""

from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

_STEP = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}


def parts_of(rule: str) -> dict[str, str]:
    """The parts of a rule by their names, all in capitals (RFC 5545 section 3.3.10)."""
    return dict(part.partition("=")[::2] for part in rule.upper().strip().split(";") if part)


def matches_somewhere(parts: dict[str, str]) -> bool:
    """Whether a rule that begins with a year matches a day. If not, that is a question of its own beginning."""
    return _matches(parts, _begin_of(parts))


def matches_from(parts: dict[str, str], start: datetime) -> bool:
    """Whether a rule that begins at `start` matches a day: every 12 months, if that is in March, does so when it begins
    in March (RFC 5545 section 3.3.10: INTERVAL counts from DTSTART)."""
    try:
        return _matches(parts, _later(start, parts))
    except ArithmeticError:
        return False


def _matches(parts: dict[str, str], begin: datetime) -> bool:
    endless = ";".join(f"{name}={part}" for name, part in parts.items() if name not in ("UNTIL", "COUNT"))
    try:
        return next(iter(rrulestr(endless, dtstart=begin)), None) is not None
    except (ValueError, TypeError, LookupError, ArithmeticError):  # dateutil does not read it
        return False


def _begin_of(parts: dict[str, str]) -> datetime:
    """Years that dateutil would try are few, and a rule for the 29th of February on a Monday (every 28 years) still has
    its day."""
    return datetime(9996 if parts["FREQ"] == "HOURLY" else 9956, 1, 1)  # noqa: DTZ001


def _later(start: datetime, parts: dict[str, str]) -> datetime:
    """A beginning of the same rule by a whole number of its intervals later, shortly before `_begin_of`."""
    end, interval = _begin_of(parts), int(parts.get("INTERVAL", 1))
    if parts["FREQ"] in _STEP:
        step = _STEP[parts["FREQ"]] * interval
        return start + max(0, (end - start) // step) * step
    months = interval * (12 if parts["FREQ"] == "YEARLY" else 1)
    ahead = max(0, (end.year - start.year) * 12 - start.month + 1) // months * months
    year, month = divmod(start.year * 12 + start.month - 1 + ahead, 12)
    return start.replace(year=year, month=month + 1, day=min(start.day, 28))
