"""The index of an address book says what a look at every card says, over generated cards and filters."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dav_gateway.core.scope import Scope
from dav_gateway.dav.query import card_filter, card_index, tree
from dav_gateway.dav.query.text import COLLATIONS
from dav_gateway.store.object_rows import LOOK, CardLine
from tests.dav.query.asking import BOOK, SPACES, Asking
from tests.dav.support import Rig

WORDS = ["ana", "Ana", "ANÁ", "Straße", "STRASSE", "ﬁn", "é", "e\u0301", "İ", "100%", "a_b", "a\\,b", "☕", "x@y.z", ""]
NAMES = ["FN", "N", "EMAIL", "TEL", "NICKNAME", "ORG", "NOTE", "item1.EMAIL", "email"]

values = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("".join)
lines = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["", ";TYPE=home", ';X="a:b"']), values), max_size=6)
texts = st.tuples(
    st.sampled_from(["contains", "equals", "starts-with", "ends-with"]),
    st.sampled_from(["", "", "", "i;unicode-casemap", "i;ascii-casemap", "i;octet"]),
    st.sampled_from(["no", "no", "no", "yes"]),
    values,
)
conditions = st.one_of(
    st.lists(texts, max_size=2).map(lambda found: "".join(map(match, found))),
    st.just("<CR:is-not-defined/>"),
    st.just("<CR:param-filter name='TYPE'/>"),
)
properties = st.tuples(st.sampled_from(NAMES), st.sampled_from(["", "anyof", "allof"]), conditions)


def match(parts: tuple[str, str, str, str]) -> str:
    kind, collation, negated, value = parts
    said = f" collation='{collation}'" if collation else ""
    return f"<CR:text-match match-type='{kind}' negate-condition='{negated}'{said}>{value}</CR:text-match>"


@st.composite
def filters(draw: st.DrawFn) -> str:
    test, inner = draw(st.sampled_from(["", "anyof", "allof"])), ""
    for name, own, content in draw(st.lists(properties, max_size=3)):
        inner += f"<CR:prop-filter name='{name}'{attribute(own)}>{content}</CR:prop-filter>"
    return f"<x {SPACES}><CR:filter{attribute(test)}>{inner}</CR:filter></x>"


def attribute(test: str) -> str:
    return f" test='{test}'" if test else ""


def card(found: list[tuple[str, str, str]]) -> str:
    told = "".join(f"{name}{parameters}:{value}\r\n" for name, parameters, value in found)
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:x\r\n{told}END:VCARD\r\n"


@settings(max_examples=2000, deadline=None)
@given(found=lines, asked=filters())
def test_the_index_says_what_a_look_says(found: list[tuple[str, str, str]], asked: str) -> None:
    text, wanted = card(found), card_filter.read(fromstring(asked))
    part = card_index.part_of(wanted)
    if part is None:
        return
    sought = {(each.name, match.text) for each in part.filter.properties for match in each.matches_text}
    # What `card_lines.containing` finds.
    touched = [line for line in card_index.lines(text) if any((line.property, t) for n, t in sought if t in line.value)]
    said = card_index.matches(part.filter, touched)
    looked = wanted.matches(tree.parse(text))
    assert said is looked if part.whole else said or not looked


def test_cards_beyond_what_is_kept_are_looked_at(rig: Rig) -> None:
    long = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:x\r\nFN:" + "long " * 400 + "\r\nEND:VCARD\r\n"
    assert card_index.lines(long) == card_index.lines("no card") == (CardLine(LOOK, ""),)
    asked = Asking(rig, rig.password({Scope.CONTACTS}))
    assert rig.request("PROPFIND", BOOK, password=asked.password, depth="0").status == 207
    asked.card("long", "FN:" + "long " * 400)
    asked.card("short", "FN:short")
    inner = "<CR:prop-filter name='FN'><CR:text-match>{}</CR:text-match></CR:prop-filter>"
    assert asked.names(asked.cards(inner.format("long LONG"))) == ["long"]
    assert asked.names(asked.cards(inner.format("SHORT"))) == ["short"]


def test_of_very_many_lines_none_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty thousand of them, full of accents, took seconds and were not kept."""
    folded: list[str] = []
    monkeypatch.setitem(COLLATIONS, card_index.COLLATION, lambda value: folded.append(value) or value)

    def with_lines(number: int) -> str:
        return card([("EMAIL", "", f"p{each}@example.org") for each in range(number)] * 2)

    assert len(card_index.lines(with_lines(card_index.MOST_LINES))) == len(folded) == card_index.MOST_LINES
    folded.clear()
    assert card_index.lines(with_lines(card_index.MOST_LINES + 1)) == (CardLine(LOOK, ""),)
    assert folded == []


def test_the_directory_is_searched_too(rig: Rig) -> None:
    """Its cards are written by who reads no cards: the first search fills in the index."""
    password = rig.password({Scope.CONTACTS})
    body = (
        f"<CR:addressbook-query {SPACES}><D:prop><CR:address-data/></D:prop><CR:filter><CR:prop-filter name='FN'>"
        "<CR:text-match>okafor</CR:text-match></CR:prop-filter></CR:filter></CR:addressbook-query>"
    ).encode()
    for _ in range(2):
        reply = rig.request("REPORT", "/dav/ana/contacts/employees/", body, password=password, depth="1")
        assert [href.rpartition("/")[2] for href in reply.hrefs()] == ["ben.vcf"]
        assert b"FN:Ben Okafor" in reply.body
