"""Administration: every account and its app passwords, seen and stopped. No secret is ever shown or made here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Service
from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.store import accounts, audit, audit_sums, credentials
from dav_gateway.web import listing, naming, plots, rule_trial
from dav_gateway.web.context import Context
from dav_gateway.web.listing import Group, Row
from dav_gateway.web.receipts import told
from dav_gateway.web.refusals import in_short

HERE = "/admin"
MOST_ROWS = 50
REFUSALS_SINCE = 7 * DAY
_REFUSED = ("refused", "scope_denied", "throttled")
_MOST_REFUSALS = 20
_LONGEST_SEARCH = 100
_LAST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Refused:
    """One refusal in words."""

    at: Moment
    who: str
    why: str
    client: str
    address: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form of the search asks for; empty is everything."""

    text: str
    device: str
    state: str
    page: int
    people: int

    def fits(self, credential: Credential, owner: Account) -> bool:
        """Whether the words of the search and the device are those of this one."""
        if self.device and credential.service != self.device:
            return False
        return self.text in f"{_words_of(owner)}\n{credential.label}\n{credential.id}".lower()

    def address(self, **other: int) -> str:
        """This search with another page."""
        chosen = {"q": self.text, "device": self.device, "state": self.state, "page": self.page, "people": self.people}
        kept = {name: value for name, value in {**chosen, **other}.items() if value}
        return f"{HERE}?{urlencode(kept)}" if kept else HERE


def show(context: Context) -> Response:
    """The plots, the trial of the rule, the live app passwords that are searched for, refusals, people."""
    now, wanted = context.now, _wanted(context)
    with context.services.database.read() as connection:
        people = accounts.every(connection)
        live = credentials.not_revoked(connection)
        lifetimes = credentials.lifetimes(connection)
        latest = audit.recent(connection, (*_REFUSED, "sign_in_failed"), _MOST_REFUSALS)
        refusals = audit_sums.of_everybody(connection, _REFUSED, Moment(now - REFUSALS_SINCE))
        tried = audit_sums.of_everybody(connection, rule_trial.EVENTS, Moment(now - rule_trial.LOOKED_BACK))
    words = context.words
    rows, matching = _rows(context, wanted, live)
    named = [each for each in people if wanted.text in _words_of(each).lower()] or people
    begins = wanted.people * MOST_ROWS
    counted = Counter(owner.id for _, owner in live)
    return context.page(
        "admin.html",
        rows=rows,
        matching=matching,
        live=len(live),
        owners=len(counted),
        people=[(each, counted[each.id]) for each in named[begins : begins + MOST_ROWS]],
        refusals=[_refused(context, event) for event in latest],
        wanted=wanted,
        most=MOST_ROWS,
        named=len(named),
        devices=[(each.value, naming.device(words, each)) for each in naming.DEVICES],
        curve=plots.devices(words, lifetimes, now),
        programs=plots.programs(words, [each for each, _ in live], now),
        reasons=plots.refusals(words, refusals),
        trial=rule_trial.attempt(live, tried),
        policy=context.services.family_policy.value,
    )


def ask_stop(context: Context) -> Response:
    """Whose it is, and the button that stops it."""
    owner, row = _named(context)
    return context.page("admin-stop.html", owner=owner, row=row)


def stop(context: Context) -> Response:
    """Delete another person's app password; the receipt."""
    owner, row = _named(context)
    receipt = context.services.revocation.revoke([row.id], by=context.account.name, why="stopped by an administrator")
    return context.page("admin-stopped.html", owner=owner, row=row, receipt=told(receipt))


def _wanted(context: Context) -> Wanted:
    query = context.query
    device, state = query.get("device", ""), query.get("state", "")
    return Wanted(
        query.get("q", "")[:_LONGEST_SEARCH].strip().lower(),
        device if device in set(Service) else "",
        state if state in set(Group) else "",
        _number(query.get("page", "")),
        _number(query.get("people", "")),
    )


def _number(text: str) -> int:
    """The number of a page; whatever is none is the first."""
    return min(int(text), _LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < len(str(_LAST_PAGE)) else 0


def _rows(
    context: Context, wanted: Wanted, live: Sequence[tuple[Credential, Account]]
) -> tuple[list[tuple[Account, Row]], int]:
    """The app passwords of the page that is asked for, the one used last first, and how many there are in all."""
    words, now = context.words, context.now
    matching = sorted(((owner, each) for each, owner in live if wanted.fits(each, owner)), key=_newest_first)
    if wanted.state:
        matching = [one for one in matching if listing.row(words, one[1], one[0], now).group == wanted.state]
    begins = wanted.page * MOST_ROWS
    shown = matching[begins : begins + MOST_ROWS]
    return [(owner, listing.row(words, each, owner, now)) for owner, each in shown], len(matching)


def _words_of(account: Account) -> str:
    return f"{account.name}\n{account.display_name}\n{account.email}"


def _named(context: Context) -> tuple[Account, Row]:
    with context.services.database.read() as connection:
        found = credentials.with_owner(connection, context.params["id"])
    if found is None:
        raise NotFound("no such app password")
    credential, owner = found
    return owner, listing.row(context.words, credential, owner, context.now)


def _newest_first(pair: tuple[Account, Credential]) -> tuple[int, str]:
    credential = pair[1]
    return -(credential.last_used_at or credential.created_at), credential.id


def _refused(context: Context, event: audit.Event) -> Refused:
    words, client = context.words, ""
    if event.event == "sign_in_failed":
        why = words.gettext("Sign-in to this page failed")
    else:
        why = in_short(words, str(event.detail.get("reason", "")))
        client = naming.program(words, event.client_family) if event.client_family else ""
    return Refused(event.at, event.account or words.gettext("Nobody we know"), why, client, event.address or "")
