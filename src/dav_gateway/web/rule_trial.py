"""What the rule "one kind of program for each app password" would do, tried on what the last thirty days were like."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dav_gateway.core.account import Account
from dav_gateway.core.client_family import fits
from dav_gateway.core.credential import Credential
from dav_gateway.core.moment import DAY
from dav_gateway.store.audit_sums import Sum

LOOKED_BACK = 30 * DAY
EVENTS = ("first_used", "used", "client_warned", "refused")


@dataclass(frozen=True, slots=True)
class Trial:
    """How many app passwords go on as before, of how many another program was seen, and how many were not used.
    `people`: whose would stop, and how many of each."""

    go_on: int
    would_stop: int
    unused: int
    people: tuple[tuple[Account, int], ...]


def attempt(live: Iterable[tuple[Credential, Account]], sums: Iterable[Sum]) -> Trial:
    """`sums` are of EVENTS since LOOKED_BACK; a refusal counts where the program was the reason."""
    seen: dict[str, set[str]] = {}
    for each in sums:
        relevant = each.event != "refused" or each.reason == "client"
        if each.credential_id and each.client_family and relevant:
            seen.setdefault(each.credential_id, set()).add(each.client_family)
    go_on = unused = 0
    stopped: Counter[int] = Counter()
    people: dict[int, Account] = {}
    for credential, owner in live:
        families = seen.get(credential.id, set())
        if not families:
            unused += 1
        elif _is_one_kind(credential, families):
            go_on += 1
        else:
            stopped[owner.id] += 1
            people[owner.id] = owner
    by_name = sorted(people.values(), key=lambda each: each.display_name)
    return Trial(go_on, stopped.total(), unused, tuple((each, stopped[each.id]) for each in by_name))


def _is_one_kind(credential: Credential, families: set[str]) -> bool:
    """Whether the family that is fixed, or the first one that would be, is the only one."""
    if credential.client_family is None:
        return len(families) == 1
    return all(fits(credential.client_family, each) for each in families)
