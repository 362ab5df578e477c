"""Moments in words: `12 seconds ago` up to a week, then a date; the exact time where it matters."""

from babel.dates import format_skeleton, format_timedelta
from babel.units import format_unit

from dav_gateway.core.moment import DAY, SECOND, Moment, to_datetime
from dav_gateway.web.language import Words

_WORDS_UNTIL = 7 * DAY


def ago(words: Words, moment: Moment, now: Moment) -> str:
    """How long ago, or on which day."""
    passed = max(0, now - moment)
    if passed >= _WORDS_UNTIL:
        return words.gettext("on %(date)s", date=date(words, moment, now))
    if passed < SECOND:
        return words.gettext("just now")
    return format_timedelta(-(passed // SECOND), threshold=1, add_direction=True, locale=words.locale)


def days_left(words: Words, moment: Moment, now: Moment) -> str:
    """`in 6 days`, `in 3 hours`."""
    return format_timedelta(max(SECOND, moment - now) // SECOND, threshold=1, add_direction=True, locale=words.locale)


def span(words: Words, milliseconds: int) -> str:
    """`94 days`: a whole number of them, because months are too rough where something is about to be deleted."""
    return format_unit(milliseconds // DAY, "day", locale=words.locale)


def date(words: Words, moment: Moment, now: Moment) -> str:
    """The day, with the year where it is another one."""
    at = to_datetime(moment)
    skeleton = "MMMMd" if at.year == to_datetime(now).year else "yMMMMd"
    return format_skeleton(skeleton, at, locale=words.locale)


def exact(moment: Moment) -> str:
    """The time of day to the millisecond, in UTC."""
    return f"{to_datetime(moment):%H:%M:%S}.{moment % SECOND:03d}"
