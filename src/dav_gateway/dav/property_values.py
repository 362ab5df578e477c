"""Values of properties that clients set and we must understand later: a calendar's time zone (RFC 4791 section 5.2.2,
RFC 7809 section 5.2)."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element
from zoneinfo import available_timezones

from dav_gateway.dav import content_lines, recurrence
from dav_gateway.dav.invalid import InvalidObject
from dav_gateway.dav.names import clark

TIMEZONE = clark("C:calendar-timezone")
TIMEZONE_ID = clark("C:calendar-timezone-id")
VALID = "C:valid-calendar-data"
OF_ZONE = {f"BEGIN:{name}" for name in ("VCALENDAR", "VTIMEZONE", "STANDARD", "DAYLIGHT")}


def unfit(name: str, value: Element | None) -> str | None:
    """The precondition that this value of property `name` breaks, None when it may be stored."""
    if value is None:
        return None
    text = "".join(value.itertext()).strip()
    if name == TIMEZONE:
        return None if _is_one_zone(text) else VALID
    if name == TIMEZONE_ID:
        return None if text in available_timezones() else "C:valid-timezone"
    return None


def with_one_zone(changes: Mapping[str, Element | None]) -> Mapping[str, Element | None]:
    """The changes, and what goes with them: both properties tell of one time zone (RFC 7809 section 5.2), and the one
    that is not named would go on telling of the zone that was before."""
    named = [name for name in (TIMEZONE, TIMEZONE_ID) if name in changes]
    return {TIMEZONE: None, TIMEZONE_ID: None, **changes} if len(named) == 1 else changes


def _is_one_zone(text: str) -> bool:
    try:
        lines = content_lines.unfolded(text.encode(), VALID)
        recurrence.check(lines)
    except (InvalidObject, UnicodeEncodeError):
        return False
    opened = [line.upper() for line in lines if line.upper().startswith("BEGIN:")]
    return opened[:1] == ["BEGIN:VCALENDAR"] and opened.count("BEGIN:VTIMEZONE") == 1 and set(opened) <= OF_ZONE
