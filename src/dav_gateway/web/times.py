"""Moments in words: `12 seconds ago` up to a week, then a date; the exact time where it matters.

Here a day and a time of day are those of UTC: the server does not know the reader's zone. As elements they carry the
moment, and the script puts the browser's day and time in their place.
"""

from babel.dates import format_skeleton, format_timedelta
from babel.units import format_unit
from markupsafe import Markup, escape

from dav_gateway.core.moment import DAY, SECOND, Moment, isoformat, to_datetime
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


def ago_element(words: Words, moment: Moment, now: Moment) -> Markup:
    """`ago` as an element."""
    if now - moment >= _WORDS_UNTIL:
        return filled(words.gettext("on %(date)s"), date=day_element(words, moment, now))
    return _element("ago", ago(words, moment, now), moment)


def day_element(words: Words, moment: Moment, now: Moment) -> Markup:
    """`date` as an element."""
    return _element("day", date(words, moment, now), moment)


def clock_element(moment: Moment) -> Markup:
    """`exact` as an element, which says that it is UTC."""
    return _element("clock", f"{exact(moment)} UTC", moment)


def filled(sentence: str, **values: object) -> Markup:
    """A sentence of ours with these in the places of `%(name)s`, escaped where they are no elements."""
    return escape(sentence) % values


def _element(kind: str, text: str, moment: Moment) -> Markup:
    stamp = f"{isoformat(moment)[:-1]}.{moment % SECOND:03d}Z"
    return Markup('<time datetime="%s" data-%s>%s</time>') % (stamp, kind, text)
