"""vobject, asked for what `ordinary` leaves to it, with what Radicale mends before and without what either cannot bear.

Radicale 3.9.0 mends the whole text with regular expressions that need the square of its length: 100 kB of `TZID=` kept
an interpreter for 7 s, with all its threads. vobject 0.9.9 takes a line apart with one that needs two to the power of
its commas where the line is none: 22 of them are 3 s, 40 are a week. So mending is done here, line by line, and vobject
sees no line that its expression would refuse.
"""

import re
from collections.abc import Iterator
from typing import Any

import vobject
from vobject import icalendar

_NAME = "[A-Za-z0-9_-]++"
_HEAD = re.compile(
    rf'(?:{_NAME}\.)?+{_NAME}(?:;(?!{_NAME}))?+(?:;{_NAME}(?:[=,](?:"[^"]*+"|[^";:,=]*+))*+)*+:',
)
"""What vobject takes for the beginning of a line (its `base.patterns['line']`), each character looked at once."""
_CHARSETS = re.compile(r';CHARSET="?([^;:,"]*)', re.IGNORECASE)
_CHARSET = re.compile(
    r"utf-?8|(?:us-)?ascii|iso-?8859-\d{1,2}|latin-?1|(?:windows|cp)-?125\d|koi8-[ru]|gb(?:2312|k|18030)|big5"
    r"|euc-(?:jp|kr)|shift_jis|iso-2022-jp",
    re.IGNORECASE,
)
MOST_ZONES = 700
"""That vobject remembers; the IANA database has 600 names."""
_ZONES: dict[str, Any] = vars(icalendar)["__tzidMap"]
_FIRST_ZONES = dict(_ZONES)
_DATA_URI = re.compile(r"data:[^;,]*+;base64,", re.IGNORECASE)


def read(lines: list[str]) -> list[Any]:
    """The components that unfolded lines hold. Raises ValueError, and whatever vobject and dateutil happen to raise."""
    _check(lines)
    if len(_ZONES) > MOST_ZONES:
        # Every time zone that was ever read stays there. An object that is read just now may lose its own, and its
        # times become floating ones: nothing that is looked at here.
        _ZONES.clear()
        _ZONES.update(_FIRST_ZONES)
    return list(vobject.readComponents("\r\n".join([*_mended(lines), ""]), allowQP=True))


def _check(lines: list[str]) -> None:
    joins_next = is_quoted_printable = False
    for line in lines:
        if not joins_next and line[0] not in " \t":
            head = _HEAD.match(line)
            if head is None:
                raise ValueError(f"this is no content line: {line[:80]}")
            if "QUOTED-PRINTABLE" in head[0].upper() and not all(map(_CHARSET.fullmatch, _CHARSETS.findall(head[0]))):
                # vobject takes any codec of Python, and some need the square of the text.
                raise ValueError("the text is in a character set that is not known")
            is_quoted_printable = False
        # A line of quoted-printable text goes on in the next one (vCard 2.1), which then is of any form.
        ends_softly = line.endswith("=")
        is_quoted_printable = is_quoted_printable or (ends_softly and "quoted-printable" in line.lower())
        joins_next = is_quoted_printable and ends_softly


def _mended(lines: list[str]) -> Iterator[str]:
    """As `radicale.item.read_components`: no data URI in a photo (InfCloud), no space behind a TZID (Outlook)."""
    for line in lines:
        head, _, value = line.partition(":")
        if head[:6].upper() == "PHOTO;" and ";ENCODING=B;" in f"{head.upper()};":
            found = _DATA_URI.match(value)
            yield f"{head}:{value[found.end() :]}" if found else line
        elif "TZ" in line:
            yield _without_spaces(line)
        else:
            yield line


def _without_spaces(line: str) -> str:
    if _is_spaced(line, "TZID:") or _is_spaced(line, "TZNAME:"):
        line = line[:-1]
    *parts, last = line.split(":")
    return ":".join([*(part[:-1] if _is_spaced(part, "TZID=") else part for part in parts), last])


def _is_spaced(text: str, name: str) -> bool:
    """Whether something follows the name, and a space that."""
    return text.endswith(" ") and 0 <= text.find(name) < len(text) - len(name) - 1
