"""Conditional requests: If-Match and If-None-Match as lists of entity tags (RFC 9110 sections 13.1.1 and 13.1.2)."""

import re
from collections.abc import Mapping
from typing import Any

_TAG = re.compile(r'\s*((?:W/)?"[^"]*"|\*|[^\s,"]+)\s*(?:,|$)')


def _listed(value: str) -> list[str]:
    return _TAG.findall(value)


def failed(environ: Mapping[str, Any], etag: str | None) -> bool:
    """Whether a changing request must be answered 412; `etag` is the present entity tag, None when nothing is there.

    If-Match compares strongly, so a weak tag never matches. A tag without quotes, as Thunderbird's probing
    `If-Match: nothing`, matches nothing either.
    """
    wanted = environ.get("HTTP_IF_MATCH")
    if wanted is not None:
        tags = _listed(wanted)
        if etag is None or ("*" not in tags and etag not in tags):
            return True
    refused = environ.get("HTTP_IF_NONE_MATCH")
    if refused is not None and etag is not None:
        tags = _listed(refused)
        return "*" in tags or etag in (tag.removeprefix("W/") for tag in tags)
    return False


def not_modified(environ: Mapping[str, Any], etag: str) -> bool:
    """Whether a GET may be answered 304: the client's copy has the present entity tag."""
    value = environ.get("HTTP_IF_NONE_MATCH")
    if value is None:
        return False
    tags = _listed(value)
    return "*" in tags or etag in (tag.removeprefix("W/") for tag in tags)
