"""The smallest honest JPEG writer: blocks of one colour each (ITU-T T.81, baseline, three components, no subsampling).

A block of one colour has only a DC coefficient. With every quantiser at 8 that coefficient is the level-shifted
colour itself, so the writer needs one Huffman table for differences and one code that says "no AC coefficients".
"""

import struct

Grid = list[list[tuple[int, int, int]]]

QUANTISERS = bytes([8]) * 64

DC_LENGTHS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
"""T.81 table K.3: how many codes there are of each length, for difference categories 0 to 11."""

AC_LENGTHS = bytes([1] + [0] * 15)
"""One code of one bit: end of block."""

BLOCK = 8


def jpeg(grid: Grid) -> bytes:
    """A grid of colours as JPEG octets, eight pixels to a square."""
    height, width = len(grid) * BLOCK, len(grid[0]) * BLOCK
    components = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    scan = b"".join(bytes([number, 0x00]) for number in (1, 2, 3))
    return b"".join(
        [
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0" + struct.pack(">HBHHBB", 0x0102, 0, 1, 1, 0, 0)),
            _segment(0xDB, b"\0" + QUANTISERS),
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + components),
            _segment(0xC4, b"\x00" + DC_LENGTHS + bytes(range(12))),
            _segment(0xC4, b"\x10" + AC_LENGTHS + b"\0"),
            _segment(0xDA, b"\x03" + scan + b"\x00\x3f\x00"),
            _entropy_coded(grid),
            b"\xff\xd9",
        ]
    )


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _entropy_coded(grid: Grid) -> bytes:
    codes = _dc_codes()
    bits: list[str] = []
    previous = [0, 0, 0]
    for row in grid:
        for colour in row:
            for index, level in enumerate(_levels(*colour)):
                bits.append(_difference(level - previous[index], codes) + "0")
                previous[index] = level
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    data = int(text, 2).to_bytes(len(text) // 8, "big")
    return data.replace(b"\xff", b"\xff\x00")


def _levels(red: int, green: int, blue: int) -> tuple[int, int, int]:
    """Y, Cb and Cr around zero (JFIF 1.02, conversion to and from RGB)."""
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(luminance) - 128, round(0.564 * (blue - luminance)), round(0.713 * (red - luminance))


def _difference(value: int, codes: list[str]) -> str:
    """The category's code, then the value's bits: T.81 section F.1.2.1, negatives as value - 1 in two's complement."""
    size = abs(value).bit_length()
    if size == 0:
        return codes[0]
    low = value if value > 0 else value + (1 << size) - 1
    return codes[size] + format(low, f"0{size}b")


def _dc_codes() -> list[str]:
    """Canonical codes of T.81 annex C, in the order of the categories."""
    codes, code = [], 0
    for length, count in enumerate(DC_LENGTHS, start=1):
        for _ in range(count):
            codes.append(format(code, f"0{length}b"))
            code += 1
        code <<= 1
    return codes
