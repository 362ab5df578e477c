"""Where a client stands in the changes of a collection: what its sync token says (RFC 6578 section 3.6).

The token of a whole state is the collection's incarnation and counter. One that ends a page in the middle of the
changes also names the last object of the page, because one change may store many objects, and the state in which a
first synchronisation began: what was removed before then the client has never had.
"""

import re
from dataclasses import dataclass

from dav_gateway.store.collections import SYNC_TOKEN_PREFIX, Collection
from dav_gateway.store.errors import SyncTokenTooOld

_PAGE = re.compile(r"([0-9]{1,19}):([0-9]{1,19}):((?:[0-9a-f]{2}){1,255})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SyncPosition:
    """Everything up to `change` is known, of the next change (`change` itself while `name` is set) all up to `name`;
    removals are told when they came after `removals`."""

    change: int = 0
    removals: int = 0
    name: str = ""

    def sync_token(self, inside: Collection) -> str:
        """The sync token of this position in `inside`."""
        if not self.name:
            return f"{SYNC_TOKEN_PREFIX}{inside.incarnation}:{self.change}"
        return f"{SYNC_TOKEN_PREFIX}{inside.incarnation}:{self.change}:{self.removals}:{self.name.encode().hex()}"


def start(inside: Collection) -> SyncPosition:
    """Where a client stands that has nothing: no removal so far is news to it."""
    return SyncPosition(removals=inside.change)


def read(inside: Collection, sync_token: str) -> SyncPosition:
    """The position that `sync_token` tells. Raises SyncTokenTooOld unless it is one of this collection that can still
    be answered."""
    page = _PAGE.fullmatch(sync_token.removeprefix(f"{SYNC_TOKEN_PREFIX}{inside.incarnation}:"))
    if page is None or not sync_token.startswith(SYNC_TOKEN_PREFIX):
        change = inside.change_at(sync_token)
        return SyncPosition(change, change)
    change, removals = int(page[1]), int(page[2])
    if not (change <= inside.change and inside.oldest <= removals <= inside.change):
        raise SyncTokenTooOld
    try:
        name = bytes.fromhex(page[3]).decode()
    except UnicodeDecodeError as error:
        raise SyncTokenTooOld from error
    if "\0" in name:  # the character 0 is no text to PostgreSQL
        raise SyncTokenTooOld
    return SyncPosition(change, removals, name)
