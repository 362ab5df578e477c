"""Client families: which kind of client a User-Agent names, and whether it is the kind a credential belongs to.

The mapping is data (`client_families.toml`, each entry with its source). A User-Agent can be forged, so this stops a
password from being used in another kind of client by mistake or at leisure; it does not prove a device.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files

from dav_gateway.core.credential import Service

UNLISTED = "other:"
"""Prefix of the family of a client that the data does not list: `other:` and its product name in lower case."""

_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9._+-]{0,39}")
_LONGEST_AGENT = 512


class FamilyPolicy(StrEnum):
    """What happens to a request whose client is of another family than the credential's."""

    ENFORCE = "enforce"
    WARN = "warn"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ClientFamily:
    """One entry of the data. `name` is stored with credentials and never renamed."""

    name: str
    title: str
    services: frozenset[Service]
    agents: tuple[re.Pattern[str], ...]
    source: str

    def sends(self, user_agent: str) -> bool:
        """Whether this family's clients send such a User-Agent."""
        return any(agent.search(user_agent) for agent in self.agents)


@cache
def families() -> tuple[ClientFamily, ...]:
    """Every family that the data lists, in the order in which they are tried."""
    entries = tomllib.loads((files("dav_gateway.core") / "client_families.toml").read_text("utf-8"))
    return tuple(
        ClientFamily(
            name,
            entry["title"],
            frozenset(Service(service) for service in entry["services"]),
            tuple(re.compile(agent, re.IGNORECASE) for agent in entry["agents"]),
            entry["source"],
        )
        for name, entry in entries.items()
    )


def family_of(user_agent: str) -> str | None:
    """The family that a User-Agent names; `other:<product>` for an unlisted one; None when it names nothing."""
    return _family_of(user_agent.strip()[:_LONGEST_AGENT])


@lru_cache(maxsize=1024)
def _family_of(user_agent: str) -> str | None:
    for family in families():
        if family.sends(user_agent):
            return family.name
    product = _PRODUCT.match(user_agent)
    return f"{UNLISTED}{product.group().lower()}" if product else None


def expected_families(service: Service) -> frozenset[str]:
    """The families that a service chosen at issue stands for; empty when the first client seen decides."""
    return frozenset(family.name for family in families() if service in family.services)


def family_at_issue(service: Service) -> str | None:
    """The family that issuing for `service` fixes, None when it is learnt at the first use."""
    expected = expected_families(service)
    return next(iter(expected)) if len(expected) == 1 else None


def fits(fixed: str | None, seen: str | None) -> bool:
    """Whether a request of family `seen` may use a credential of family `fixed`.

    A request without a User-Agent names no other family. Refusing it would stop nobody: who can leave the header out
    can as well forge it.
    """
    return fixed is None or seen is None or fixed == seen


def title_of(family: str) -> str:
    """A family as a person reads it."""
    return next((entry.title for entry in families() if entry.name == family), family.removeprefix(UNLISTED))
