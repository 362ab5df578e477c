"""The three plots of administration, as numbers in their places: SVG without styles, every value written out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from babel.dates import format_skeleton

from dav_gateway.core.client_family import family_of
from dav_gateway.core.credential import Credential
from dav_gateway.core.moment import DAY, Moment, from_datetime, to_datetime
from dav_gateway.store.audit_sums import Sum
from dav_gateway.web import naming
from dav_gateway.web.language import Words
from dav_gateway.web.refusals import in_short

MONTHS = 12
MOST_BARS = 5
RECENT_USE = 30 * DAY
LEFT, RIGHT, TOP, BOTTOM = 32, 244, 14, 166
"""The edges of the line's plane in the drawing, which is 280 wide and 190 high."""

WIDTH = 280
_BAR_STEP = 38
_MOST_DIVISIONS = 4

Lifetime = tuple[Moment, Moment | None, Moment | None]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its words, its value, how wide it is and where it stands."""

    text: str
    value: int
    width: int
    y: int


@dataclass(frozen=True, slots=True)
class Point:
    """One month of the line."""

    text: str
    value: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The line, and the marks of its scale as (value, y)."""

    points: tuple[Point, ...]
    scale: tuple[tuple[int, float], ...]

    @property
    def path(self) -> str:
        """The points as SVG wants them."""
        return " ".join(f"{each.x:g},{each.y:g}" for each in self.points)


def devices(words: Words, lifetimes: Sequence[Lifetime], now: Moment) -> Curve:
    """How many app passwords could be used at the end of each of the last twelve months; the last point is now."""
    ends = _month_ends(now)
    values = [sum(_lives(each, end) for each in lifetimes) for end in ends]
    step = max(1, ceil(max(values) / _MOST_DIVISIONS))
    top = step * max(1, ceil(max(values) / step))
    scale = tuple((value, _y(value, top)) for value in range(0, top + 1, step))
    return Curve(
        tuple(
            Point(
                format_skeleton("MMM", to_datetime(Moment(end - 1)), locale=words.locale),
                value,
                round(LEFT + place * (RIGHT - LEFT) / (MONTHS - 1), 1),
                _y(value, top),
            )
            for place, (end, value) in enumerate(zip(ends, values, strict=True))
        ),
        scale,
    )


def programs(words: Words, live: Iterable[Credential], now: Moment) -> list[Bar]:
    """App passwords used in the last thirty days, by the program that used them last."""
    counted: Counter[str] = Counter()
    for each in live:
        if each.last_used_at is not None and now - each.last_used_at < RECENT_USE:
            counted[naming.program(words, family_of(each.last_used_client or ""))] += 1
    return _bars(words, counted)


def refusals(words: Words, sums: Iterable[Sum]) -> list[Bar]:
    """Refusals by reason. Repeated ones are counted once an hour, as the audit holds them."""
    counted: Counter[str] = Counter()
    for each in sums:
        counted[in_short(words, each.reason)] += each.times
    return _bars(words, counted)


def _bars(words: Words, counted: Counter[str]) -> list[Bar]:
    found = counted.most_common()
    if len(found) > MOST_BARS:
        rest = sum(value for _, value in found[MOST_BARS - 1 :])
        found = [*found[: MOST_BARS - 1], (words.gettext("Others"), rest)]
    most = max((value for _, value in found), default=1)
    return [
        Bar(text, value, max(3, round(WIDTH * value / most)), place * _BAR_STEP)
        for place, (text, value) in enumerate(found)
    ]


def _y(value: int, top: int) -> float:
    return round(BOTTOM - value * (BOTTOM - TOP) / top, 1)


def _lives(lifetime: Lifetime, at: Moment) -> bool:
    created, revoked, expires = lifetime
    return created < at and not (revoked is not None and revoked < at) and not (expires is not None and expires <= at)


def _month_ends(now: Moment) -> list[Moment]:
    """The ends of the eleven months before this one, and now."""
    today = to_datetime(now)
    begins = []
    for back in range(MONTHS - 1):
        months = today.year * 12 + today.month - 1 - back
        begins.append(from_datetime(datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)))
    return [*reversed(begins), now]
