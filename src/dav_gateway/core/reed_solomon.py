"""A Reed-Solomon check over GF(32): two symbols that find any one mistyped symbol, and tell two apart from none.

Symbols are the integers 0..31. A word of n symbols (n <= 31) is the polynomial whose first symbol is the coefficient of
x^(n-1); it is intact when the polynomial is zero at 1 and at a, the root of x^5 + x^2 + 1 that generates the field.
Reed and Solomon, "Polynomial Codes over Certain Finite Fields", 1960: distance 3, so one error has one possible place,
and two errors never pass (but may look like one error elsewhere).
"""

from collections.abc import Sequence
from dataclasses import dataclass

FIELD = 32
LONGEST = FIELD - 1
CHECKS = 2

_MODULUS = 0b100101  # x^5 + x^2 + 1, primitive over GF(2)


def _powers() -> tuple[int, ...]:
    powers, element = [], 1
    for _ in range(LONGEST):
        powers.append(element)
        element <<= 1
        if element & FIELD:
            element ^= _MODULUS
    return tuple(powers)


_POWER = _powers()
_LOG = {element: exponent for exponent, element in enumerate(_POWER)}


@dataclass(frozen=True, slots=True)
class Fault:
    """The word was changed. `position` is the symbol that alone would explain it, None when no single one can."""

    position: int | None


def check_symbols(data: Sequence[int]) -> tuple[int, int]:
    """The two symbols that make `data` an intact word when they are appended (ValueError: longer than 29 symbols)."""
    if len(data) + CHECKS > LONGEST:
        raise ValueError(f"at most {LONGEST - CHECKS} symbols can be checked")
    at_one, at_a = _syndromes([*data, 0, 0])
    # Solve  p + q = at_one,  p a + q = at_a  for the last two coefficients.
    first = _divide(at_one ^ at_a, _POWER[1] ^ 1)
    return first, at_one ^ first


def fault(word: Sequence[int]) -> Fault | None:
    """None when `word` (data and its check symbols) is intact, else what is known about the error."""
    at_one, at_a = _syndromes(word)
    if at_one == 0 and at_a == 0:
        return None
    if at_one == 0 or at_a == 0:
        return Fault(None)
    exponent = (_LOG[at_a] - _LOG[at_one]) % LONGEST
    position = len(word) - 1 - exponent
    return Fault(position if position >= 0 else None)


def _syndromes(word: Sequence[int]) -> tuple[int, int]:
    at_one = at_a = 0
    for exponent, symbol in enumerate(reversed(word)):
        at_one ^= symbol
        if symbol:
            at_a ^= _POWER[(_LOG[symbol] + exponent) % LONGEST]
    return at_one, at_a


def _divide(dividend: int, divisor: int) -> int:
    return _POWER[(_LOG[dividend] - _LOG[divisor]) % LONGEST] if dividend else 0
