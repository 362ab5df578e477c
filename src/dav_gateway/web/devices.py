"""Devices: which programs, from which networks, came with each app password, and what came of it. A password that was
copied elsewhere shows here as a second program or network."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from starlette.responses import Response

from dav_gateway.core.client_family import family_of
from dav_gateway.core.credential import Credential
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.service.throttle import prefix_of
from dav_gateway.store import audit_sums
from dav_gateway.store.audit_sums import Sum
from dav_gateway.web import listing, naming
from dav_gateway.web.context import Context
from dav_gateway.web.language import Words
from dav_gateway.web.listing import Row
from dav_gateway.web.owned import all_of
from dav_gateway.web.refusals import in_short

LOOKED_BACK = 90 * DAY
MOST_PLACES = 12
_USES = ("first_used", "used", "client_warned", "two_networks")
_REFUSALS = ("refused", "scope_denied", "throttled")


@dataclass(frozen=True, slots=True)
class Place:
    """One program on one network, and what came of its requests: `why` is empty where it synced."""

    program: str
    network: str
    is_here: bool
    why: str
    first: Moment
    last: Moment


@dataclass(frozen=True, slots=True)
class Device:
    """One app password and the places it came from, the latest first; `left_out` more are not shown."""

    row: Row
    places: tuple[Place, ...]
    left_out: int


def show(context: Context) -> Response:
    """The page: every app password that can be used, and deleted ones that still try."""
    since = Moment(context.now - LOOKED_BACK)
    with context.services.database.read() as connection:
        sums = audit_sums.of_account(connection, context.account.name, (*_USES, *_REFUSALS), since)
    own = {each.id: each for each in all_of(context)}
    rows = listing.rows(context.words, own.values(), context.account, context.now, context.asker.address)
    shown = [each for each in rows if not each.deleted or each.group is listing.Group.LOOK]
    devices = [_device(context, each, [one for one in sums if one.credential_id == each.id]) for each in shown]
    return context.page("devices.html", devices=devices, days=LOOKED_BACK // DAY)


def _device(context: Context, row: Row, sums: Iterable[Sum]) -> Device:
    found: dict[tuple[str, str, str], Place] = {}
    for each in (*_last(row.credential), *sums):
        place = _place(context.words, each, context.asker.address)
        key = (place.program, place.network, place.why)
        known = found.get(key, place)
        found[key] = replace(place, first=min(known.first, place.first), last=max(known.last, place.last))
    places = sorted(found.values(), key=lambda each: each.last, reverse=True)
    return Device(row, tuple(places[:MOST_PLACES]), len(places[MOST_PLACES:]))


def _last(credential: Credential) -> list[Sum]:
    """The last use as it stands with the app password: the audit has a sample of an hour."""
    at = credential.last_used_at
    if at is None:
        return []
    family = family_of(credential.last_used_client or "")
    return [Sum("used", credential.id, family, "", credential.last_used_address or "", at, at, 1)]


def _place(words: Words, of: Sum, here: str) -> Place:
    network = prefix_of(of.address) if of.address else ""
    # One address is a network of its own: the mask says nothing to a person.
    told = of.address if network.endswith("/32") else network
    why = in_short(words, of.reason) if of.event in _REFUSALS else ""
    is_here = bool(network) and network == prefix_of(here)
    return Place(naming.program(words, of.client_family), told, is_here, why, of.first, of.last)
