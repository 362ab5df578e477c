"""The secret part of a one-time link: 125 random bits, in the shape of an app password.

    https://dav.example.com/reset-password/k7mqx-3f9tb-x2wne-hd4r8-6pzay

The shape is chosen because logs blot it out wherever it stands (`server.request_log`), also in a path.
"""

import re
from collections.abc import Callable

from dav_gateway.core.secret import ALPHABET, GROUP, LENGTH

_TEXT = re.compile(f"[{ALPHABET}]{{{GROUP}}}(-[{ALPHABET}]{{{GROUP}}}){{{LENGTH // GROUP - 1}}}")


def make(choose: Callable[[int], bytes]) -> str:
    """A new text, from `choose(n)`, which returns n random bytes."""
    # 256 is a multiple of 32: the low five bits of a uniform byte are uniform.
    symbols = "".join(ALPHABET[byte % len(ALPHABET)] for byte in choose(LENGTH))
    return "-".join(symbols[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def is_one(text: str) -> bool:
    """Whether this could be the text of a link."""
    return _TEXT.fullmatch(text) is not None
