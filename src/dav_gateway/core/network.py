"""Addresses of clients as text, and the networks that they are in."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address; None for text that is none. IPv4 in IPv6 (`::ffff:192.0.2.1`, what a dual-stack socket reports)
    counts as the IPv4 address, a zone (RFC 4007 section 11) for nothing."""
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def network_of(text: str, *, ipv4: int, ipv6: int) -> IPv4Network | IPv6Network | None:
    """The network of an address, with a prefix of so many bits; None for text that is no address."""
    parsed = address_of(text)
    if parsed is None:
        return None
    return ip_network((parsed, ipv4 if isinstance(parsed, IPv4Address) else ipv6), strict=False)
