"""XML names of WebDAV, CalDAV and CardDAV in Clark notation (`{namespace}local`), and the prefixes we write."""

import re
from functools import lru_cache
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from dav_gateway.core.scope import Scope

DAV = "DAV:"
CALDAV = "urn:ietf:params:xml:ns:caldav"
CARDDAV = "urn:ietf:params:xml:ns:carddav"
CALENDARSERVER = "http://calendarserver.org/ns/"
APPLE = "http://apple.com/ns/ical/"
XML = "http://www.w3.org/XML/1998/namespace"

PREFIXES = {DAV: "D", CALDAV: "C", CARDDAV: "CR", CALENDARSERVER: "CS", APPLE: "ICAL"}
PREFIX_OF = {Scope.CALENDARS: "C", Scope.CONTACTS: "CR"}
"""Of the names that CalDAV and CardDAV each have for the same."""
NAMESPACES = {prefix: namespace for namespace, prefix in PREFIXES.items()}
_IN_ATTRIBUTES = {"'": "&apos;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
LONGEST_REMEMBERED = 200
"""Characters of a name whose tags are kept; a client may send names of megabytes."""
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32)])
_NO_XML = f"{_CONTROLS.decode()}\ufffe\uffff"
_NOT_XML = re.compile(f"[{_NO_XML}]")
DECLARATIONS = " ".join(f'xmlns:{prefix}="{namespace}"' for namespace, prefix in PREFIXES.items())


def clark(name: str) -> str:
    """`D:getetag` as `{DAV:}getetag`; a name in Clark notation stays as it is. KeyError for an unknown prefix."""
    return name if name.startswith("{") else _clark(name)


@lru_cache(maxsize=1024)
def _clark(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def tags(name: str) -> tuple[str, str]:
    """Opening and closing tag, without their angle brackets, for a name in Clark notation."""
    return _short_tags(name) if len(name) <= LONGEST_REMEMBERED else _tags(name)


@lru_cache(maxsize=4096)
def _short_tags(name: str) -> tuple[str, str]:
    return _tags(name)


def _tags(name: str) -> tuple[str, str]:
    namespace, _, local = name[1:].partition("}") if name.startswith("{") else ("", "", name)
    prefix = PREFIXES.get(namespace)
    if prefix:
        return f"{prefix}:{local}", f"{prefix}:{local}"
    if not namespace:
        return f'{local} xmlns=""', local
    return f"X:{local} xmlns:X={quoteattr(namespace)}", f"X:{local}"


def element(name: str, content: str = "") -> str:
    """An element whose content is already XML."""
    opening, closing = tags(name)
    return f"<{opening}>{content}</{closing}>" if content else f"<{opening}/>"


def whole(parsed: Element) -> str:
    """An element as it was parsed, with all that is in it, under the prefixes we write."""
    opening, closing = tags(parsed.tag)
    attributes = "".join(_attribute(f"A{place}", *each) for place, each in enumerate(parsed.attrib.items()))
    content = text(parsed.text or "") + "".join(whole(child) + text(child.tail or "") for child in parsed)
    return f"<{opening}{attributes}>{content}</{closing}>"


def _attribute(prefix: str, name: str, value: str) -> str:
    namespace, _, local = name[1:].partition("}") if name.startswith("{") else ("", "", name)
    # In the quotes that CalDAVTester looks for (xml:lang='en').
    said = "'" + escape(_NOT_XML.sub("\ufffd", value), _IN_ATTRIBUTES) + "'"
    if not namespace:
        return f" {local}={said}"
    if namespace == XML:
        return f" xml:{local}={said}"
    return f" {prefix}:{local}={said} xmlns:{prefix}={quoteattr(namespace)}"


def text(value: str) -> str:
    """Text as XML content. Characters that XML 1.0 cannot carry become U+FFFD."""
    return escape(_NOT_XML.sub("\ufffd", value))


def octets_text(octets: bytes) -> str:
    """As `text`, of UTF-8 octets that may be megabytes. Raises UnicodeDecodeError."""
    decoded = octets.decode()
    if len(octets.translate(None, _CONTROLS)) != len(octets) or b"\xef\xbf" in octets:
        for character in _NO_XML:
            decoded = decoded.replace(character, "\ufffd")
    return escape(decoded)
