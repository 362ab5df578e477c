"""Marks, dates and folding of the templates."""

from datetime import date

import pytest

from dav_gateway.example.folding import Style, Unit, fold
from dav_gateway.example.templates import render

SUNDAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("today", "20261122"),
        ("today-22", "20261031"),
        ("monday", "20261116"),
        ("monday+7", "20261123"),
        ("month", "20261101"),
        ("blank", " "),
    ],
)
def test_marks(mark, text):
    assert render(f"X:{{{{{mark}}}}}.\n", SUNDAY) == f"X:{text}.\r\n".encode()


@pytest.mark.parametrize("mark", ["yesterday", "today+", "zone", "portrait:gif", ""])
def test_an_unknown_mark_is_an_error(mark):
    with pytest.raises(ValueError, match="unknown mark"):
        render(f"X:{{{{{mark or ' '}}}}}\n", SUNDAY)


@pytest.mark.parametrize("style", [Style(unit, blank=blank) for unit in Unit for blank in (" ", "\t")], ids=str)
def test_unfolding_gives_the_line_back(style):
    line = "SUMMARY:" + "Größe ☕️ 木のしごと " * 12
    folded = fold(line, style)
    assert folded.replace(b"\r\n" + style.blank.encode(), b"").decode() == line
    lines = folded.split(b"\r\n")
    assert len(lines) > 2
    match style.unit:
        case Unit.OCTETS:
            assert max(map(len, lines)) <= 75
            assert all(each.decode() for each in lines)
        case Unit.CHARACTERS:
            assert max(len(each.decode()) for each in lines) == 75
        case Unit.BLIND:
            assert {len(each) for each in lines[:-1]} == {75}
            with pytest.raises(UnicodeDecodeError):
                folded.decode()


def test_a_short_line_is_left_alone():
    assert fold("X" * 75, Style(Unit.OCTETS)) == b"X" * 75
