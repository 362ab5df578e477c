"""Whether one credential is used from two distant networks at once: a sign that its password is in two devices.

It is a warning only: a phone that hops between two networks looks the same for a while.
"""

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from dav_gateway.core.moment import EPOCH, MINUTE, Moment
from dav_gateway.core.network import network_of

WINDOW = 10 * MINUTE
"""How soon a network must come back, after another one, to count as being used at the same time."""

_IPV4_PREFIX = 16
_IPV6_PREFIX = 32
_MOST_REMEMBERED = 16_384


@dataclass(frozen=True, slots=True)
class _Trail:
    """The network of the last use, and the one before it with the moment it was last seen."""

    here: str
    at: Moment
    before: str = ""
    before_at: Moment = EPOCH


class Places:
    """Remembers the last two networks of each credential, in bounded memory. Safe for threads."""

    def __init__(self) -> None:
        self._trails: OrderedDict[tuple[str, int], _Trail] = OrderedDict()
        self._lock = Lock()

    def is_split(self, credential_id: str, address: str, now: Moment) -> bool:
        """Note a use from `address`; whether its network has come back within the window from a distant one.

        IPv4 and IPv6 are looked at apart: a client with both uses them in turn, from one place.
        """
        found = _network_of(address)
        if found is None:
            return False
        version, network = found
        key = (credential_id, version)
        with self._lock:
            trail = self._trails.get(key)
            self._trails[key] = _next(trail, network, now)
            self._trails.move_to_end(key)
            if len(self._trails) > _MOST_REMEMBERED:
                self._trails.popitem(last=False)
        return (
            trail is not None
            and trail.here != network
            and trail.before == network
            and 0 <= now - trail.before_at < WINDOW
        )


@lru_cache(maxsize=4096)
def _network_of(address: str) -> tuple[int, str] | None:
    """IP version and network of an address, None for what is none."""
    found = network_of(address, ipv4=_IPV4_PREFIX, ipv6=_IPV6_PREFIX)
    return None if found is None else (found.version, str(found))


def _next(trail: _Trail | None, network: str, now: Moment) -> _Trail:
    if trail is None:
        return _Trail(network, now)
    if trail.here == network:
        return _Trail(network, now, trail.before, trail.before_at)
    return _Trail(network, now, trail.here, trail.at)
