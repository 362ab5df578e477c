"""The text of an app password: made once, shown once, parsed on every request.

    k7mqx-3f9tb-x2wne-hd4r8-6pzay        25 symbols of Crockford's base32, five groups of five
    |-id-| |--- 18 secret symbols ---|cc

Group 1 is the public id (25 bits), then 90 secret bits, then a Reed-Solomon check of everything before it: a mistyped
text is told apart from a wrong one before any look-up, and its place is known. Nothing is ever corrected.
"""

import hmac
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, SupportsIndex

from dav_gateway.core import reed_solomon

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base32 in lower case: no i, l, o, u. One phone keyboard and its digits, no Shift."""

GROUP = 5
ID_LENGTH = 5
LENGTH = 25
_DRAWN = LENGTH - reed_solomon.CHECKS

_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
_READ_AS = str.maketrans({"i": "1", "l": "1", "o": "0", "-": None, " ": None})
_LONGEST_INPUT = 256


class AppPassword:
    """A well-formed app password. `reveal()` is the only way to its text: it does not print, pickle or serialise."""

    __slots__ = ("_symbols", "id")

    id: str
    """Group 1: public, unique, safe in logs, mails and support calls."""

    def __init__(self, symbols: str) -> None:
        self.id = symbols[:ID_LENGTH]
        self._symbols = symbols

    def reveal(self, separator: str = "-") -> str:
        """The text for the person; with an empty separator the canonical 25 symbols that a verifier covers."""
        return separator.join(self._symbols[start : start + GROUP] for start in range(0, LENGTH, GROUP))

    def __repr__(self) -> str:
        return f"AppPassword({self.id}-...)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AppPassword):
            return NotImplemented
        return hmac.compare_digest(self._symbols, other._symbols)

    __hash__ = None  # type: ignore[assignment]  # a secret is no key of a table

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("an app password cannot be serialised or copied")


@dataclass(frozen=True, slots=True)
class Mistyped:
    """A text that is no app password. It never holds the text itself.

    `id` is the public id it seems to name (None when group 1 itself is in doubt); `group` (1 to 5) is where the one
    wrong symbol probably is, None when there are several or the length is wrong.
    """

    id: str | None
    group: int | None
    why: str

    def __str__(self) -> str:
        return f"mistyped, probably in group {self.group}" if self.group else f"mistyped: {self.why}"


def make(choose: Callable[[int], bytes]) -> AppPassword:
    """A new app password from `choose(n)`, which returns n random bytes (raises what it raises)."""
    # 256 is a multiple of 32: the low five bits of a uniform byte are uniform.
    drawn = [byte % reed_solomon.FIELD for byte in choose(_DRAWN)]
    if len(drawn) != _DRAWN:
        raise ValueError("the source of randomness returned another number of bytes than it was asked for")
    return AppPassword("".join(ALPHABET[value] for value in (*drawn, *reed_solomon.check_symbols(drawn))))


def parse(text: str) -> AppPassword | Mistyped:
    """What a person typed: case, spaces and dashes do not matter, i and l read as 1, o as 0. Never raises."""
    if len(text) > _LONGEST_INPUT:
        return Mistyped(None, None, "too long")
    symbols = _canonical(text)
    foreign = [place for place, symbol in enumerate(symbols) if symbol not in _VALUE]
    named = symbols[:ID_LENGTH] if len(symbols) >= ID_LENGTH and not any(p < ID_LENGTH for p in foreign) else None
    if len(symbols) != LENGTH:
        return Mistyped(named, None, f"{len(symbols)} symbols instead of {LENGTH}")
    if foreign:
        return Mistyped(named, _group(foreign[0]), "a symbol that no app password has")
    fault = reed_solomon.fault([_VALUE[symbol] for symbol in symbols])
    if fault is None:
        return AppPassword(symbols)
    if fault.position is None:
        return Mistyped(named, None, "several symbols are wrong")
    group = _group(fault.position)
    return Mistyped(named if group > 1 else None, group, "one symbol is wrong")


def parse_id(text: str) -> str | None:
    """A public id as a person typed it, in its canonical form; None when it cannot be one."""
    symbols = _canonical(text[:_LONGEST_INPUT])
    return symbols if len(symbols) == ID_LENGTH and all(symbol in _VALUE for symbol in symbols) else None


def _canonical(text: str) -> str:
    symbols = text.lower().translate(_READ_AS)
    return symbols if symbols.isalnum() else "".join(symbol for symbol in symbols if not _is_ignored(symbol))


def _is_ignored(symbol: str) -> bool:
    """Spaces and dashes of every kind: phones turn "-" into typographic dashes, pages copy no-break spaces."""
    return symbol.isspace() or symbol == "\N{MINUS SIGN}" or unicodedata.category(symbol) == "Pd"


def _group(position: int) -> int:
    return position // GROUP + 1
