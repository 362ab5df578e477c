"""A stored object as a tree of components and content lines (RFC 5545 section 3.1, RFC 6350 section 3.3).

Lines keep the text they came as; what a filter looks at is taken apart when it is asked for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from dav_gateway.core.folding import folded_lines, parted, unfolded

_PARAMETER = re.compile(r';([^;="]++)(?:=((?:[^";]++|"[^"]*+")*+))?+')
_PART = re.compile(r'(?:[^",]++|"[^"]*+")++')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CARET = {"^n": "\n", "^^": "^", "^'": '"'}
_CARETS = re.compile(r"\^[n^']")


@dataclass(slots=True)
class Line:
    """One content line: its name in upper case without a vCard group, what follows the name, and its own text; `folded`
    is the value as collations have it that were asked for."""

    name: str
    group: str
    tail: str
    value: str
    raw: str
    folded: dict[str, str] | None = None

    def parameters(self) -> Iterator[tuple[str, list[str]]]:
        """Names in upper case with their values (RFC 6868 undone). vCard 2.1's bare words are types."""
        for name, values in _PARAMETER.findall(self.tail):
            if values:
                yield name.upper(), [_parameter_value(each) for each in _PART.findall(values)]
            else:
                yield "TYPE", [name]

    def parameter(self, name: str) -> list[str] | None:
        """The values of a parameter, None when the line does not have it."""
        found = [value for key, values in self.parameters() if key == name for value in values]
        return found or ([] if any(key == name for key, _ in self.parameters()) else None)

    def first(self, name: str) -> str:
        """The first value of a parameter, empty when there is none."""
        return next(iter(self.parameter(name) or ()), "")

    @property
    def text(self) -> str:
        """The value with its escapes undone (RFC 5545 section 3.3.11)."""
        if "\\" not in self.value:
            return self.value
        return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], self.value)


@dataclass(slots=True)
class Component:
    """One component; `opening` and `closing` are its BEGIN and END as they came."""

    name: str
    opening: str
    lines: list[Line] = field(default_factory=list)
    components: list["Component"] = field(default_factory=list)
    closing: str = ""

    def named(self, name: str) -> Iterator[Line]:
        """The lines of this name."""
        return (line for line in self.lines if line.name == name)

    def get(self, name: str) -> Line | None:
        """The first line of this name."""
        return next(self.named(name), None)

    def inside(self, name: str) -> Iterator["Component"]:
        """The components of this name directly in this one."""
        return (each for each in self.components if each.name == name)

    def pieces(self) -> Iterator[str]:
        """The whole text again, piece by piece."""
        yield self.opening
        yield from (line.raw for line in self.lines)
        for each in self.components:
            yield from each.pieces()
        yield self.closing


def parse(text: str) -> Component:
    """The outermost component of a stored object. Raises ValueError for text that is none."""
    open_components: list[Component] = []
    for raw in folded_lines(text):
        line = _line(raw)
        if line.name == "BEGIN":
            component = Component(line.value.strip().upper(), raw)
            if open_components:
                open_components[-1].components.append(component)
            open_components.append(component)
        elif not open_components:
            raise ValueError("there is text outside of components")
        elif line.name == "END":
            closed = open_components.pop()
            closed.closing = raw
            if not open_components:
                return closed
        else:
            open_components[-1].lines.append(line)
    raise ValueError("a component is never closed")


def _line(raw: str) -> Line:
    text = raw.rstrip("\r\n")
    if "\n" in text:
        text = unfolded(text)
    head, value = parted(text)
    name, semicolon, rest = head.partition(";")
    group, _, plain = name.rpartition(".")
    return Line(plain.strip().upper(), group, semicolon + rest, value, raw)


def _parameter_value(text: str) -> str:
    return _CARETS.sub(lambda found: _CARET[found[0]], text.replace('"', ""))
