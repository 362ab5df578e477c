"""How sets, lists and mappings stand in text columns.

Requests read few distinct values, so parsing them is memoised; the results are immutable.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_network

from dav_gateway.core.credential import Network
from dav_gateway.core.scope import Scope


def dump_json(value: Mapping[str, object] | Sequence[object]) -> str:
    """Compact JSON with sorted keys, so that equal values are equal text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def dump_scopes(scopes: Iterable[Scope]) -> str:
    """`calendars contacts`, in the order of the enumeration."""
    chosen = set(scopes)
    return " ".join(scope.value for scope in Scope if scope in chosen)


@lru_cache(maxsize=64)
def load_scopes(text: str) -> frozenset[Scope]:
    """The scopes of `calendars contacts`."""
    return frozenset(Scope(word) for word in text.split())


def dump_names(names: Collection[str] | None) -> str | None:
    """A JSON list in order, or NULL for None (every collection)."""
    return None if names is None else dump_json(sorted(names))


@lru_cache(maxsize=4096)
def load_names(text: str | None) -> frozenset[str] | None:
    """The set behind a JSON list; None stays None."""
    return None if text is None else frozenset(json.loads(text))


@lru_cache(maxsize=4096)
def load_words(text: str) -> tuple[str, ...]:
    """The texts of a JSON list, in order."""
    return tuple(json.loads(text))


def dump_networks(networks: Iterable[Network]) -> str:
    """A JSON list of CIDR texts."""
    return dump_json([str(network) for network in networks])


@lru_cache(maxsize=4096)
def load_networks(text: str) -> tuple[Network, ...]:
    """The networks of a JSON list of CIDR texts."""
    return tuple(ip_network(word) for word in json.loads(text))
