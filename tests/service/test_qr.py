"""QR codes, read back the way a phone does."""

import re
import xml.etree.ElementTree as ET

import pytest
import zxingcpp
from PIL import Image

from dav_gateway.service import qr


@pytest.mark.parametrize(
    "text",
    [
        "https://dav.example.com/profile/" + "aZ09-_" * 7 + "x",
        "otpauth://totp/Nogal:ana?secret=JBSWY3DPEHPK3PXP&issuer=Nogal",
    ],
)
def test_a_reader_decodes_the_code(text: str) -> None:
    [found] = zxingcpp.read_barcodes(raster(qr.svg(text)))
    assert found.text == text


def test_the_page_may_embed_it_under_a_strict_policy() -> None:
    svg = qr.svg("https://dav.example.com/profile/x")
    root = ET.fromstring(svg)
    attributes = {name for element in root.iter() for name in element.attrib}
    assert "style" not in attributes
    assert not any(name.startswith("on") for name in attributes)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} == {"svg", "path"}
    assert root.attrib["class"] == "qr"
    assert "width" not in root.attrib
    assert re.fullmatch(r"0 0 ([0-9]+) \1", root.attrib["viewBox"]), "the stylesheet scales it, and cuts nothing off"
    assert {each.get("stroke") or each.get("fill") for each in root.iter("path")} == {"#fff", "#000"}


def raster(svg: str) -> Image.Image:
    """The picture of our SVG: a white square and one path of horizontal strokes, one unit high (M, m, h)."""
    root = ET.fromstring(svg)
    size = int(root.attrib["viewBox"].split()[2])
    image = Image.new("L", (size, size), 255)
    [line] = [element for element in root if "stroke" in element.attrib]
    x = y = 0.0
    for command, arguments in re.findall(r"([Mmh])([-0-9. ]+)", line.attrib["d"]):
        numbers = [float(each) for each in arguments.split()]
        if command == "h":
            for step in range(int(numbers[0])):
                image.putpixel((int(x) + step, int(y)), 0)
            x += numbers[0]
        else:
            x, y = (numbers[0], numbers[1]) if command == "M" else (x + numbers[0], y + numbers[1])
    return image.resize((size * 6, size * 6), Image.Resampling.NEAREST)
