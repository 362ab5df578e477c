"""What an object is, as given to the store and as read from it."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from dav_gateway.core.moment import Moment


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to be stored; `starts` and `ends` bound its occurrences in POSIX seconds, None where unbounded."""

    name: str
    uid: str
    component: str
    octets: bytes
    starts: int | None = None
    ends: int | None = None

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
