"""One-time secrets: the texts in links and polls that work once or for minutes. Only their digests are stored.

Each has 256 random bits, so a plain SHA-256 is enough to store it: there is nothing to guess that salt would slow down.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import NoReturn, SupportsIndex

OCTETS = 32
LENGTH = 43
"""Symbols of A-Z, a-z, 0-9, `-` and `_`: safe in paths, forms and QR codes as they are (DAVx5 escapes nothing)."""


class OneTimeSecret:
    """A link or poll secret. `reveal()` is the only way to its text: it does not print, pickle or serialise."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the address or answer that carries it."""
        return self._text

    def __repr__(self) -> str:
        return "OneTimeSecret(...)"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a one-time secret cannot be serialised or copied")


def make(choose: Callable[[int], bytes]) -> OneTimeSecret:
    """A new one from `choose(n)`, which returns n random bytes (raises what it raises)."""
    drawn = choose(OCTETS)
    if len(drawn) != OCTETS:
        raise ValueError("the source of randomness returned another number of bytes than it was asked for")
    return OneTimeSecret(urlsafe_b64encode(drawn).rstrip(b"=").decode())


def digest(text: str) -> str | None:
    """What is stored of a text that was presented; None for one that no secret of ours can be."""
    if len(text) != LENGTH or not text.isascii():
        return None
    return hashlib.sha256(text.encode()).hexdigest()
