"""Dead properties: what clients store on a collection and get back unchanged (RFC 4918 section 4.1).

Kept in one dictionary of text: a property of text only under its short name (`ICAL:calendar-color`), which Radicale
reads too; one with attributes or children as its whole element under `xml:` and its name in Clark notation.
"""

from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

from dav_gateway.dav.names import PREFIXES, clark, element, text, whole

XML = "xml:"
READ_HERE = frozenset(map(clark, ("D:displayname", "C:calendar-timezone", "C:calendar-timezone-id")))
"""What is understood and not only kept: of these the text counts, whatever language a client says it is in."""


def short(name: str) -> str:
    """`{DAV:}displayname` as `D:displayname`; other names stay in Clark notation, with `{}` for no namespace."""
    if not name.startswith("{"):
        return f"{{}}{name}"
    namespace, _, local = name[1:].partition("}")
    prefix = PREFIXES.get(namespace)
    return f"{prefix}:{local}" if prefix else name


def read(properties: Mapping[str, str], name: str) -> str | None:
    """The finished element of a stored property, or None."""
    whole = properties.get(XML + name)
    if whole is not None:
        return whole
    value = properties.get(short(name))
    return None if value is None else element(name, text(value))


def names(properties: Mapping[str, str]) -> Iterator[str]:
    """Stored properties, in Clark notation."""
    for key in properties:
        yield key.removeprefix(XML) if key.startswith(XML) else clark(key).removeprefix("{}")


def updated(properties: Mapping[str, str], changes: Mapping[str, Element | None]) -> dict[str, str]:
    """The dictionary after `changes`: an element sets the property of its name, None removes it."""
    result = dict(properties)
    for name, value in changes.items():
        result.pop(short(name), None)
        result.pop(XML + name, None)
        if value is None:
            continue
        if (len(value) or value.attrib) and name not in READ_HERE:
            result[XML + name] = whole(value)
        else:
            result[short(name)] = "".join(value.itertext())
    return result
