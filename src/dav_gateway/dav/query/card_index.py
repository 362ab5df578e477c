"""What the index of an address book keeps of a card, and which filters are answered from it: those that look for text
in the properties that people are searched by, in the collation that RFC 6352 section 8.3 makes the default.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from dav_gateway.dav.query import tree
from dav_gateway.dav.query.card_filter import CardFilter, CardPropertyFilter
from dav_gateway.dav.query.text import COLLATIONS
from dav_gateway.store.object_rows import LOOK, CardLine

INDEXED = ("FN", "N", "NICKNAME", "EMAIL", "TEL", "ORG")
COLLATION = "i;unicode-casemap"
MOST_LINES = 100
LONGEST_LINE = 1_000


class Part(NamedTuple):
    """What the index answers of a filter; `whole` when that is all of it."""

    filter: CardFilter
    whole: bool


def lines(text: str) -> tuple[CardLine, ...]:
    """The lines of a stored card."""
    try:
        card = tree.parse(text)
    except ValueError:
        return (CardLine(LOOK, ""),)
    # As text, each once and not too many, before they are folded: that takes longest.
    searched = dict.fromkeys((line.name, line.text) for line in card.lines if line.name in INDEXED)
    if len(searched) > MOST_LINES or any(len(text) > LONGEST_LINE for _, text in searched):
        return (CardLine(LOOK, ""),)
    found = dict.fromkeys(CardLine(name, COLLATIONS[COLLATION](text)) for name, text in searched)
    if any(len(line.value) > LONGEST_LINE for line in found):
        return (CardLine(LOOK, ""),)
    return tuple(found)


def part_of(wanted: CardFilter) -> Part | None:
    """What of a filter the index answers, None when that is nothing."""
    known = tuple(each for each in wanted.properties if _is_indexed(each))
    if not known or (wanted.test is any and len(known) < len(wanted.properties)):
        return None
    return Part(replace(wanted, properties=known), whole=len(known) == len(wanted.properties))


def matches(wanted: CardFilter, found: Iterable[tuple[str, str]]) -> bool:
    """Whether a card with these lines fulfils a filter that the index answers."""
    held = list(found)
    return wanted.test(
        any(each.test(match.finds(value) for match in each.matches_text) for name, value in held if name == each.name)
        for each in wanted.properties
    )


def _is_indexed(wanted: CardPropertyFilter) -> bool:
    return (
        wanted.defined
        and not wanted.group
        and not wanted.parameters
        and wanted.name in INDEXED
        and bool(wanted.matches_text)
        and all(match.collation == COLLATION and not match.negated for match in wanted.matches_text)
    )
