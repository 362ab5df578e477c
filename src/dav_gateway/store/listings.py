"""Rows of `listing`: the dead properties of what only lists (root, principal, homes), for each account.

Apple's calendar stores some there (RFC 4918 section 4.1) and wants them back.
"""

import json
from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, select

from dav_gateway.store.columns import dump_json
from dav_gateway.store.dialects import insert
from dav_gateway.store.object_tables import listing

_GET = select(listing.c.properties).where(
    listing.c.account_id == bindparam("account_id"), listing.c.place == bindparam("place")
)
_INSERT = insert(listing)
_SET = _INSERT.on_conflict_do_update(
    index_elements=["account_id", "place"], set_={"properties": _INSERT.excluded.properties}
)


def properties(c: Connection, account_id: int, place: str) -> dict[str, str]:
    """The dead properties that the account keeps at `place`, in Radicale's spelling; empty when there are none."""
    found = c.execute(_GET, {"account_id": account_id, "place": place}).scalar_one_or_none()
    return {} if found is None else dict(json.loads(found))


def set_properties(c: Connection, account_id: int, place: str, kept: Mapping[str, str]) -> None:
    """Replace the dead properties at `place`."""
    c.execute(_SET, {"account_id": account_id, "place": place, "properties": dump_json(kept)})
