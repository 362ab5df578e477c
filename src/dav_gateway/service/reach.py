"""Comparing what two states of a credential allow: the fence and `narrow` ask what one has that the other lacks."""

from collections.abc import Sequence

from dav_gateway.core.credential import Credential, Network, Reason
from dav_gateway.core.scope import Access


def lost(before: Credential, after: Credential) -> Reason | None:
    """Why `after` does not allow everything that `before` allowed; None when it allows at least as much.

    Liveness (revoked, paused, expired) is another question: `core.credential.refusal_of_liveness`.
    """
    if not before.scopes <= after.scopes:
        return Reason.SCOPE
    if before.access is Access.READ_WRITE and after.access is Access.READ_ONLY:
        return Reason.READ_ONLY
    if after.collections is not None and not (before.collections or {None}) <= after.collections:
        return Reason.SCOPE
    if not _within(before.networks, after.networks):
        return Reason.ADDRESS
    return None


def _within(inner: Sequence[Network], outer: Sequence[Network]) -> bool:
    """Whether every address of `inner` is in `outer`; no networks at all means every address."""
    if not outer:
        return True
    return bool(inner) and all(any(_is_inside(network, other) for other in outer) for network in inner)


def _is_inside(network: Network, other: Network) -> bool:
    return (
        network.version == other.version and network.prefixlen >= other.prefixlen and network.network_address in other
    )
