"""Dates relative to a day, as the templates write them: `{{today-3}}`, `{{monday+7}}`, `{{month}}`.

A week starts on Monday (RFC 5545 section 3.3.10, default WKST), so a weekly rule written as `monday+1` has its first
occurrence where its BYDAY=TU says.
"""

from collections.abc import Callable
from datetime import date, timedelta

ANCHORS: dict[str, Callable[[date], date]] = {
    "today": lambda day: day,
    "monday": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


def relative(anchor: str, days: int, today: date) -> str:
    """The day `days` after the anchor of `today` in basic format; raises KeyError for an unknown anchor."""
    return (ANCHORS[anchor](today) + timedelta(days=days)).strftime("%Y%m%d")
