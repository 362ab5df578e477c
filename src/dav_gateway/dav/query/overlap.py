"""Whether an occurrence overlaps a time range: the tables of RFC 4791 section 9.9, one for each component type."""

from collections.abc import Iterator

from dav_gateway.dav.query import times
from dav_gateway.dav.query.occurrences import Occurrence, Occurrences, Range
from dav_gateway.dav.query.times import Duration
from dav_gateway.dav.query.tree import Component


def meets(found: Occurrence, asked: Range, occurrences: Occurrences) -> bool:
    """Whether the occurrence, one of `occurrences`, overlaps the range. Raises ValueError."""
    match found.component.name:
        case "VEVENT":
            return _event(found, asked, occurrences)
        case "VTODO":
            return _todo(found, asked, occurrences)
        case "VJOURNAL":
            return _journal(found, asked, occurrences)
        case _:
            return _busy(found, asked, occurrences)


def _event(found: Occurrence, asked: Range, occurrences: Occurrences) -> bool:
    if found.start is None:
        return False
    start = occurrences.seconds(found.start)
    if found.end is None:
        if found.start.is_date:
            end = occurrences.seconds(found.start.later(Duration(days=1)))
            return asked.start < end and asked.end > start
        return asked.start <= start < asked.end
    end = occurrences.seconds(found.end)
    if end == start and found.component.get("DTEND") is None:
        return asked.start <= start < asked.end
    return asked.start < end and asked.end > start


def _todo(found: Occurrence, asked: Range, occurrences: Occurrences) -> bool:
    start = None if found.start is None else occurrences.seconds(found.start)
    end = None if found.end is None else occurrences.seconds(found.end)
    if start is not None and end is not None:
        if found.component.get("DUE") is None:
            return asked.start <= end and (asked.end > start or asked.end >= end)
        return (asked.start < end or asked.start <= start) and (asked.end > start or asked.end >= end)
    if start is not None:
        return asked.start <= start < asked.end
    if end is not None:
        return asked.start < end <= asked.end
    completed, created = (occurrences.moment(found.component, name) for name in ("COMPLETED", "CREATED"))
    told = [occurrences.seconds(each) for each in (created, completed) if each is not None]
    if completed is not None:
        return any(asked.start <= each for each in told) and any(asked.end >= each for each in told)
    return created is None or asked.end > told[0]


def _journal(found: Occurrence, asked: Range, occurrences: Occurrences) -> bool:
    if found.start is None:
        return False
    start = occurrences.seconds(found.start)
    if found.start.is_date:
        return asked.start < occurrences.seconds(found.start.later(Duration(days=1))) and asked.end > start
    return asked.start <= start < asked.end


def _busy(found: Occurrence, asked: Range, occurrences: Occurrences) -> bool:
    if found.start is not None and found.end is not None:
        return asked.start <= occurrences.seconds(found.end) and asked.end > occurrences.seconds(found.start)
    return any(asked.start < end and asked.end > start for start, end, _ in busy_periods(found.component, occurrences))


def busy_periods(component: Component, occurrences: Occurrences) -> Iterator[tuple[int, int, str]]:
    """Start, end and type of the FREEBUSY periods of a VFREEBUSY."""
    for line in component.named("FREEBUSY"):
        for start, length in times.several(line, occurrences.zones):
            end = start.later(length) if isinstance(length, Duration) else length
            if end is not None:
                yield occurrences.seconds(start), occurrences.seconds(end), line.first("FBTYPE").upper() or "BUSY"
