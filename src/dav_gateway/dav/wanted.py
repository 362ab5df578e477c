"""Which properties a request asks for (RFC 4918 sections 9.1 and 14.20)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from xml.etree.ElementTree import Element

from dav_gateway.dav import guard
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.names import clark

MAX_NAMES = 400
"""Apple's longest list has about 40 names; 5 000 names on 200 objects kept Radicale busy for 13 s."""

LONGEST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which properties a request asks for: named ones, all of them, or only their names."""

    names: tuple[str, ...] = ()
    everything: bool = False
    names_only: bool = False


def read(body: bytes) -> Wanted:
    """What a PROPFIND body asks for. Raises BadXML."""
    return _remembered(body) if len(body) <= LONGEST_REMEMBERED else wanted(guard.parse(body))


@lru_cache(maxsize=256)
def _remembered(body: bytes) -> Wanted:
    """A device sends the same octets at each poll."""
    return wanted(guard.parse(body))


def wanted(body: Element | None) -> Wanted:
    """What a PROPFIND body asks for; an empty body means allprop. Raises BadXML for a body that is not a propfind."""
    if body is None:
        return Wanted(everything=True)
    if body.tag != clark("D:propfind"):
        raise BadXML("A PROPFIND body is a DAV:propfind element.")
    named = [each for each in body if each.tag == clark("D:prop")]
    everything = [each for each in body if each.tag == clark("D:allprop")]
    names_only = [each for each in body if each.tag == clark("D:propname")]
    if len(named) + len(everything) + len(names_only) != 1:
        raise BadXML("A DAV:propfind element has one of prop, allprop and propname.")
    if names_only:
        return Wanted(names_only=True)
    included = [name for each in body if each.tag == clark("D:include") for name in _names(each)]
    names = [name for each in named for name in _names(each)] or included
    if len(names) > MAX_NAMES:
        raise BadXML(f"A request may name {MAX_NAMES} properties.")
    return Wanted(names=tuple(dict.fromkeys(names)), everything=bool(everything))


def _names(prop: Element) -> Iterator[str]:
    return (each.tag for each in prop)
