"""Who the client is: the peer of the socket, or, when that is a proxy we trust, whom the proxy names."""

from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from dav_gateway.server.asgi import Headers, Scope

Network = IPv4Network | IPv6Network


class TrustedProxies:
    """The networks of our own reverse proxies. Nothing but the client's address is ever taken from them."""

    def __init__(self, networks: Collection[Network] = ()) -> None:
        self._networks = tuple(networks)
        self._is_proxy = lru_cache(maxsize=256)(self._read)

    def address(self, scope: Scope) -> str:
        """The address of the client that sent a request; empty when its connection has gone already."""
        client = scope["client"]
        return self.client_address(client[0], scope["headers"]) if client else ""

    def client_address(self, peer: str, headers: Headers) -> str:
        """The client's address: `peer` itself unless it is a trusted proxy that names another in X-Forwarded-For.

        The header grows to the right, so the rightmost address that is no proxy of ours is the last one a proxy of
        ours has seen. Empty when a proxy wrote what is no address: unknown must not look like somebody near.
        """
        if not self._networks or not self._is_proxy(peer):
            return peer
        hops = [hop.strip() for name, value in headers if name == b"x-forwarded-for" for hop in value.split(b",")]
        address = peer
        for hop in reversed(hops):
            address = _address(hop.decode("latin-1"))
            if not address or not self._is_proxy(address):
                break
        return address

    def _read(self, text: str) -> bool:
        parsed = _parse(text)
        return parsed is not None and any(
            parsed in network for network in self._networks if network.version == parsed.version
        )


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _address(hop: str) -> str:
    """The address in one hop: plain, `192.0.2.1:4711`, `[2001:db8::1]:4711`; empty for anything else."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return hop if _parse(hop) is not None else ""
