"""Which properties a request asks for: DAV:prop, allprop and propname (RFC 4918 sections 9.1 and 14.20), which the
bodies of reports have from there."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from xml.etree.ElementTree import Element

from dav_gateway.dav import guard
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.names import clark

PROP, ALLPROP, PROPNAME, INCLUDE = (clark(f"D:{name}") for name in ("prop", "allprop", "propname", "include"))
MAX_NAMES = 400
"""Apple's longest list has about 40 names; 5 000 names on 200 objects kept Radicale busy for 13 s."""

MAX_CHARACTERS = 16 * 1024
"""Of all names together. An answer repeats those that are missing for each of thousands of resources."""

LONGEST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which properties a request asks for: named ones, all of them (and those named), or only their names."""

    names: tuple[str, ...] = ()
    everything: bool = False
    names_only: bool = False


def read(body: bytes) -> Wanted:
    """What a PROPFIND body asks for. Raises BadXML."""
    return _remembered(body) if len(body) <= LONGEST_REMEMBERED else _of_propfind(guard.parse(body))


@lru_cache(maxsize=256)
def _remembered(body: bytes) -> Wanted:
    """A device sends the same octets at each poll."""
    return _of_propfind(guard.parse(body))


def _of_propfind(body: Element | None) -> Wanted:
    """An empty body means allprop."""
    if body is None:
        return Wanted(everything=True)
    if body.tag != clark("D:propfind"):
        raise BadXML("A PROPFIND body is a DAV:propfind element.")
    found = asked_in(body)
    if found is None:
        raise BadXML("A DAV:propfind element has one of prop, allprop and propname.")
    return found


def asked_in(body: Element) -> Wanted | None:
    """What the body of a PROPFIND or of a report asks for; None when it does not say. Raises BadXML."""
    said = [each for each in body if each.tag in (PROP, ALLPROP, PROPNAME)]
    if len(said) > 1:
        raise BadXML("A request has one of DAV:prop, allprop and propname.")
    if not said:
        return None
    if said[0].tag == PROPNAME:
        return Wanted(names_only=True)
    everything = said[0].tag == ALLPROP
    return Wanted(_names(body.findall(INCLUDE) if everything else said), everything)


def _names(lists: Iterable[Element]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(each.tag for prop in lists for each in prop))
    if len(names) > MAX_NAMES or sum(map(len, names)) > MAX_CHARACTERS:
        raise BadXML(f"A request may name {MAX_NAMES} properties, in {MAX_CHARACTERS} characters together.")
    return names
