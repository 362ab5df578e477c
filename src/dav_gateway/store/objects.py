"""Objects: what calendars and address books hold, octet for octet as the client sent it.

Every function costs the same whatever the collection holds, unless it is there to read all of it.
"""

from dav_gateway.store.object_changes import (
    changes_since,
    forget_removed,
    forget_some_removed,
    page_of_changes,
    with_many_removed,
)
from dav_gateway.store.object_reads import (
    KEPT,
    count,
    each_of,
    every,
    get,
    get_many,
    listing,
    short_listing,
    whole,
)
from dav_gateway.store.object_rows import NewObject, StoredObject
from dav_gateway.store.object_writes import copy_all, move, put, put_many, remove

__all__ = [
    "KEPT",
    "NewObject",
    "StoredObject",
    "changes_since",
    "copy_all",
    "count",
    "each_of",
    "every",
    "forget_removed",
    "forget_some_removed",
    "get",
    "get_many",
    "listing",
    "move",
    "page_of_changes",
    "put",
    "put_many",
    "remove",
    "short_listing",
    "whole",
    "with_many_removed",
]
