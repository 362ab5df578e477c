"""The If header (RFC 4918 section 10.4): entity tags, and sync tokens of collections as state tokens (RFC 6578 section
5). Of locks, which there are none of, no token matches."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from dav_gateway.core.scope import Resource, resource_at
from dav_gateway.dav import answers
from dav_gateway.dav.answers import Instead
from dav_gateway.dav.destination import is_here
from dav_gateway.dav.guard import BadXML
from dav_gateway.dav.site import PREFIX, Site
from dav_gateway.dav.view import look_up
from dav_gateway.service.request import DavRequest
from dav_gateway.store import collections

LONGEST = 8192
_WORD = re.compile(r'\s*(?:([()])|(Not\b)|<([^<>\s]+)>|\[((?:W/)?"[^"]*")\])\s*', re.IGNORECASE)


class Condition(NamedTuple):
    """One of a list: the resource has this entity tag or this token, or has it not."""

    value: str
    is_tag: bool
    negated: bool


class StateList(NamedTuple):
    """Conditions that must all be true of a resource: of a tagged list that of the tag, else (None) the request's."""

    reference: str | None
    conditions: tuple[Condition, ...]


def parse(header: str) -> list[StateList]:
    """The lists of a header, of which one must be true. Raises BadXML for what is no If header."""
    words = _words(header)
    lists: list[StateList] = []
    reference: str | None = None
    awaited = True
    for bracket, _, uri, _ in words:
        if bracket == "(":
            lists.append(StateList(reference, tuple(_conditions(words))))
            awaited = False
        elif uri and not (lists if reference is None else awaited):
            reference, awaited = uri, True
        else:
            raise _malformed()
    if awaited:  # a list, or that of the last tag
        raise _malformed()
    return lists


def _words(header: str) -> Iterator[tuple[str, str, str, str]]:
    if len(header) > LONGEST:
        raise _malformed()
    at = 0
    while at < len(header):
        found = _WORD.match(header, at)
        if found is None:
            raise _malformed()
        yield found[1] or "", found[2] or "", found[3] or "", found[4] or ""
        at = found.end()


def _conditions(words: Iterator[tuple[str, str, str, str]]) -> Iterator[Condition]:
    negated = some = False
    for bracket, no, uri, tag in words:
        if bracket == ")" and some and not negated:
            return
        if no and not negated:
            negated = True
        elif uri or tag:
            yield Condition(uri or tag, bool(tag), negated)
            negated, some = False, True
        else:
            break
    raise _malformed()


def _malformed() -> BadXML:
    return BadXML("The If header is not as RFC 4918 section 10.4.2 has it.")


def require(request: DavRequest, site: Site, environ: Mapping[str, Any], *, writes: bool) -> None:
    """Let the request end with 412 unless the header holds: at once, or for one that `writes` when its transaction has
    begun, with the collections that were looked at held until its end. Raises BadXML, Instead."""
    lists = parse(environ["HTTP_IF"])

    def check() -> None:
        seen: dict[str | None, tuple[str | None, str | None]] = {}
        for each in lists:
            if each.reference not in seen:
                resource = _named(request, site, environ, each.reference)
                seen[each.reference] = _state(request, resource, hold=writes)
            etag, token = seen[each.reference]
            if all((one.value == (etag if one.is_tag else token)) is not one.negated for one in each.conditions):
                return
        raise Instead(answers.changed())

    if writes:
        request.when_writing = check
    else:
        check()


def _named(request: DavRequest, site: Site, environ: Mapping[str, Any], reference: str | None) -> Resource | None:
    if reference is None:
        return request.resource
    try:
        url = urlsplit(reference)
        path = unquote(url.path, errors="strict")
    except ValueError as error:
        raise _malformed() from error
    is_ours = path.startswith(f"{PREFIX}/") and is_here(url.netloc, environ, site)
    return resource_at(path.removeprefix(PREFIX)) if is_ours else None


def _state(request: DavRequest, resource: Resource | None, *, hold: bool) -> tuple[str | None, str | None]:
    """The entity tag and the sync token of what is at an address; nothing of what this request may not see."""
    if resource is None or not request.permission(resource):
        return None, None
    looked = look_up(request, resource, octets=False)
    if hold and looked is not None and looked.collection is not None:
        collections.lock(request.connection, [looked.collection.id])
        looked = look_up(request, resource, octets=False)
    if looked is None or looked.collection is None:
        return None, None
    if looked.object is not None:
        return looked.object.etag, None
    return looked.collection.etag, looked.collection.sync_token
