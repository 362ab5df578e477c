"""The time that an occurrence takes, so that it overlaps a time range when this does: the tables of RFC 4791 section
9.9, one for each component type.

Every row of the tables is turned into a stretch of whole seconds, from `first` to `last`, of which the table says
`start < last and end > first`; "start <= x" is "start < x + 1".
"""

from collections.abc import Iterator
from datetime import UTC
from typing import NamedTuple

from dav_gateway.dav.query import times
from dav_gateway.dav.query.occurrences import EARLIEST, LATEST, Occurrence, Occurrences, Range
from dav_gateway.dav.query.times import Duration, When
from dav_gateway.dav.query.tree import Component

SPAN, INSTANT, LASTING, WORK, TASK, DUE, BUSY, TOLD, SINCE, ALWAYS = (
    "span", "instant", "lasting", "work", "task", "due", "busy", "told", "since", "always",
)  # fmt: skip


class Span(NamedTuple):
    """Two moments, and the row of the tables (`form`) that says what time they stand for."""

    form: str
    start: When
    end: When


def bounds(form: str, start: int, end: int) -> tuple[int, int]:
    """First and last second of a form whose moments are these, in seconds since 1970 UTC."""
    match form:
        case "instant":
            return start, start + 1
        case "lasting":
            return start, end if end != start else start + 1
        case "work":
            return min(start, end - 1), end + 1
        case "task":
            return min(start, end - 1), max(end, start + 1)
        case "due":
            return end - 1, end
        case "busy":
            return start, end + 1
        case "told":
            return min(start, end) - 1, max(start, end) + 1
        case "since":
            return start, LATEST + 1
        case "always":
            return EARLIEST - 1, LATEST + 1
        case _:
            return start, end


def meets(found: Occurrence, asked: Range, occurrences: Occurrences) -> bool:
    """Whether the occurrence, one of `occurrences`, overlaps the range. Raises ValueError."""
    for span in spans(found, occurrences):
        first, last = bounds(span.form, occurrences.seconds(span.start), occurrences.seconds(span.end))
        if asked.start < last and asked.end > first:
            return True
    return False


def spans(found: Occurrence, occurrences: Occurrences) -> Iterator[Span]:
    """The times that an occurrence, one of `occurrences`, takes; none when it meets no range. Raises ValueError."""
    match found.component.name:
        case "VEVENT":
            yield from _event(found)
        case "VTODO":
            yield _todo(found, occurrences)
        case "VJOURNAL":
            if found.start is not None:
                yield _day(found.start) if found.start.is_date else Span(INSTANT, found.start, found.start)
        case _:
            yield from _busy(found, occurrences)


def _event(found: Occurrence) -> Iterator[Span]:
    if found.start is None:
        return
    if found.end is None:
        yield _day(found.start) if found.start.is_date else Span(INSTANT, found.start, found.start)
    else:
        yield Span(LASTING if found.component.get("DTEND") is None else SPAN, found.start, found.end)


def _day(start: When) -> Span:
    return Span(SPAN, start, start.later(Duration(days=1)))


def _todo(found: Occurrence, occurrences: Occurrences) -> Span:
    start, end = found.start, found.end
    if start is not None and end is not None:
        return Span(WORK if found.component.get("DUE") is None else TASK, start, end)
    if start is not None:
        return Span(INSTANT, start, start)
    if end is not None:
        return Span(DUE, end, end)
    completed, created = (occurrences.moment(found.component, name) for name in ("COMPLETED", "CREATED"))
    if completed is not None:
        told = sorted((each for each in (created, completed) if each is not None), key=occurrences.seconds)
        return Span(TOLD, told[0], told[-1])
    if created is not None:
        return Span(SINCE, created, created)
    return Span(ALWAYS, _ANY, _ANY)


_ANY = When(times.EPOCH, UTC)


def _busy(found: Occurrence, occurrences: Occurrences) -> Iterator[Span]:
    if found.start is not None and found.end is not None:
        yield Span(BUSY, found.start, found.end)
        return
    for start, end, _ in _periods(found.component, occurrences):
        yield Span(SPAN, start, end)


def busy_periods(component: Component, occurrences: Occurrences) -> Iterator[tuple[int, int, str]]:
    """Start, end and type of the FREEBUSY periods of a VFREEBUSY."""
    for start, end, kind in _periods(component, occurrences):
        yield occurrences.seconds(start), occurrences.seconds(end), kind


def _periods(component: Component, occurrences: Occurrences) -> Iterator[tuple[When, When, str]]:
    for line in component.named("FREEBUSY"):
        for start, length in times.several(line, occurrences.zones):
            end = start.later(length) if isinstance(length, Duration) else length
            if end is not None:
                yield start, end, line.first("FBTYPE").upper() or "BUSY"
