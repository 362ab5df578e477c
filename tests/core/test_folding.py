"""Lines taken apart without regular expressions are the lines that those would find."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dav_gateway.core import folding

LINE = re.compile(r"[^\r\n]++(?:\r?\n[ \t][^\r\n]*+)*+(?:\r\n|\n|\r)?+")
FOLD = re.compile(r"\r?\n[ \t]")
FOLD_INSIDE_CHARACTER = re.compile(rb"\r?\n[ \t](?=[\x80-\xbf])")
texts = st.text(alphabet="\r\n \tAB\u2028", max_size=24)


@settings(max_examples=2_000)
@given(texts)
@example("A\r\r\n \n B")
@example("A\r\n\r\n B\r\n \r\n C")
def test_text_without_its_folds(text: str) -> None:
    assert folding.unfolded(text) == FOLD.sub("", text)


@settings(max_examples=2_000)
@given(texts)
@example("A\r B\r\n\r C")
def test_content_lines_as_they_came(text: str) -> None:
    assert list(folding.folded_lines(text)) == LINE.findall(text)


@settings(max_examples=2_000)
@given(texts, st.integers(1, 12))
@example("A\r\nB\n C", 3)
def test_blocks_do_not_show_in_the_lines(text: str, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "_BLOCK", block)
        assert list(folding.folded_lines(text)) == LINE.findall(text)


@settings(max_examples=2_000)
@given(st.lists(st.sampled_from([b"\r", b"\n", b" ", b"\t", b"A", b"\xc3", b"\xa4", b"\xbf", b"\x80"]), max_size=24))
def test_octets_without_folds_inside_characters(octets: list[bytes]) -> None:
    text = b"".join(octets)
    assert folding.whole_characters(text) == FOLD_INSIDE_CHARACTER.sub(b"", text)


def test_the_head_of_a_line_has_an_end() -> None:
    assert folding.head_of('X;A="b:c":d:e') == 'X;A="b:c"'
    assert folding.head_of("X" * (folding.LONGEST_HEAD - 1) + ":") == "X" * (folding.LONGEST_HEAD - 1)
    assert folding.head_of("X" * folding.LONGEST_HEAD + ":") is None
    assert folding.head_of('X;A="b:c') is None


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("SUMMARY:a:b", "SUMMARY", "a:b"),
        ('item1.tel;TYPE="a:b";X=c:1:2', "TEL", "1:2"),
        ('X;A="b:c', "X", "c"),
        ("RRULE :FREQ=DAILY", "RRULE", "FREQ=DAILY"),
        ("no colon", "NO COLON", ""),
    ],
)
def test_a_line_has_a_name_and_a_value(line: str, name: str, value: str) -> None:
    head, found = folding.parted(line)
    assert (folding.name_of(head), found) == (name, value)
