"""Objects written the way that nearly all programs write them, read in a fraction of the time that vobject takes.

vobject decides what may be stored. What is read here is a part of what it reads, to the same values; everything that
is not certain to be (another component, an odd parameter, a date in another form) is left to it. Which lines of a
component it takes apart is asked of its own tables, so another version of it is followed, or left alone.
"""

import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from vobject import icalendar, vcard
from vobject.base import getBehavior

from dav_gateway.dav import vobject_reader

_VALUE = r"[^\x00-\x08\x0a-\x1f]*+"
_PARAMETER_VALUE = r'(?:"[^"\x00-\x1f]++"|[^";:,\x00-\x1f]++)'
_LINE = re.compile(
    rf"(?:[A-Za-z0-9-]++\.)?+([A-Za-z0-9-]++)((?:;[A-Za-z0-9-]++={_PARAMETER_VALUE}(?:,{_PARAMETER_VALUE})*+)*+):({_VALUE})"
)
_PARAMETER = re.compile(r';([^=]++)=("[^"]*+"|[^";,]*+)(?:,(?:"[^"]*+"|[^";,]*+))*+')
_DATE = re.compile(r"\d{8}", re.ASCII)
_MOMENT = re.compile(r"\d{8}T\d{6}Z?", re.ASCII)
_DURATION = re.compile(
    r"([+-]?)P(?=\d|T\d)(?:(\d{1,4})W|(?:(\d{1,5})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?)",
    re.ASCII,
)
_BASE64 = re.compile(r";ENCODING=(?:B|BASE64)", re.IGNORECASE)
EARLIEST, LATEST = "1000", "9999"
"""Years that do not overflow in any time zone."""

LONGEST_ZONE = 4096
"""Characters of a VTIMEZONE that is remembered."""

_COMPONENTS: Mapping[str, type[Any]] = {
    "VCALENDAR": icalendar.VCalendar2_0,
    "VEVENT": icalendar.VEvent,
    "VTODO": icalendar.VTodo,
    "VJOURNAL": icalendar.VJournal,
    "VALARM": icalendar.VAlarm,
    "VCARD": vcard.VCard3_0,
}
_INSIDE = {"VCALENDAR": ("VEVENT", "VTODO", "VJOURNAL"), "VEVENT": ("VALARM",), "VTODO": ("VALARM",)}
_VERSIONS = {"VCALENDAR": ("2.0",), "VCARD": ("3.0", "4.0")}
_LOOKED_AT = {"UID", "FN", "VERSION", "METHOD", "N", "ORG", "RRULE", "RDATE", "DTSTART", "DTEND", "DUE", "DURATION",
              "RECURRENCE-ID"}  # fmt: skip
"""Lines that are asked for later, also where they are mere text because vobject does not expect them there."""


class Line(NamedTuple):
    """One line as vobject has it: text, or what a date, some dates or a duration became (times without their zone)."""

    value: Any


class Component:
    """One component with the lines that are asked for, by the names in lower case, as vobject has it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.contents: dict[str, list[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.contents[name][0]
        except KeyError:
            raise AttributeError(name) from None

    def components(self) -> Iterator["Component"]:
        """The components directly in this one."""
        return (each for found in self.contents.values() for each in found if isinstance(each, Component))


class _Unusual(Exception):
    """vobject may decide otherwise."""


def read(lines: list[str]) -> Component | None:
    """The one object that unfolded lines with balanced BEGIN and END hold; None when vobject is to be asked."""
    try:
        return _read(lines)
    except (_Unusual, ValueError, OverflowError):
        return None


def _read(lines: list[str]) -> Component:
    open_components: list[Component] = []
    number, last = 0, len(lines) - 1
    while number <= last:
        line = lines[number]
        found = _LINE.fullmatch(line)
        if found is None or (line[-1] == "=" and "quoted-printable" in line.lower()):
            raise _Unusual
        name, parameters, value = found[1].upper(), found[2], found[3]
        if name == "BEGIN":
            if line.upper() == "BEGIN:VTIMEZONE" and len(open_components) == 1:
                number = _after_zone(lines, number)
                continue
            _begin(open_components, line)
        elif name == "END":
            closed = open_components.pop()
            if line.upper() != f"END:{closed.name}" or (not open_components and number != last):
                raise _Unusual
            if not open_components:
                return _versioned(closed)
        else:
            _add(open_components[-1], name, parameters, value)
        number += 1
    raise _Unusual


def _begin(open_components: list[Component], line: str) -> None:
    component = Component(line[6:].upper())
    if open_components:
        around = open_components[-1]
        if component.name not in _INSIDE.get(around.name, ()):
            raise _Unusual
        around.contents.setdefault(component.name.lower(), []).append(component)
    elif component.name not in _VERSIONS:
        raise _Unusual
    open_components.append(component)


def _versioned(component: Component) -> Component:
    if not component.contents.get("version") or component.version.value not in _VERSIONS[component.name]:
        raise _Unusual
    return component


def _add(component: Component, name: str, parameters: str, value: str) -> None:
    take_apart = _readers(component.name).get(name, _text_of_card if component.name == "VCARD" else _text)
    kept: Any = take_apart(name, parameters, value)
    if kept is not None:
        component.contents.setdefault(name.lower(), []).append(Line(kept))


Reader = Callable[[str, str, str], Any]


@lru_cache(maxsize=16)
def _readers(component: str) -> Mapping[str, Reader]:
    """How the lines are read that vobject knows in a component; all others are text."""
    return {name: _reader(getBehavior(name)) for name in _COMPONENTS[component].knownChildren}


def _reader(behavior: Any) -> Reader:
    natives: Mapping[Any, Reader] = {
        icalendar.DateOrDateTimeBehavior: _when,
        icalendar.UTCDateTimeBehavior: _stamp,
        icalendar.MultiDateBehavior: _several,
        icalendar.Duration: _duration,
        icalendar.Trigger: _trigger,
        vcard.NameBehavior: _text,
        vcard.AddressBehavior: _text,
        vcard.OrgBehavior: _text,
    }
    if behavior is None or not behavior.hasNative:
        is_text_of_card = behavior is not None and issubclass(behavior, vcard.VCardTextBehavior)
        return _text_of_card if is_text_of_card else _text
    return natives.get(behavior, _unknown)


def _unknown(name: str, parameters: str, value: str) -> None:  # noqa: ARG001 - a Reader
    raise _Unusual


def _text(name: str, parameters: str, value: str) -> str | None:
    if name == "PROFILE" or (parameters and "ENCODING" in parameters.upper()):
        raise _Unusual
    if name not in _LOOKED_AT:
        return None
    if "TZID" in value:  # Radicale takes a space away behind TZID=..., wherever it stands
        raise _Unusual
    if name in ("UID", "FN"):
        return value.partition(",")[0] if "\\" not in value else str(icalendar.stringToTextValues(value)[0])
    return value


def _text_of_card(name: str, parameters: str, value: str) -> str | None:
    if not (parameters and "ENCODING" in parameters.upper()):
        return _text(name, parameters, value)
    found = [f";{key}={one}" for key, one in _PARAMETER.findall(parameters) if "ENCODING" in key.upper()]
    if len(found) != 1 or not _BASE64.fullmatch(found[0]) or name in _LOOKED_AT or value.startswith("data:"):
        raise _Unusual
    binascii.a2b_base64(value.encode())
    return None


def _when(name: str, parameters: str, value: str) -> date | datetime:  # noqa: ARG001 - a Reader
    kind = _kind(parameters, "DATE-TIME")
    if kind == "DATE":
        return _date(value)
    return _moment(value, kind)


def _stamp(name: str, parameters: str, value: str) -> None:  # noqa: ARG001 - a Reader
    _moment(value, _kind(parameters, "DATE-TIME"))


def _several(name: str, parameters: str, value: str) -> list[date | datetime]:  # noqa: ARG001 - a Reader
    kind = _kind(parameters, "DATE-TIME")
    return [_date(each) if kind == "DATE" else _moment(each, kind) for each in value.split(",")]


def _duration(name: str, parameters: str, value: str) -> timedelta:  # noqa: ARG001 - a Reader
    _kind(parameters, "DURATION")
    found = _DURATION.fullmatch(value)
    if found is None:
        raise _Unusual
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in found.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == "-" else length


def _trigger(name: str, parameters: str, value: str) -> None:
    kind = _kind(parameters, "DURATION")
    if kind == "DURATION":
        _duration(name, parameters, value)
    else:
        _moment(value, kind)


def _kind(parameters: str, otherwise: str) -> str:
    """VALUE in upper case."""
    if not parameters:
        return otherwise
    if "ENCODING" in parameters.upper():
        raise _Unusual
    kinds = [one.strip('"').upper() for key, one in _PARAMETER.findall(parameters) if key.upper() == "VALUE"]
    return kinds[0] if kinds else otherwise


def _date(value: str) -> date:
    if _DATE.fullmatch(value) is None or not EARLIEST <= value[:4] < LATEST:
        raise _Unusual
    return date.fromisoformat(value)


def _moment(value: str, kind: str) -> datetime:
    if kind != "DATE-TIME" or _MOMENT.fullmatch(value) is None or not EARLIEST <= value[:4] < LATEST:
        raise _Unusual
    return datetime.fromisoformat(value[:15])


def _after_zone(lines: list[str], begin: int) -> int:
    """The number of the line behind a VTIMEZONE that vobject reads; programs send the same few again and again."""
    end = begin
    while lines[end].upper() != "END:VTIMEZONE":
        end += 1
        if end == len(lines):
            raise _Unusual
    zone = "\r\n".join(lines[begin : end + 1])
    if len(zone) > LONGEST_ZONE or "quoted-printable" in zone.lower():
        raise _Unusual
    _check_zone(zone)
    return end + 1


@lru_cache(maxsize=256)
def _check_zone(zone: str) -> None:
    """Raises _Unusual, which is not remembered."""
    try:
        found = vobject_reader.read(["BEGIN:VCALENDAR", "VERSION:2.0", *zone.split("\r\n"), "END:VCALENDAR"])
    except Exception as error:
        # vobject raises whatever its regular expressions and dateutil happen to raise.
        raise _Unusual from error
    if len(found) != 1:
        raise _Unusual
