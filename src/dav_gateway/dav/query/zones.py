"""Time zones of stored objects: by their name where it is one that everybody knows, else as the object defines them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from io import StringIO
from itertools import takewhile
from zoneinfo import ZoneInfo, available_timezones

from dateutil.tz import tzical

from dav_gateway.dav import content_lines, recurrence
from dav_gateway.dav.content_lines import LONGEST_LINE
from dav_gateway.dav.invalid import InvalidObject
from dav_gateway.dav.query.tree import Component, parse

LONGEST_NAME = 256
"""Characters of a TZID that may name a zone of the Olson database."""
_USED = ("DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE")


class _Floating(tzinfo):
    """Stands for the zone of floating times while nobody has said which it is."""

    def utcoffset(self, dt: datetime | None) -> timedelta:  # noqa: ARG002 - tzinfo's
        return timedelta()

    def dst(self, dt: datetime | None) -> None:  # noqa: ARG002
        return None

    def tzname(self, dt: datetime | None) -> str:  # noqa: ARG002
        return "floating"


FLOATING = _Floating()


class Defined(tzinfo):
    """A zone that an object defines, as dateutil reads it, with its changes in a list until `recurrence.FAR_FUTURE` and
    none after that year. dateutil walks over all changes for every moment, up to that one, be it in the year 9999."""

    def __init__(self, zone: tzinfo) -> None:
        """Raises what dateutil does for rules that it does not read."""
        parts = vars(zone)["_comps"]
        # Of changes at one moment the first that is defined counts.
        found = sorted(
            ((when, -place) for place, part in enumerate(parts) if part.rrule for when in _until_far(part.rrule))
        )
        self._changes = [when for when, _ in found]
        self._offsets: list[timedelta] = [parts[-place].tzoffsetto for _, place in found]
        before = next((each for each in parts if not each.isdst), parts[0])
        self._before: timedelta = before.tzoffsetto if len(parts) > 1 else parts[0].tzoffsetto

    def utcoffset(self, dt: datetime | None) -> timedelta:
        assert dt is not None, "a moment is asked about"
        at = bisect_right(self._changes, dt.replace(tzinfo=None)) - 1
        return self._before if at < 0 else self._offsets[at]

    def fromutc(self, dt: datetime) -> datetime:
        return dt + self.utcoffset(dt + self.utcoffset(dt))

    def dst(self, dt: datetime | None) -> None:  # noqa: ARG002 - tzinfo's
        return None

    def tzname(self, dt: datetime | None) -> str:  # noqa: ARG002
        return "defined"


def _until_far(rule: Iterable[datetime]) -> Iterator[datetime]:
    return takewhile(lambda when: when.year < recurrence.FAR_FUTURE, rule)


class Zones:
    """The zones that the TZIDs of one object mean; `floating` is for times and dates without any."""

    def __init__(self, calendar: Component, floating: tzinfo) -> None:
        self.floating = floating
        self._defined = {_tzid(each): each for each in calendar.inside("VTIMEZONE")}
        self._found: dict[str, tzinfo] = {}

    def named(self, tzid: str) -> tzinfo:
        """The zone of a TZID. One that nobody knows means the zone of floating times."""
        if tzid not in self._found:
            self._found[tzid] = by_name(tzid) or self._own(tzid) or self.floating
        return self._found[tzid]

    def written(self, zone: tzinfo | None) -> str | None:
        """A zone of this object as `read` reads it; None for floating times. Raises LookupError for one whose TZID
        nobody knows."""
        if zone is None:
            return None
        if zone is UTC:
            return "UTC"
        if isinstance(zone, ZoneInfo):
            return zone.key
        [tzid] = [tzid for tzid, found in self._found.items() if found is zone][:1] or [""]
        definition = self._defined.get(tzid)
        if zone is FLOATING or definition is None:
            raise LookupError("the zone is not known")
        return _needed(definition)

    def _own(self, tzid: str) -> tzinfo | None:
        definition = self._defined.get(tzid)
        return None if definition is None else _made(_needed(definition))


@lru_cache(maxsize=1)
def _known() -> Mapping[str, str]:
    return {name.lower(): name for name in available_timezones()}


def by_name(tzid: str) -> tzinfo | None:
    """The zone of the Olson database that a TZID names; programs put a path of their own before it
    (`/freeassociation.sourceforge.net/Europe/Madrid`)."""
    return _by_name(tzid) if len(tzid) <= LONGEST_NAME else None


@lru_cache(maxsize=1024)
def _by_name(tzid: str) -> tzinfo | None:
    parts = [part for part in tzid.strip().split("/") if part]
    for first in range(len(parts)):
        name = _known().get("/".join(parts[first:]).lower())
        if name is not None:
            return UTC if name == "UTC" else ZoneInfo(name)
        if first == 0 and not tzid.startswith("/"):
            break
    return None


def read(written: str | None, floating: tzinfo) -> tzinfo:
    """The zone that `Zones.written` wrote. Raises LookupError for one that is not known any more."""
    if written is None:
        return floating
    zone = _made(written) if written.startswith("BEGIN:") else by_name(written)
    if zone is None:
        raise LookupError("the zone is not known")
    return zone


def of_calendar(text: str) -> tzinfo | None:
    """What an iCalendar object with one VTIMEZONE and nothing else defines (RFC 4791 section 5.2.2), or None; its rules
    are bounded as those of objects that are stored."""
    return _of_calendar(text) if len(text) <= LONGEST_LINE else None


@lru_cache(maxsize=64)
def _of_calendar(text: str) -> tzinfo | None:
    try:
        recurrence.check(content_lines.unfolded(text.encode(), "C:valid-calendar-data"))
        calendar = parse(text)
    except (ValueError, InvalidObject):
        return None
    if [each.name for each in calendar.components] != ["VTIMEZONE"]:
        return None
    return Zones(calendar, UTC).named(_tzid(calendar.components[0]))


def _tzid(definition: Component) -> str:
    line = definition.get("TZID")
    return line.value.strip() if line else ""


def _needed(definition: Component) -> str:
    """A VTIMEZONE with what dateutil reads and nothing that it stumbles over."""
    parts = ["BEGIN:VTIMEZONE", "TZID:X"]
    for each in definition.components:
        if each.name in ("STANDARD", "DAYLIGHT"):
            parts.append(f"BEGIN:{each.name}")
            parts += [f"{line.name}:{line.value.strip()}" for line in each.lines if line.name in _USED]
            parts.append(f"END:{each.name}")
    return "\r\n".join([*parts, "END:VTIMEZONE", ""])


def _made(text: str) -> tzinfo | None:
    return _made_of(text) if len(text) <= LONGEST_LINE else None


@lru_cache(maxsize=256)
def _made_of(text: str) -> tzinfo | None:
    try:
        found = tzical(StringIO(text)).get()
        return None if found is None else Defined(found)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError):
        return None
