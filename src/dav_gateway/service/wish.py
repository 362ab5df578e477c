"""What a person asks for when an app password is made, and which wishes are refused before anything is done."""

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from dav_gateway.core.client_family import family_at_issue
from dav_gateway.core.credential import Credential, Network, Origin, Service
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import Moment, isoformat
from dav_gateway.core.scope import EMPLOYEES, Access, Scope

LONGEST_LABEL = 80
MOST_NETWORKS = 32
_TITLES = {Service.IPHONE: "iPhone", Service.MAC: "Mac"}


@dataclass(frozen=True, slots=True)
class Wish:
    """The choices behind one app password, in their final form."""

    service: Service
    scopes: frozenset[Scope]
    access: Access
    collections: frozenset[str] | None
    networks: tuple[Network, ...]
    expires_at: Moment | None
    label: str
    origin: Origin

    def refuse_impossible(self, now: Moment) -> None:
        """Raises Refusal for what cannot be issued to anybody."""
        if not self.scopes:
            raise Refusal("an app password needs at least one scope: calendars or contacts")
        if self.collections is not None and not self.collections:
            raise Refusal("name at least one collection, or none at all for every one of the scope")
        if self.expires_at is not None and self.expires_at <= now:
            raise Refusal(f"the expiry {isoformat(self.expires_at)} is in the past")

    def record(self, credential_id: str, account_id: int, verifier: str, now: Moment) -> Credential:
        """The credential that fulfils the wish."""
        return Credential(
            credential_id,
            account_id,
            self.label,
            self.service,
            self.scopes,
            self.access,
            self.collections,
            self.networks,
            self.expires_at,
            verifier,
            self.origin,
            now,
            client_family=family_at_issue(self.service),
        )


def wish_from(
    *,
    service: Service,
    scopes: Iterable[Scope],
    access: Access = Access.READ_WRITE,
    collections: Collection[str] | None = None,
    networks: Iterable[Network | str] = (),
    expires_at: Moment | None = None,
    label: str = "",
    origin: Origin,
) -> Wish:
    """A wish in its final form. Raises Refusal for a label or network that cannot be one."""
    chosen = None if collections is None else frozenset(collections)
    return Wish(
        service,
        frozenset(scopes),
        # The directory is read-only for everybody: a password for nothing else says so.
        Access.READ_ONLY if chosen == frozenset({EMPLOYEES}) else access,
        chosen,
        networks_from(networks),
        expires_at,
        label_from(label, service),
        origin,
    )


def successor(old: Credential, credential_id: str, verifier: str, origin: Origin, now: Moment) -> Credential:
    """A new credential that may do what `old` may, for the same device, and is to replace it."""
    return Credential(
        credential_id,
        old.account_id,
        old.label,
        old.service,
        old.scopes,
        old.access,
        old.collections,
        old.networks,
        old.expires_at,
        verifier,
        origin,
        now,
        client_family=old.client_family,
        replaces=old.id,
    )


def label_from(text: str, service: Service) -> str:
    """A label as it is stored: without surrounding space; the service's name when it is empty. Raises Refusal."""
    label = unicodedata.normalize("NFC", text).strip() or _TITLES.get(service, service.value.capitalize())
    if len(label) > LONGEST_LABEL:
        raise Refusal(f"a label has at most {LONGEST_LABEL} characters")
    if not label.isprintable():
        raise Refusal("a label has no control characters")
    return label


def networks_from(given: Iterable[Network | str]) -> tuple[Network, ...]:
    """Networks, or texts such as `192.0.2.0/24` and `2001:db8::1`. Raises Refusal for one that cannot be read."""
    networks: dict[Network, None] = {}
    for one in given:
        try:
            networks[ip_network(one.strip()) if isinstance(one, str) else one] = None
        except ValueError as error:
            raise Refusal(f"{one!r} is not a network such as 192.0.2.0/24 (host bits must be zero)") from error
    if len(networks) > MOST_NETWORKS:
        raise Refusal(f"at most {MOST_NETWORKS} networks can be named")
    return tuple(networks)
