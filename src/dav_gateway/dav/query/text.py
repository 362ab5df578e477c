"""text-match and param-filter (RFC 4791 sections 9.7.3 and 9.7.5, RFC 6352 sections 10.5.2 and 10.5.4)."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from dav_gateway.dav.invalid import InvalidObject
from dav_gateway.dav.names import clark
from dav_gateway.dav.query.tree import Line

_PREFERRED = {"C": "i;ascii-casemap", "CR": "i;unicode-casemap"}
"""What "default", and no collation at all, mean to each."""


_PIECE = 256
"""Characters that are normalized at once: the time goes with the square of the accents that stand side by side, and
nothing else runs in the process meanwhile."""


def _ascii(text: str) -> str:
    return text.encode().lower().decode()  # of bytes, `lower` knows ASCII only


def _unicode(text: str) -> str:
    if text.isascii():
        return text.lower()
    return "".join(_normalized(_normalized(piece).casefold()) for piece in _pieces(text))


def _normalized(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


def _pieces(text: str) -> Iterator[str]:
    """Parts that are normalized each for itself as they are together: no accent is parted from its letter, unless
    there are hundreds of them."""
    at = 0
    while at < len(text):
        end = at + _PIECE
        while end < min(len(text), at + 2 * _PIECE) and unicodedata.combining(_normalized(text[end])[0]):
            end += 1
        yield text[at:end]
        at = end


COLLATIONS: dict[str, Callable[[str], str]] = {
    "i;ascii-casemap": _ascii,
    "i;unicode-casemap": _unicode,
    "i;octet": lambda text: text,
}
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, text: text in value,
    "equals": lambda value, text: value == text,
    "starts-with": lambda value, text: value.startswith(text),
    "ends-with": lambda value, text: value.endswith(text),
}


class InvalidFilter(InvalidObject):
    """A filter that cannot be used; `condition` is its precondition (RFC 4791 section 7.8, RFC 6352 section 8.6)."""


def invalid(prefix: str, sentence: str) -> InvalidFilter:
    """The error for a filter that contradicts its grammar."""
    return InvalidFilter(f"{prefix}:{'valid' if prefix == 'C' else 'supported'}-filter", sentence)


@dataclass(frozen=True, slots=True)
class TextMatch:
    """One text-match: whether a text contains, equals, begins or ends with another, or not."""

    text: str
    collation: str
    kind: str
    negated: bool

    @classmethod
    def read(cls, element: Element, prefix: str) -> "TextMatch":
        """Raises InvalidFilter."""
        collation = element.get("collation", "default")
        collation = _PREFERRED[prefix] if collation == "default" else collation
        if collation not in COLLATIONS:
            raise InvalidFilter(f"{prefix}:supported-collation", f"There is no collation {collation[:40]}.")
        kind, negated = element.get("match-type", "contains"), element.get("negate-condition", "no")
        if kind not in _MATCHES or negated not in ("yes", "no") or len(element):
            raise invalid(prefix, "A text-match has text, a known match-type, and negate-condition is yes or no.")
        return cls(COLLATIONS[collation](element.text or ""), collation, kind, negated == "yes")

    def matches(self, value: str) -> bool:
        """Whether `value` is one that is asked for."""
        return self.finds(COLLATIONS[self.collation](value)) is not self.negated

    def matches_line(self, line: Line) -> bool:
        """Whether the value of `line` is one that is asked for. It is folded once for a filter of many texts."""
        if line.folded is None:
            line.folded = {}
        if self.collation not in line.folded:
            line.folded[self.collation] = COLLATIONS[self.collation](line.text)
        return self.finds(line.folded[self.collation]) is not self.negated

    def finds(self, folded: str) -> bool:
        """Whether the text is in a value that the collation has folded, whether that is asked for or not."""
        return _MATCHES[self.kind](folded, self.text)


@dataclass(frozen=True, slots=True)
class ParameterFilter:
    """One param-filter. Without a text-match the parameter has to be there, or not."""

    name: str
    defined: bool
    match: TextMatch | None

    @classmethod
    def read(cls, element: Element, prefix: str) -> "ParameterFilter":
        """Raises InvalidFilter."""
        name = element.get("name", "").upper()
        if not name or len(element) > 1:
            raise invalid(prefix, "A param-filter has a name and at most one condition.")
        [child] = element if len(element) else [None]
        if child is None or child.tag == clark(f"{prefix}:is-not-defined"):
            return cls(name, child is None, None)
        if child.tag != clark(f"{prefix}:text-match"):
            raise invalid(prefix, "A param-filter holds text-match or is-not-defined.")
        return cls(name, defined=True, match=TextMatch.read(child, prefix))

    def matches(self, line: Line) -> bool:
        """Whether the line's parameter is as asked for."""
        values = line.parameter(self.name)
        if values is None or self.match is None:
            return (values is not None) is self.defined
        return any(self.match.matches(value) for value in values)
