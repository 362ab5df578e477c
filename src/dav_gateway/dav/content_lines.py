"""A first look at iCalendar and vCard text before a parser does (RFC 5545 section 3.1, RFC 6350 section 3.2).

Counts and depths are bounded here because vobject needs 27 us a line and recurses by component.
"""

import re
from collections.abc import Container, Iterator

from dav_gateway.core.octets import as_text
from dav_gateway.dav.invalid import InvalidObject

MAX_LINES = 20_000
MAX_DEPTH = 12

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"\r?\n|\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""No text has these (RFC 5545 section 3.1, RFC 6350 section 3.3), and XML 1.0 could not carry them to a client that
asks by a report."""


def unfolded(octets: bytes, condition: str) -> list[str]:
    """The content lines, unfolded, empty ones left out. Raises InvalidObject with `condition`."""
    try:
        text = _FOLD.sub("", as_text(octets))
    except UnicodeDecodeError as error:
        raise InvalidObject(condition, f"The body is not UTF-8 text (octet {error.start}).") from error
    if octets.count(b"\n") > MAX_LINES:
        raise InvalidObject(condition, f"The body has more than {MAX_LINES} lines.")
    control = _CONTROL.search(text)
    if control is not None:
        raise InvalidObject(condition, f"The body contains a control character ({ord(control[0]):#04x}).")
    lines = [line for line in _LINE.split(text) if line.strip()]
    _check_nesting(lines, condition)
    return lines


def _check_nesting(lines: list[str], condition: str) -> None:
    open_components: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        match name.upper():
            case "BEGIN":
                open_components.append(value.strip().upper())
                if len(open_components) > MAX_DEPTH:
                    raise InvalidObject(condition, f"Components nest deeper than {MAX_DEPTH}.")
            case "END":
                if not open_components or open_components.pop() != value.strip().upper():
                    raise InvalidObject(condition, f"END:{value.strip()[:40]} does not close the open component.")
            case _:
                if not open_components:
                    raise InvalidObject(condition, "There is text outside BEGIN and END.")
    if open_components:
        raise InvalidObject(condition, f"BEGIN:{open_components[-1][:40]} is never closed.")


def properties(lines: list[str], names: Container[str]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Each property of these names as (names of the components around it, name, value), in order."""
    around: list[str] = []
    for line in lines:
        head, _, value = line.partition(":")
        key = head.partition(";")[0].upper()
        if key == "BEGIN":
            around.append(value.strip().upper())
        elif key == "END":
            around.pop()
        elif key in names:
            yield tuple(around), key, value
