"""start and end of time-range, expand and their like (RFC 4791 section 9.9): UTC, one of them at least."""

from datetime import UTC
from xml.etree.ElementTree import Element

from dav_gateway.dav.query import times
from dav_gateway.dav.query.occurrences import EARLIEST, LATEST, Range
from dav_gateway.dav.query.text import InvalidFilter, invalid
from dav_gateway.dav.query.tree import Component
from dav_gateway.dav.query.zones import Zones


def time_range(element: Element) -> Range:
    """The range of a time-range; a side that is left out is open. Raises InvalidFilter."""
    found = Range(_moment(element, "start", EARLIEST), _moment(element, "end", LATEST))
    if found == Range() or found.start >= found.end:
        raise invalid("C", "A time-range has a start or an end, and the start is before the end.")
    return found


def closed_range(element: Element) -> Range:
    """The range of expand, limit-recurrence-set and free-busy, which have both ends. Raises InvalidFilter."""
    found = time_range(element)
    if found.start == EARLIEST or found.end == LATEST:
        raise invalid("C", "This range has a start and an end.")
    return found


def _moment(element: Element, name: str, default: int) -> int:
    value = element.get(name)
    if value is None:
        return default
    try:
        when = times.moment(value, "", Zones(Component("VCALENDAR", ""), UTC))
    except ValueError:
        when = None
    if when is None or when.zone is None:
        raise InvalidFilter("C:valid-filter", f"{name} is a date and time in UTC, such as 20261122T120000Z.")
    return when.seconds(UTC)
