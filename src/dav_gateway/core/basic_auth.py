"""The Authorization header by the `Basic` scheme (RFC 7617), parsed strictly and without an exception.

Radicale's own decoder answers 500 to bad base64 and does not know `basic` in lower case, so ours reads the header.
"""

import binascii
import unicodedata
from dataclasses import dataclass, field

LONGEST_HEADER = 1024


@dataclass(frozen=True, slots=True)
class Absent:
    """No credentials were presented: no header, or the empty `Basic Og==` that Thunderbird and Apple probe with."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """The header is not Basic by RFC 7617. `detail` says why and quotes nothing of it."""

    detail: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was typed. Neither shows in a repr: people paste passwords into the user name field."""

    login: str = field(repr=False)
    password: str = field(repr=False)


def parse(header: str | bytes | None) -> Parsed | Absent | Malformed:
    """The user-id and password of an Authorization header's value (text as WSGI and ASGI carry it: latin-1)."""
    if header is None or not header.strip():
        return Absent()
    if len(header) > LONGEST_HEADER:
        return Malformed("the header is too long")
    raw = header if isinstance(header, bytes) else header.encode("latin-1", "replace")
    scheme, _, encoded = raw.strip(b" \t").partition(b" ")
    if scheme.lower() != b"basic":
        return Malformed("the scheme is not Basic")
    encoded = encoded.strip(b" ")
    try:
        octets = binascii.a2b_base64(encoded, strict_mode=True)
    except binascii.Error:
        return Malformed("the credentials are not base64")
    # Stray bits behind the last octet: two texts for one password would be two keys to every log and limit.
    if not octets or binascii.b2a_base64(octets, newline=False) != encoded:
        return Malformed("the credentials are not base64")
    try:
        pair = octets.decode("utf-8")
    except UnicodeDecodeError:
        return Malformed("the credentials are not UTF-8")
    login, colon, password = pair.partition(":")
    if not colon:
        return Malformed("there is no colon between user name and password")
    if any(unicodedata.category(character) == "Cc" for character in pair):
        return Malformed("there is a control character")
    if not login and not password:
        return Absent()
    return Parsed(login, password)
