"""Conditional requests (RFC 9110 section 13): entity tags in lists, dates, and If-Schedule-Tag-Match (RFC 6638)."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from dav_gateway.core.moment import Moment

LONGEST = 8192
_TAG = re.compile(r'(?:W/)?"[^"]*"|[^\s,"]+')  # each character is looked at once: this runs on what anybody sends


def _tags(value: str) -> list[str]:
    """The entity tags of a header; none for one that is longer than any client's."""
    return _TAG.findall(value) if len(value) <= LONGEST else []


def _names(value: str, etag: str) -> bool:
    """Whether an If-None-Match names `etag`, by the weak comparison."""
    return any(tag == "*" or tag.removeprefix("W/") == etag for tag in _tags(value))


def _seconds(value: str) -> int | None:
    """An HTTP date in POSIX seconds; None for what is none, which is ignored (RFC 9110 section 13.1.3)."""
    try:
        moment = parsedate_to_datetime(value)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def failed(environ: Mapping[str, Any], etag: str | None, modified: Moment | None = None) -> bool:
    """Whether a changing request must be answered 412; `etag` is the present entity tag, None when nothing is there.

    If-Match compares strongly, so a weak tag never matches. A tag without quotes, as Thunderbird's probing
    `If-Match: nothing`, matches nothing either. If-Schedule-Tag-Match is read as If-Match: nothing here has a schedule
    tag, so a client can only have made it from the entity tag, or remember it from another server.
    """
    if _not_the_one(environ, etag, modified):
        return True
    refused = environ.get("HTTP_IF_NONE_MATCH")
    return refused is not None and etag is not None and (len(refused) > LONGEST or _names(refused, etag))


def _not_the_one(environ: Mapping[str, Any], etag: str | None, modified: Moment | None) -> bool:
    wanted = [environ[name] for name in ("HTTP_IF_MATCH", "HTTP_IF_SCHEDULE_TAG_MATCH") if name in environ]
    for value in wanted:
        tags = _tags(value)
        if etag is None or ("*" not in tags and etag not in tags):
            return True
    if "HTTP_IF_UNMODIFIED_SINCE" not in environ or wanted or modified is None:
        return False
    since = _seconds(environ["HTTP_IF_UNMODIFIED_SINCE"])
    return since is not None and modified // 1000 > since


def of_reading(environ: Mapping[str, Any], etag: str, last_modified: str) -> int | None:
    """304 or 412 where a GET is answered without its body, else None (RFC 9110 section 13.2.2)."""
    modified = _seconds(last_modified)
    if _not_the_one(environ, etag, None if modified is None else Moment(modified * 1000)):
        return 412
    named = environ.get("HTTP_IF_NONE_MATCH")
    if named is not None:
        return 304 if _names(named, etag) else None
    since = _seconds(environ.get("HTTP_IF_MODIFIED_SINCE", ""))
    return 304 if since is not None and modified is not None and modified <= since else None
