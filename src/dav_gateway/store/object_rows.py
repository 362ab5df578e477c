"""What an object is, as given to the store and as read from it."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from dav_gateway.core.moment import Moment

UNKNOWN = "?"
"""The detail of an index row about an object that nobody has looked at yet: it may be anywhere, and be anything."""
LOOK = "!"
"""The detail of an index row about an object that the index cannot describe."""
ALWAYS = (-(2**62), 2**62)
"""All of time, in seconds: beyond any occurrence, and inside BIGINT."""


class OccurrenceRow(NamedTuple):
    """What the index of a calendar keeps of an object: see `occurrence_rows`."""

    starts: int
    ends: int
    detail: str | None = None
    yearly: bool = False


class CardLine(NamedTuple):
    """What the index of an address book keeps of an object: see `card_lines`."""

    property: str
    value: str


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to be stored. `occurrences` or `lines` are what the index keeps of it; None leaves it to the first
    query that looks at it. `starts` and `ends` are what versions before the index kept of its times."""

    name: str
    uid: str
    component: str
    octets: bytes
    starts: int | None = None
    ends: int | None = None
    occurrences: tuple[OccurrenceRow, ...] | None = None
    lines: tuple[CardLine, ...] | None = None

    @property
    def etag(self) -> str:
        """The strong entity tag: it follows from the octets alone."""
        return f'"{blake2b(self.octets, digest_size=16).hexdigest()}"'


class StoredObject(NamedTuple):
    """One row of `object`. `octets` is empty where they were not asked for; `size` is always theirs.

    A tuple, because listings make thousands of them: a frozen dataclass takes four times as long to make.
    """

    name: str
    uid: str
    etag: str
    component: str
    size: int
    starts: int | None
    ends: int | None
    change: int
    modified_at: Moment
    octets: bytes = b""
