"""XML bodies that would hurt are refused before they are parsed."""

import time
import tracemalloc
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


def test_a_long_namespace_is_refused_before_it_is_written_into_every_name() -> None:
    """Two hundred kilobytes of a body were two hundred megabytes of names."""
    parts = [b"<n:a xmlns:n='urn:" + b"x" * 10_000 + b"'>", *(b"<n:b%d/>" % n for n in range(20_000)), b"</n:a>"]
    tracemalloc.start()
    try:
        with pytest.raises(guard.BadXML, match="namespace"):
            guard.parse(b"".join(parts))
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("start", [b"<a xmlns='%s'", b"<n:a xmlns:n='%s'"])
def test_a_namespace_has_a_length(start: bytes) -> None:
    longest = start % (b"u" * guard.LONGEST_NAMESPACE)
    assert guard.parse(longest + b" b='%s'/>" % (b"x" * 1_000)) is not None
    with pytest.raises(guard.BadXML):
        guard.parse(start % (b"u" * (guard.LONGEST_NAMESPACE + 1)) + b"/>")


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
