"""Wishes as text: what was approved or prepared now, to be issued later. The shape only grows."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.scope import Access, Scope
from dav_gateway.service.wish import Wish, networks_from


def dump(wishes: Iterable[Wish]) -> str:
    """Wishes as one line of JSON; nothing in it is secret."""
    return json.dumps([_record(wish) for wish in wishes], ensure_ascii=False, sort_keys=True)


def load(text: str) -> list[Wish]:
    """The wishes of a line that `dump` made."""
    return [_wish(record) for record in json.loads(text)]


def _record(wish: Wish) -> dict[str, object]:
    return {
        "service": wish.service.value,
        "scopes": sorted(wish.scopes),
        "access": wish.access.value,
        "collections": None if wish.collections is None else sorted(wish.collections),
        "networks": [str(network) for network in wish.networks],
        "expires_at": wish.expires_at,
        "label": wish.label,
        "origin": wish.origin.value,
    }


def _wish(record: Mapping[str, Any]) -> Wish:
    return Wish(
        Service(record["service"]),
        frozenset(Scope(scope) for scope in record["scopes"]),
        Access(record["access"]),
        None if record["collections"] is None else frozenset(record["collections"]),
        networks_from(record["networks"]),
        record["expires_at"],
        record["label"],
        Origin(record["origin"]),
    )
