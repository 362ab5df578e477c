"""Recurrence rules and dates as they may be stored.

What is refused here would keep a thread of Radicale's filters busy for tens of seconds (rules by the second, rules that
never match), with the precondition that RFC 4791 section 5.3.2.1 has for it: `C:max-instances`.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import ceil, prod
from typing import Any

from dav_gateway.dav import content_lines, rule_match
from dav_gateway.dav.invalid import InvalidObject

VALID = "C:valid-calendar-data"
MAX_INSTANCES = "C:max-instances"
MAX_COUNT = 10_000
MAX_DATES = 3_000
MAX_ALARMS = 100
"""Of one component: a query for alarms holds each against the occurrences of two years."""
LONGEST_RULE = 2_000
FREQUENCIES = {"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
LIMITS = {"BYMONTH": 12, "BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53, "BYSETPOS": 366, "BYHOUR": 23,
          "BYMINUTE": 59, "BYSECOND": 60}  # fmt: skip
"""The largest number of each part (RFC 5545 section 3.3.10)."""

MAX_STEPS = 200_000
FAR_FUTURE = 2100
"""Filters walk from DTSTART to the range that was asked for, 2 us a step: so many until this year are 0.4 s."""

MAX_RULES = 300
"""In an object; the zones in which a meeting is told, with all their history, have some dozens."""
MAX_CHANGES = 5_000
"""That the time zones of an object make; one of Outlook, with two rules since 1601, makes a thousand."""
MAX_LOOK_UPS = 8_000_000
"""Changes times moments: 0.25 us each."""
MAX_DOUBTFUL = 5
"""Rules of an object that are tried from their own DTSTART, 15 ms each; events have one, time zones two."""
MAX_TIMES_OF_DAY = 500
"""That one rule may name: dateutil makes a table of them before the first occurrence."""

_MOMENTS = frozenset(["DTSTART", "DTEND", "DUE", "RECURRENCE-ID"])
_DAY_OF_WEEK = re.compile(r"([+-]?[0-9]{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_EARLIEST, _FAR = datetime(1, 1, 1), datetime(FAR_FUTURE, 1, 1)  # noqa: DTZ001
_POSITIVE = re.compile(r"0{0,8}[1-9][0-9]{0,8}", re.ASCII)
_TIME = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]", re.ASCII)
_SIGNED = re.compile(r"[+-]?[0-9]{1,4}", re.ASCII)
_A_DAY = {"HOURLY": 24.0, "DAILY": 1.0, "WEEKLY": 1 / 7, "MONTHLY": 1 / 28, "YEARLY": 1 / 28}


def check(lines: list[str]) -> None:
    """Refuse rules and dates that no calendar needs. Raises InvalidObject."""
    dates = dict.fromkeys(("RDATE", "EXDATE", "FREEBUSY"), 0)
    rules = moments = alarms = 0
    doubtful: set[str] = set()
    for around, name, value in content_lines.properties(lines, {"RRULE", "BEGIN", *dates, *_MOMENTS}):
        if name == "RRULE":
            rules += 1
            if rules > MAX_RULES:
                raise InvalidObject(MAX_INSTANCES, f"There are more than {MAX_RULES} rules.")
            doubtful.update(_check_rule(value, in_timezone="VTIMEZONE" in around))
        elif name in dates:
            dates[name] += value.count(",") + 1
        elif name == "BEGIN":
            alarms = alarms + 1 if value.strip().upper() == "VALARM" else 0
            if alarms > MAX_ALARMS:
                raise InvalidObject(VALID, f"A component has more than {MAX_ALARMS} alarms.")
        else:
            moments += 1
    _check_beginnings(lines, doubtful)
    for name, number in dates.items():
        if number > MAX_DATES:
            raise InvalidObject(MAX_INSTANCES, f"There are more than {MAX_DATES} dates in {name}.")
    changes = sum(_changes(rule, start) for rule, start in _zone_rules(lines))
    if changes > MAX_CHANGES or changes * (moments + sum(dates.values())) > MAX_LOOK_UPS:
        raise InvalidObject(MAX_INSTANCES, "The object's time zones change more often than is followed.")


def _check_beginnings(lines: list[str], doubtful: set[str]) -> None:
    if not doubtful:
        return
    if len(doubtful) > MAX_DOUBTFUL:
        raise InvalidObject(MAX_INSTANCES, f"More than {MAX_DOUBTFUL} rules depend on where they begin.")
    inside: list[tuple[list[str], list[str]]] = []
    for _, name, value in content_lines.properties(lines, {"BEGIN", "END", "RRULE", "DTSTART"}):
        if name == "BEGIN":
            inside.append(([], []))
        elif name == "RRULE":
            inside[-1][0].append(value)
        elif name == "DTSTART":
            inside[-1][1].append(value)
        else:
            rules, starts = inside.pop()
            for rule in doubtful.intersection(rules):
                if not starts or not all(_matches_from(rule, start) for start in starts):
                    raise InvalidObject(VALID, f"The rule matches no day: {rule[:80]}")


def _matches_from(rule: str, start: str) -> bool:
    day, time = _day(start), start.strip()[9:15]
    if day is None:
        return False
    if _TIME.fullmatch(time):
        day = day.replace(hour=int(time[:2]), minute=int(time[2:4]), second=int(time[4:]))
    return rule_match.matches_from(rule_match.parts_of(rule), day)


def _zone_rules(lines: list[str]) -> Iterator[tuple[str, datetime]]:
    """The rules of time zones with their DTSTART. vobject follows each to the present when it reads the object, and
    dateutil walks over what they made for every moment in the zone."""
    rules: list[str] = []
    start = _EARLIEST
    for around, name, value in content_lines.properties(lines, {"RRULE", "DTSTART", "END"}):
        if "VTIMEZONE" not in around:
            continue
        if name == "END":
            yield from ((rule, start) for rule in rules)
            rules, start = [], _EARLIEST
        elif name == "RRULE":
            rules.append(value)
        else:
            start = _day(value) or start


def _day(value: str) -> datetime | None:
    return _day_of(value.strip()[:8])


@lru_cache(maxsize=512)  # a time zone begins at the same day in all objects
def _day_of(digits: str) -> datetime | None:
    try:
        return datetime.strptime(digits, "%Y%m%d")  # noqa: DTZ007
    except ValueError:
        return None


@lru_cache(maxsize=512)
def _check_rule(value: str, *, in_timezone: bool) -> tuple[str, ...]:
    """The rule again if its beginning decides whether it matches a day, else nothing. Raises InvalidObject."""
    if len(value) > LONGEST_RULE:
        raise InvalidObject(MAX_INSTANCES, f"A rule has at most {LONGEST_RULE} characters.")
    parts = rule_match.parts_of(value)
    if "RSCALE" in parts or "SKIP" in parts:
        raise InvalidObject("C:supported-rscale", "Rules are of the Gregorian calendar (RFC 7529 section 5.1).")
    frequency = parts.get("FREQ", "")
    if frequency not in FREQUENCIES:
        raise InvalidObject(VALID, f"RRULE has no FREQ that RFC 5545 knows: {value[:80]}")
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not _POSITIVE.fullmatch(parts[name].strip()):
            raise InvalidObject(VALID, f"{name} of an RRULE must be a positive number: {value[:80]}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise InvalidObject(VALID, "An RRULE may have COUNT or UNTIL, not both.")
    # SyncEvolution's engine writes MONTHLY;INTERVAL=12 for each change of the clock.
    if in_timezone and frequency not in ("YEARLY", "MONTHLY"):
        raise InvalidObject(VALID, "A time zone changes by the year or month, not more often.")
    if frequency in ("SECONDLY", "MINUTELY") or int(parts.get("COUNT", 1)) > MAX_COUNT:
        raise InvalidObject(MAX_INSTANCES, f"The rule makes more occurrences than are kept: {value[:80]}")
    _check_parts(parts, value)
    return () if rule_match.matches_somewhere(parts) else (value,)


def _check_steps(rule: str, start: datetime) -> None:
    """Refuse a rule that makes too many occurrences to walk over, such as every hour since 1970."""
    if _steps(rule, start) > MAX_STEPS:
        raise InvalidObject(MAX_INSTANCES, f"The rule makes more occurrences than are kept: {rule[:80]}")


def _steps(rule: str, start: datetime) -> float:
    """About how many occurrences a rule makes until FAR_FUTURE; none when it counts them. `check` has seen the rule."""
    parts = rule_match.parts_of(rule)
    if "COUNT" in parts:
        return 0
    a_day = _A_DAY[parts["FREQ"]] / int(parts.get("INTERVAL", 1))
    multiplying: tuple[str, ...] = ("BYMINUTE", "BYSECOND")
    if parts["FREQ"] != "HOURLY":
        multiplying += ("BYHOUR",)
    if parts["FREQ"] not in ("DAILY", "HOURLY"):
        multiplying += ("BYDAY", "BYMONTHDAY", "BYYEARDAY")
    for name in multiplying:
        a_day *= parts.get(name, "").count(",") + 1
    end = _end(parts)
    return max(0, (end - start).days) * a_day


def _changes(rule: str, start: datetime) -> float:
    """About how many changes of the clock a yearly or monthly rule makes until FAR_FUTURE."""
    parts = rule_match.parts_of(rule)
    is_monthly = parts["FREQ"] == "MONTHLY"
    if "COUNT" in parts:
        return int(parts["COUNT"])
    number = {name: parts[name].count(",") + 1 if name in parts else 0 for name in LIMITS}
    weekdays = parts["BYDAY"].split(",") if "BYDAY" in parts else []
    months = 12 if is_monthly else number["BYMONTH"] or (12 if number["BYMONTHDAY"] else 1)
    if weekdays and number["BYMONTHDAY"]:
        days = ceil(len(weekdays) * number["BYMONTHDAY"] / 7)
    elif weekdays:
        is_numbered = all(each.strip()[:1] in "+-0123456789" for each in weekdays)
        days = len(weekdays) * (1 if is_numbered else 5 if is_monthly or number["BYMONTH"] else 53)
    else:
        days = number["BYMONTHDAY"] or 1
    weeks = 7 * number["BYWEEKNO"] or 1
    a_year = months * days * weeks * (number["BYYEARDAY"] or 1) * _times_of_day(parts)
    end = _end(parts)
    return max(0, (end - start).days) / 365 * a_year / int(parts.get("INTERVAL", 1))


def _times_of_day(parts: dict[str, str]) -> int:
    return prod(parts[name].count(",") + 1 for name in ("BYHOUR", "BYMINUTE", "BYSECOND") if name in parts)


def _end(parts: dict[str, str]) -> datetime:
    """Behind what is counted of a rule; some programs write the year 9999 for a rule without an end."""
    if "UNTIL" not in parts:
        return _FAR
    day = _day(parts["UNTIL"])
    if day is None:
        raise InvalidObject(VALID, f"UNTIL of an RRULE is no date: {parts['UNTIL'][:80]}")
    return day + timedelta(days=1) if day < _FAR else _FAR


def _check_parts(parts: dict[str, str], value: str) -> None:
    for name, limit in LIMITS.items():
        numbers = [each.strip() for each in parts[name].split(",")] if name in parts else []
        if not all(_SIGNED.fullmatch(each) and abs(int(each)) <= limit for each in numbers):
            raise InvalidObject(VALID, f"{name} of an RRULE is out of its range: {value[:80]}")
    # 53 weeks of a year, 5 of a month: dateutil reads beyond the end of its tables where there are more.
    weeks = 5 if parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts else 53
    for each in parts["BYDAY"].split(",") if "BYDAY" in parts else []:
        found = _DAY_OF_WEEK.fullmatch(each.strip())
        if found is None or not (found[1] is None or 1 <= abs(int(found[1])) <= weeks):
            raise InvalidObject(VALID, f"BYDAY of an RRULE is out of its range: {value[:80]}")
    if "BYEASTER" in parts:
        raise InvalidObject(VALID, f"RFC 5545 has no rules by Easter: {value[:80]}")
    if _times_of_day(parts) > MAX_TIMES_OF_DAY:
        raise InvalidObject(MAX_INSTANCES, f"The rule makes more occurrences than are kept: {value[:80]}")


def check_times(components: list[Any]) -> None:
    """Refuse vobject components whose times are none, or recur so often that a walk over them takes too long. Raises
    InvalidObject, ValueError and whatever else vobject leaves to its readers."""
    for component in components:
        if not hasattr(component, "dtstart"):
            continue
        start = _naive(component.dtstart.value)
        for name in ("dtend", "due"):
            if hasattr(component, name):
                _naive(getattr(component, name).value)
        for line in component.contents.get("rdate", []):
            for each in line.value:
                _naive(each)
        if hasattr(component, "rrule"):
            _check_steps(component.rrule.value, start)


def _naive(value: Any) -> datetime:
    if isinstance(value, tuple):  # a PERIOD
        value = value[0]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    raise InvalidObject(VALID, f"This is not a date: {str(value)[:60]}")
