"""When the alarms of an occurrence go off (RFC 5545 section 3.8.6.3, RFC 4791 section 9.9)."""

from dav_gateway.dav.query import times
from dav_gateway.dav.query.occurrences import Occurrence, Occurrences, Range
from dav_gateway.dav.query.tree import Component
from dav_gateway.dav.query.zones import Zones

LONGEST = 366 * times.DAY


def reach(alarm: Component) -> int:
    """How far from its occurrence the alarm can go off, in seconds."""
    trigger = alarm.get("TRIGGER")
    if trigger is None or is_absolute(alarm):
        return 0
    repeats, pause = _repetition(alarm)
    return min(LONGEST, abs(times.duration(trigger.value).total) + repeats * pause + times.DAY)


def meets(alarm: Component, found: Occurrence, occurrences: Occurrences, zones: Zones, asked: Range) -> bool:
    """Whether the alarm of this occurrence goes off inside the range, at first or when it is repeated."""
    trigger = alarm.get("TRIGGER")
    if trigger is None:
        return False
    if is_absolute(alarm):
        first = occurrences.seconds(times.of(trigger, zones))
    else:
        anchor = found.end if trigger.first("RELATED").upper() == "END" else found.start
        anchor = anchor or found.start or found.end
        if anchor is None:
            return False
        first = occurrences.seconds(anchor.later(times.duration(trigger.value)))
    repeats, pause = _repetition(alarm)
    if first >= asked.start or not pause:
        return asked.start <= first < asked.end
    missed = -(-(asked.start - first) // pause)
    return missed <= repeats and first + missed * pause < asked.end


def is_absolute(alarm: Component) -> bool:
    """Whether it goes off at a moment of its own, whatever the occurrence."""
    trigger = alarm.get("TRIGGER")
    return trigger is not None and "P" not in trigger.value.upper()


def _repetition(alarm: Component) -> tuple[int, int]:
    repeat, pause = alarm.get("REPEAT"), alarm.get("DURATION")
    if repeat is None or pause is None or not repeat.value.strip().isdigit():
        return 0, 0
    return int(repeat.value.strip()[:6]), max(0, times.duration(pause.value).total)
