"""Changing what an app password syncs, whether it may change things, and when it ends. Less takes effect at once and is
answered with the receipt; for more the person says anew who they are, and comes back to the form as it was filled in.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from dav_gateway.core.credential import Credential
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import EMPLOYEES, Access, Scope
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.revocation import Limits
from dav_gateway.service.standings import IdentityNeeded
from dav_gateway.web import naming
from dav_gateway.web.context import Context
from dav_gateway.web.guard import with_next
from dav_gateway.web.making import ENDS, SCOPES
from dav_gateway.web.owned import owned
from dav_gateway.web.receipts import told
from dav_gateway.web.showing import server_for

SAME = "same"
"""The choice that leaves a field as it is: an end, or a list of single collections, which a portal can set."""


def show(context: Context) -> Response:
    """The form, filled in with what holds now, or with what stood there before the person was asked who they are."""
    return _form(context, owned(context, alive=True), context.query)


def change(context: Context) -> Response:
    """Do it, and say what was taken away and what the device has to be told."""
    before = owned(context, alive=True)
    chosen = {name: context.form.get(name) for name in ("what", "access", "ends")}
    recent = context.services.page.standings.is_recent(context.visited.sign_in)
    try:
        done = context.services.changing.change(
            before.id, by=context.account.name, may_widen=recent, **_limits(before, chosen, context.now)
        )
    except IdentityNeeded:
        return context.redirect(with_next("/account/confirm", f"{context.path}?{urlencode(chosen)}"))
    except NotFound:
        raise
    except Refusal:
        return _form(context, before, chosen, failed=True, status=422)
    added = done.credential.scopes - before.scopes
    return context.page(
        "changed.html",
        credential=done.credential,
        syncs=naming.syncs(context.words, done.credential),
        receipt=told(done.receipt) if done.narrowed else None,
        widened=done.widened,
        adds=_kind_of(added) if added else "",
        server=server_for(context, done.credential.service),
        device=naming.device(context.words, done.credential.service),
    )


def _limits(before: Credential, chosen: dict[str, str], now: Moment) -> Limits:
    """The fields that the form changes. Raises Refusal for a choice that it does not offer."""
    what, access, ends = chosen["what"], chosen["access"], chosen["ends"]
    if what not in {SAME, *SCOPES} or access not in set(Access) or ends not in {SAME, *map(str, ENDS)}:
        raise Refusal("the form holds a choice that it does not offer")
    limits = Limits(access=Access(access))
    if what != SAME:
        limits["scopes"] = SCOPES[what]
        limits["collections"] = frozenset({EMPLOYEES}) if what == "employees" else None
    if what == "employees" or (what == SAME and before.collections == frozenset({EMPLOYEES})):
        limits["access"] = Access.READ_ONLY  # as when it is made: the directory is read-only for everybody
    if ends != SAME:
        limits["expires_at"] = Moment(now + int(ends) * DAY) if int(ends) else None
    return limits


def _form(
    context: Context, credential: Credential, chosen: Mapping[str, str], *, failed: bool = False, status: int = 200
) -> Response:
    single = credential.collections is not None and credential.collections != frozenset({EMPLOYEES})
    now_is = SAME if single else naming.kind_of(credential)
    return context.page(
        "change.html",
        status=status,
        credential=credential,
        syncs=naming.syncs(context.words, credential),
        single=sorted(credential.collections or ()) if single else [],
        what=chosen.get("what") or now_is,
        access=chosen.get("access") or credential.access.value,
        ends=ENDS,
        chosen_end=chosen.get("ends") or SAME,
        failed=failed,
        most=MOST_LIVE,
    )


def _kind_of(added: frozenset[Scope]) -> str:
    """For which part the device needs another account."""
    return "both" if len(added) > 1 else "calendar" if Scope.CALENDARS in added else "contacts"
