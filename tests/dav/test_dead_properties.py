"""Dead properties come back as they were set (RFC 4918 section 4.1)."""

from xml.etree.ElementTree import fromstring

from dav_gateway.dav import dead
from dav_gateway.dav.names import DECLARATIONS


def read_back(document: str) -> str | None:
    element = fromstring(document)
    stored = dead.updated({}, {element.tag: element})
    assert list(dead.names(stored)) == [element.tag]
    return dead.read(stored, element.tag)


def test_text_is_kept_under_the_name_that_radicale_reads() -> None:
    element = fromstring('<displayname xmlns="DAV:">A &amp; B</displayname>')
    stored = dead.updated({}, {element.tag: element})
    assert stored == {"D:displayname": "A & B"}
    assert dead.read(stored, "{DAV:}displayname") == "<D:displayname>A &amp; B</D:displayname>"


def test_children_and_attributes_are_kept() -> None:
    document = '<x:y xmlns:x="urn:z" kind="1"><x:child>text</x:child></x:y>'
    back = read_back(document)
    assert back is not None
    parsed = fromstring(f"<root {DECLARATIONS}>{back}</root>")[0]
    assert parsed.tag == "{urn:z}y"
    assert parsed.attrib == {"kind": "1"}
    assert [(child.tag, child.text) for child in parsed] == [("{urn:z}child", "text")]


def test_names_inside_stay_in_their_namespaces() -> None:
    document = (
        '<D:x xmlns:D="DAV:" xmlns:q="urn:q" q:a="1&#10;" q:b="&lt;2" xml:lang="en" c="3"><y>t &amp; t</y>tail<q:z/>'
        "<D:href>/a</D:href></D:x>"
    )
    back = read_back(document)
    assert back is not None
    parsed = fromstring(f"<root {DECLARATIONS}>{back}</root>")[0]
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    assert parsed.attrib == {"{urn:q}a": "1\n", "{urn:q}b": "<2", language: "en", "c": "3"}
    assert [(each.tag, each.text, each.tail) for each in parsed] == [
        ("y", "t & t", "tail"), ("{urn:q}z", None, None), ("{DAV:}href", "/a", None),
    ]  # fmt: skip


def test_a_name_without_a_namespace() -> None:
    assert read_back("<plain>1</plain>") == '<plain xmlns="">1</plain>'


def test_removing_and_replacing() -> None:
    first = fromstring('<x xmlns="urn:a"><b/></x>')
    stored = dead.updated({}, {first.tag: first})
    second = fromstring('<x xmlns="urn:a">text</x>')
    stored = dead.updated(stored, {second.tag: second})
    assert dead.read(stored, "{urn:a}x") == '<X:x xmlns:X="urn:a">text</X:x>'
    assert dead.updated(stored, {second.tag: None}) == {}
