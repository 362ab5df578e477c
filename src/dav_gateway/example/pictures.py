"""Small portraits made from a name: a mirrored pattern in one colour, as PNG or JPEG octets.

Nothing is drawn by hand and nothing is downloaded; the same name gives the same octets for ever, so a second start of
the example stores nothing new.
"""

import hashlib
import struct
import zlib

from dav_gateway.example.jpeg import jpeg

Colour = tuple[int, int, int]
Grid = list[list[Colour]]

SQUARES = 12
PIXELS = 8
"""Width of a square: JPEG's block, so that both formats show the same picture."""

PAPER: Colour = (244, 240, 232)


def pattern(name: str) -> Grid:
    """Rows of colours, mirrored left to right."""
    digest = hashlib.sha256(name.encode()).digest()
    ink: Colour = (40 + digest[0] % 160, 40 + digest[1] % 160, 40 + digest[2] % 160)
    half = SQUARES // 2
    bits = int.from_bytes(digest, "big")
    rows = []
    for row in range(SQUARES):
        left = [ink if bits >> (row * half + column) & 1 else PAPER for column in range(half)]
        rows.append(left + left[::-1])
    return rows


def portrait(name: str, kind: str) -> bytes:
    """The picture of `name` as `png` or `jpeg`; raises KeyError for another kind."""
    return {"png": png, "jpeg": jpeg}[kind](pattern(name))


def png(grid: Grid) -> bytes:
    """A grid of squares as PNG (RFC 2083), eight bits a colour."""
    width, height = len(grid[0]) * PIXELS, len(grid) * PIXELS
    scanlines = b"".join((b"\0" + b"".join(bytes(colour) * PIXELS for colour in row)) * PIXELS for row in grid)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(scanlines, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
