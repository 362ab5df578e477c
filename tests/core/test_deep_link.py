"""Links and QR codes, read back the way a phone does."""

import re
import xml.etree.ElementTree as ET
from urllib.parse import urlsplit

import pytest
import zxingcpp
from PIL import Image

from dav_gateway.core.deep_link import davx5, qr_svg

PASSWORD = "k7mqx-3f9tb-x2wne-hd4r8-6pzay"


def test_davx5_reads_its_link() -> None:
    link = davx5("https://dav.example.com", "ana", PASSWORD)
    assert link is not None
    parts = urlsplit(link)
    # As LoginActivity.kt: scheme, host, path, and user information split at the colon.
    assert (parts.scheme, parts.netloc.rpartition("@")[2], parts.path) == ("davx5", "dav.example.com", "/dav/")
    assert parts.netloc.rpartition("@")[0].split(":") == ["ana", PASSWORD]


def test_plain_http_has_its_own_scheme() -> None:
    assert davx5("http://localhost", "ana", PASSWORD) == f"caldav://ana:{PASSWORD}@localhost/dav/"


def test_no_link_where_davx5_would_lose_the_port() -> None:
    assert davx5("https://dav.example.com:8443", "ana", PASSWORD) is None


@pytest.mark.parametrize(
    "text",
    [
        "https://dav.example.com/profile/" + "aZ09-_" * 7 + "x",
        "otpauth://totp/Nogal:ana?secret=JBSWY3DPEHPK3PXP&issuer=Nogal",
    ],
)
def test_a_reader_decodes_the_code(text: str) -> None:
    [found] = zxingcpp.read_barcodes(raster(qr_svg(text)))
    assert found.text == text


def test_the_page_may_embed_it_under_a_strict_policy() -> None:
    svg = qr_svg("https://dav.example.com/profile/x")
    root = ET.fromstring(svg)
    attributes = {name for element in root.iter() for name in element.attrib}
    assert "style" not in attributes
    assert not any(name.startswith("on") for name in attributes)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} == {"svg", "path"}
    assert "width" not in root.attrib
    assert root.attrib["viewBox"]


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
