"""Administration: every account and its app passwords, seen and stopped. No secret is ever shown or made here."""

from collections import Counter
from dataclasses import dataclass

from starlette.responses import Response

from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import Moment
from dav_gateway.store import accounts, audit, credentials
from dav_gateway.web import listing, naming
from dav_gateway.web.context import Context
from dav_gateway.web.listing import Row
from dav_gateway.web.receipts import told
from dav_gateway.web.refusals import in_short

HERE = "/admin"
MOST_ROWS = 50
_REFUSALS = frozenset({"refused", "scope_denied", "throttled", "sign_in_failed"})
_LOOKED_AT = 500
_MOST_REFUSALS = 20


@dataclass(frozen=True, slots=True)
class Refused:
    """One refusal in words."""

    at: Moment
    who: str
    why: str
    client: str
    address: str


def show(context: Context) -> Response:
    """The live app passwords that match the search, and the last refusals."""
    wanted = context.query.get("q", "")[:100].strip().lower()
    with context.services.database.read() as connection:
        people = accounts.every(connection)
        live = credentials.not_revoked(connection)
        events = audit.select(connection, limit=_LOOKED_AT)
    now, words = context.now, context.words
    matching = [
        (owner, listing.row(words, each, owner, now))
        for each, owner in live
        if wanted in f"{owner.name}\n{owner.display_name}\n{owner.email}\n{each.label}\n{each.id}".lower()
    ]
    matching.sort(key=_newest_first)
    counted = Counter(owner.id for _, owner in live)
    refusals = [_refused(context, event) for event in events if event.event in _REFUSALS]
    return context.page(
        "admin.html",
        rows=matching[:MOST_ROWS],
        matching=len(matching),
        live=len(live),
        people=[(each, counted[each.id]) for each in people],
        refusals=refusals[:_MOST_REFUSALS],
        q=wanted,
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


def _named(context: Context) -> tuple[Account, Row]:
    with context.services.database.read() as connection:
        found = credentials.with_owner(connection, context.params["id"])
    if found is None:
        raise NotFound("no such app password")
    credential, owner = found
    return owner, listing.row(context.words, credential, owner, context.now)


def _newest_first(pair: tuple[Account, Row]) -> tuple[int, str]:
    credential = pair[1].credential
    return -(credential.last_used_at or credential.created_at), credential.id


def _refused(context: Context, event: audit.Event) -> Refused:
    words = context.words
    if event.event == "sign_in_failed":
        why = words.gettext("Sign-in to this page failed")
    else:
        why = in_short(words, str(event.detail.get("reason", "")))
    client = naming.program(words, event.client_family) if event.client_family else ""
    return Refused(event.at, event.account or words.gettext("Nobody we know"), why, client, event.address or "")
