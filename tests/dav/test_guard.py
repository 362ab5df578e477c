"""XML bodies that would hurt are refused before they are parsed."""

import time
from xml.etree.ElementTree import Element, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.dav import guard


def test_an_ordinary_body_is_parsed() -> None:
    root = guard.parse(b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>')
    assert root is not None
    assert [each.tag for each in root.iter()] == ["{DAV:}propfind", "{DAV:}prop", "{DAV:}getetag"]


@pytest.mark.parametrize("body", [b"", b"  \r\n"])
def test_no_body_is_none(body: bytes) -> None:
    assert guard.parse(body) is None


@pytest.mark.parametrize(
    "body",
    [
        b"<a>" * 250_000,
        b"<a>" * 65 + b"</a>" * 65,
        b"<a>" + b"<b/>" * 60_000 + b"</a>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a",
        b"not xml",
        b"<a></b>",
        b"\xff\xfe\xff",
        b"<a>\x00</a>",
        b'<?xml version="1.0" encoding="no-such-encoding"?><a/>',
        b"<a b='" + b"x" * 5_000_000 + b"'/>",
        b"<a " + b" ".join(b"x%d='1'" % n for n in range(100)) + b"/>",
    ],
)
def test_hostile_bodies_are_refused_at_once(body: bytes) -> None:
    before = time.process_time()
    with pytest.raises(guard.BadXML):
        guard.parse(body)
    assert time.process_time() - before < 2


@given(st.binary(max_size=300))
def test_any_octets_give_an_element_none_or_bad_xml(body: bytes) -> None:
    try:
        root = guard.parse(body)
    except guard.BadXML:
        return
    assert root is None or isinstance(root, Element)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs"]), max_size=50))
def test_text_survives(value: str) -> None:
    element = Element("{DAV:}displayname")
    element.text = value
    parsed = guard.parse(tostring(element))
    assert parsed is not None
    assert (parsed.text or "") == value
