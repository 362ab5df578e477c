"""A long body between the thread that makes it and the client that takes it: in a file without a name.

The thread is free, and its transaction closed, as soon as the answer is made, however slowly the client reads; and the
process never holds all of it (nginx does the same with answers of those behind it).
"""

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO


class SpooledBody:
    """Octets that are written once and then read once."""

    def __init__(self) -> None:
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - it outlives this function
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def write(self, octets: bytes) -> None:
        """Append."""
        self._size += self._file.write(octets)

    def slices(self, size: int) -> Iterator[bytes]:
        """The octets from the first on, `size` at a time."""
        self._file.seek(0)
        while octets := self._file.read(size):
            yield octets

    def close(self) -> None:
        """Give the file back. May be called again."""
        self._file.close()


class Collected:
    """A body as it is being made: in memory while it is short."""

    def __init__(self, longest: int) -> None:
        """More than `longest` octets go to a file."""
        self._longest = longest
        self._parts: list[bytes] = []
        self._size = 0
        self._spooled: SpooledBody | None = None

    def write(self, octets: bytes) -> None:
        """Append."""
        if self._spooled is not None:
            self._spooled.write(octets)
            return
        self._parts.append(octets)
        self._size += len(octets)
        if self._size > self._longest and len(self._parts) > 1:
            self._spooled = SpooledBody()
            for part in self._parts:
                self._spooled.write(part)
            self._parts = []

    def body(self) -> bytes | SpooledBody:
        """What was written."""
        if self._spooled is not None:
            return self._spooled
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def drop(self) -> None:
        """Forget what was written."""
        if self._spooled is not None:
            self._spooled.close()
        self._parts, self._size, self._spooled = [], 0, None
