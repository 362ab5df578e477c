"""Conditional requests: If-Match and If-None-Match as lists of entity tags (RFC 9110 sections 13.1.1 and 13.1.2)."""

import re
from collections.abc import Mapping
from typing import Any

LONGEST = 8192
_TAG = re.compile(r'(?:W/)?"[^"]*"|[^\s,"]+')  # each character is looked at once: this runs on what anybody sends


def _tags(value: str) -> list[str]:
    """The entity tags of a header; none for one that is longer than any client's."""
    return _TAG.findall(value) if len(value) <= LONGEST else []


def _names(value: str, etag: str) -> bool:
    """Whether an If-None-Match names `etag`, by the weak comparison."""
    return any(tag == "*" or tag.removeprefix("W/") == etag for tag in _tags(value))


def failed(environ: Mapping[str, Any], etag: str | None) -> bool:
    """Whether a changing request must be answered 412; `etag` is the present entity tag, None when nothing is there.

    If-Match compares strongly, so a weak tag never matches. A tag without quotes, as Thunderbird's probing
    `If-Match: nothing`, matches nothing either.
    """
    wanted = environ.get("HTTP_IF_MATCH")
    if wanted is not None:
        tags = _tags(wanted)
        if etag is None or ("*" not in tags and etag not in tags):
            return True
    refused = environ.get("HTTP_IF_NONE_MATCH")
    return refused is not None and etag is not None and (len(refused) > LONGEST or _names(refused, etag))


def not_modified(environ: Mapping[str, Any], etag: str) -> bool:
    """Whether a GET may be answered 304: the client's copy has the present entity tag."""
    value = environ.get("HTTP_IF_NONE_MATCH")
    return value is not None and _names(value, etag)
