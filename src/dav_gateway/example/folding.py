"""How each client folds long lines. A server has to take all of these and give them back untouched.

RFC 5545 section 3.1 and RFC 6350 section 3.2 limit a line to 75 octets, let a fold stand anywhere, and warn that very
simple writers fold inside a UTF-8 character; libraries that count characters write longer lines than that.
"""

from dataclasses import dataclass
from enum import Enum, auto


class Unit(Enum):
    """What a writer counts, and so where it may cut."""

    OCTETS = auto()
    """75 octets, never inside a character."""
    CHARACTERS = auto()
    """Characters, so that lines of accented text are longer than the limit."""
    BLIND = auto()
    """Octets, also inside a character."""


@dataclass(frozen=True, slots=True)
class Style:
    """One client's way to fold; `limit` counts the continuation's blank as well."""

    unit: Unit
    limit: int = 75
    blank: str = " "


CAREFUL = Style(Unit.OCTETS)

STYLES = (
    ("DDay.iCal", Style(Unit.CHARACTERS)),  # CalDav Synchronizer's library works on .NET strings
    ("ical4j", Style(Unit.CHARACTERS, limit=73)),  # FoldingWriter.REDUCED_FOLD_LENGTH
    ("Microsoft Corporation", Style(Unit.OCTETS, blank="\t")),
    ("//Billetes", Style(Unit.BLIND)),
)
"""Text of a PRODID and the style of that writer; everybody else is careful."""


def style_of(text: str) -> Style:
    """The style of the client that wrote an object, by its PRODID."""
    product = next((line for line in text.splitlines() if line.startswith("PRODID:")), "")
    return next((style for marker, style in STYLES if marker in product), CAREFUL)


def fold(line: str, style: Style) -> bytes:
    """One content line as octets, folded where the style folds it, without the final CRLF."""
    pieces = [piece.encode() for piece in line] if style.unit is not Unit.BLIND else [bytes([b]) for b in line.encode()]
    blank = style.blank.encode()
    lines, current, room = [], b"", style.limit
    for piece in pieces:
        cost = 1 if style.unit is Unit.CHARACTERS else len(piece)
        if cost > room:
            lines.append(current)
            current, room = blank, style.limit - 1
        current += piece
        room -= cost
    return b"\r\n".join([*lines, current])
