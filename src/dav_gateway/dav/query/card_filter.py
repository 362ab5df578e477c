"""The filter of an addressbook-query (RFC 6352 section 10.5)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from dav_gateway.dav.names import clark
from dav_gateway.dav.query.text import InvalidFilter, ParameterFilter, TextMatch, invalid
from dav_gateway.dav.query.tree import Component, Line

MAX_PARTS = 200
Test = Callable[[Iterable[bool]], bool]


@dataclass(frozen=True, slots=True)
class CardPropertyFilter:
    """One prop-filter: a property that is there or not, or lines of it that fulfil all conditions, or any."""

    group: str
    name: str
    defined: bool
    test: Test
    matches_text: tuple[TextMatch, ...]
    parameters: tuple[ParameterFilter, ...]

    @classmethod
    def read(cls, element: Element) -> "CardPropertyFilter":
        """Raises InvalidFilter."""
        group, _, name = element.get("name", "").upper().rpartition(".")
        if not name:
            raise invalid("CR", "Every prop-filter has a name.")
        texts, parameters, defined = [], [], True
        for child in element:
            if child.tag == clark("CR:is-not-defined") and len(element) == 1:
                defined = False
            elif child.tag == clark("CR:text-match"):
                texts.append(TextMatch.read(child, "CR"))
            elif child.tag == clark("CR:param-filter"):
                parameters.append(ParameterFilter.read(child, "CR"))
            else:
                raise invalid("CR", "A prop-filter holds is-not-defined alone, or text-match and param-filter.")
        return cls(group, name, defined, _test(element), tuple(texts), tuple(parameters))

    def matches(self, card: Component) -> bool:
        """Whether the card's property is as asked for."""
        lines = [each for each in card.named(self.name) if not self.group or each.group.upper() == self.group]
        if not self.defined:
            return not lines
        return any(self._fits(line) for line in lines)

    def _fits(self, line: Line) -> bool:
        found = [each.matches_line(line) for each in self.matches_text]
        found += [each.matches(line) for each in self.parameters]
        return not found or self.test(found)


@dataclass(frozen=True, slots=True)
class CardFilter:
    """The filter; one without any condition takes every card."""

    test: Test
    properties: tuple[CardPropertyFilter, ...]

    def matches(self, card: Component) -> bool:
        """Whether the card is one that is asked for."""
        return not self.properties or self.test(each.matches(card) for each in self.properties)


def read(body: Element) -> CardFilter:
    """The filter of an addressbook-query. Raises InvalidFilter."""
    filters = body.findall(clark("CR:filter"))
    if len(filters) != 1 or any(each.tag != clark("CR:prop-filter") for each in filters[0]):
        raise invalid("CR", "An addressbook-query has one filter, which holds prop-filter elements.")
    if sum(1 for _ in filters[0].iter()) > MAX_PARTS:
        raise InvalidFilter("CR:supported-filter", f"A filter has at most {MAX_PARTS} parts.")
    return CardFilter(_test(filters[0]), tuple(CardPropertyFilter.read(each) for each in filters[0]))


def _test(element: Element) -> Test:
    match element.get("test", "anyof"):
        case "anyof":
            return any
        case "allof":
            return all
        case _:
            raise invalid("CR", "The test of a filter is anyof or allof.")
