"""A first look at iCalendar and vCard text before a parser does (RFC 5545 section 3.1, RFC 6350 section 3.2).

Counts and depths are bounded here because vobject needs 27 us a line and recurses by component.
"""

import binascii
from collections.abc import Container, Iterator

from dav_gateway.core import folding
from dav_gateway.core.folding import LONGEST_HEAD
from dav_gateway.core.octets import as_text
from dav_gateway.dav.invalid import InvalidObject

MAX_LINES = 20_000
MAX_DEPTH = 12

LONGEST_LINE = 128 * 1024
"""Characters of a line that a parser is given: regular expressions look at each, and nobody else runs meanwhile."""
_SHORT = frozenset(["UID", "RRULE", "EXRULE", "RDATE", "EXDATE", "FREEBUSY", "DTSTART", "DTEND", "DUE", "DURATION",
                    "RECURRENCE-ID", "TRIGGER"])  # fmt: skip
"""Lines that are read to their end."""
NO_BASE64 = "A"

_CONTROLS = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20)])
"""No text has these (RFC 5545 section 3.1, RFC 6350 section 3.3), and XML 1.0 could not carry them to a client that
asks by a report."""


def unfolded(octets: bytes, condition: str) -> list[str]:
    """The content lines, unfolded, empty ones left out; of values that no rule looks into, only as much as a parser is
    given. Raises InvalidObject with `condition`."""
    if octets.count(b"\n") > MAX_LINES or octets.count(b"\r") > MAX_LINES:
        raise InvalidObject(condition, f"The body has more than {MAX_LINES} lines.")
    try:
        text = folding.unfolded(as_text(octets))
    except UnicodeDecodeError as error:
        raise InvalidObject(condition, f"The body is not UTF-8 text (octet {error.start}).") from error
    if len(octets.translate(None, _CONTROLS)) != len(octets):
        found = next(each for each in _CONTROLS if each in octets)
        raise InvalidObject(condition, f"The body contains a control character ({found:#04x}).")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = [_shortened(line, condition) for line in text.split("\n") if line and not line.isspace()]
    _check_nesting(lines, condition)
    return lines


def _shortened(line: str, condition: str) -> str:
    """A line as a parser is given it: of long text only the beginning, of long data only whether it can be decoded."""
    if len(line) <= LONGEST_LINE:
        return line
    head = folding.head_of(line)
    if head is None:
        raise InvalidObject(condition, f"The name and parameters of a line have at most {LONGEST_HEAD} characters.")
    name = folding.name_of(head)
    if name in _SHORT:
        refused = "C:max-instances" if name in ("RDATE", "EXDATE") else condition
        raise InvalidObject(refused, f"A line of {name} has at most {LONGEST_LINE} characters.")
    if "ENCODING" in head.upper().partition(";")[2]:
        return f"{head}:{'' if _is_base64(line[len(head) + 1 :]) else NO_BASE64}"
    return line[:LONGEST_LINE].rstrip("\\=")


def _is_base64(value: str) -> bool:
    if value.startswith("data:"):  # InfCloud writes so; Radicale takes it away
        value = value.partition(",")[2]
    try:
        binascii.a2b_base64(value.encode())
    except binascii.Error:
        return False
    return True


def _check_nesting(lines: list[str], condition: str) -> None:
    open_components: list[str] = []
    for line in lines:
        if line.startswith((" ", "\t")):
            raise InvalidObject(condition, "A line begins with a space that is no fold.")
        name, value = _split(line)
        match name:
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


def _split(line: str) -> tuple[str, str]:
    """Name and value as all who read the line later have them (`query.tree`): the name in upper case, without a group.

    What is read differently here is not checked.
    """
    head, value = folding.parted(line)
    return folding.name_of(head), value


def properties(lines: list[str], names: Container[str]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Each property of these names as (names of the components around it, name, value), in order; END too."""
    around: list[str] = []
    for line in lines:
        key, value = _split(line)
        if key in names:
            yield tuple(around), key, value
        if key == "BEGIN":
            around.append(value.strip().upper())
        elif key == "END":
            around.pop()
