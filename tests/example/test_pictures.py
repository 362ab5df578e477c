"""The portraits are real pictures: the formats are taken apart here by hand, as no imaging library is a dependency."""

import struct
import zlib
from itertools import chain

from dav_gateway.example.jpeg import jpeg
from dav_gateway.example.pictures import pattern, png, portrait


def test_a_png_holds_its_pattern():
    grid = pattern("Lucía Ferrer")
    octets = png(grid)
    assert octets.startswith(b"\x89PNG\r\n\x1a\n")
    position, chunks = 8, {}
    while position < len(octets):
        length, kind = struct.unpack_from(">I4s", octets, position)
        data = octets[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", octets, position + 8 + length)[0] == zlib.crc32(kind + data)
        chunks[kind] = data
        position += length + 12
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    assert (width, height) == (96, 96)
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == height * (1 + 3 * width)
    assert tuple(rows[1:4]) == grid[0][0]
    assert tuple(rows[-3:]) == grid[-1][-1]


def test_a_jpeg_is_a_row_of_well_formed_segments_around_its_scan():
    octets = jpeg(pattern("Ana"))
    assert octets[:2] == b"\xff\xd8"
    assert octets[-2:] == b"\xff\xd9"
    position, seen = 2, []
    while True:
        marker, length = struct.unpack_from(">HH", octets, position)
        seen.append(marker)
        if marker == 0xFFC0:
            assert struct.unpack_from(">BHHB", octets, position + 4) == (8, 96, 96, 3)
        position += 2 + length
        if marker == 0xFFDA:
            break
    assert seen == [0xFFE0, 0xFFDB, 0xFFC0, 0xFFC4, 0xFFC4, 0xFFDA]
    scan = octets[position:-2]
    assert b"\xff" not in scan.replace(b"\xff\x00", b"")


def test_the_scan_decodes_to_the_colours_that_went_in():
    grid = [[(10, 20, 30), (200, 100, 50)], [(255, 255, 255), (0, 0, 0)]]
    octets = jpeg(grid)
    start = octets.index(b"\xff\xda") + 2
    scan = octets[start + 12 : -2].replace(b"\xff\x00", b"\xff")
    for (red, green, blue), (luminance, cb, cr) in zip(chain(*grid), decoded(scan, blocks=4), strict=True):
        assert abs(luminance + 128 + 1.402 * cr - red) <= 2
        assert abs(luminance + 128 - 0.344 * cb - 0.714 * cr - green) <= 2
        assert abs(luminance + 128 + 1.772 * cb - blue) <= 2


def decoded(scan, blocks):
    """A reader of its own for DC-only scans, with the code lengths of T.81 table K.3 written out."""
    codes = {"00": 0, "010": 1, "011": 2, "100": 3, "101": 4, "110": 5}
    codes |= {"1" * (size - 3) + "0": size for size in range(6, 12)}
    bits = "".join(format(octet, "08b") for octet in scan)
    position, previous, result = 0, [0, 0, 0], []
    for _ in range(blocks):
        for component in range(3):
            end = position + 1
            while bits[position:end] not in codes:
                end += 1
            size = codes[bits[position:end]]
            raw = bits[end : end + size]
            difference = 0 if not size else int(raw, 2) if raw[0] == "1" else int(raw, 2) - (1 << size) + 1
            previous[component] += difference
            assert bits[end + size] == "0", "end of block"
            position = end + size + 1
        result.append(tuple(previous))
    assert set(bits[position:]) <= {"1"}, "padding"
    return result


def test_a_name_has_one_face():
    assert portrait("Ana", "jpeg") == portrait("Ana", "jpeg") != portrait("Ben", "jpeg")
