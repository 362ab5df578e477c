"""Recovery codes: ten texts for the day on which the phone is gone, shown once, each good for one sign-in.

    k7mq-x3f9-tbx2        12 symbols of Crockford's base32, 60 random bits

As with app passwords, case, spaces and dashes do not matter, i and l read as 1, o as 0.
"""

import unicodedata
from collections.abc import Callable

from dav_gateway.core.secret import ALPHABET

COUNT = 10
LENGTH = 12
GROUP = 4

_READ_AS = str.maketrans({"i": "1", "l": "1", "o": "0"})
_LONGEST_INPUT = 64


def make(choose: Callable[[int], bytes]) -> str:
    """A new code in its canonical form, from `choose(n)`, which returns n random bytes."""
    # 256 is a multiple of 32: the low five bits of a uniform byte are uniform.
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in choose(LENGTH))


def shown(code: str) -> str:
    """A canonical code as the person sees it."""
    return "-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def parse(typed: str) -> str | None:
    """The canonical form of what a person typed; None when it cannot be a recovery code."""
    if len(typed) > _LONGEST_INPUT:
        return None
    kept = (each for each in typed.lower() if not each.isspace() and unicodedata.category(each) != "Pd")
    code = "".join(kept).translate(_READ_AS)
    return code if len(code) == LENGTH and all(symbol in ALPHABET for symbol in code) else None
