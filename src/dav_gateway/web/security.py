"""Security: the main password and the sessions. The panel of the second step is filled by `web/factors`."""

from starlette.responses import Response

from dav_gateway.core.errors import Refusal
from dav_gateway.core.sign_in import again
from dav_gateway.service.accounts import LONGEST_PASSWORD, SHORTEST_PASSWORD
from dav_gateway.web import naming
from dav_gateway.web.context import Context
from dav_gateway.web.receipts import Told, told

HERE = "/account/security"


def show(context: Context) -> Response:
    """The page."""
    return _page(context)


def change_password(context: Context) -> Response:
    """A new main password; every other session ends, and the app passwords too unless the box is not ticked."""
    form, page = context.form, context.services.page
    page.standings.require_recent(context.visited.sign_in)
    new = form.get("new")
    if not SHORTEST_PASSWORD <= len(new) <= LONGEST_PASSWORD:
        return _page(context, error="length", status=422)
    if new != form.get("repeated"):
        return _page(context, error="repeated", status=422)
    outcome = page.identity.by_password(again(context.account.id), "", form.get("current"), context.asker)
    if outcome.sign_in.reason is not None:
        return _page(context, error="wait" if outcome.wait else "current", status=429 if outcome.wait else 422)
    receipt = page.passwords.change(context.visited.sign_in, new, context.asker, stop=bool(form.get("stop")))
    return _page(context, changed=True, receipt=told(receipt) if form.get("stop") else None)


def end_session(context: Context) -> Response:
    """End one session, or all others."""
    if context.form.get("others"):
        context.services.sessions.end_others(context.visited)
        return context.redirect(HERE)
    chosen = context.form.get("session")
    if not chosen:
        raise Refusal("no session was named")
    context.services.sessions.end_named(context.account, chosen)
    return context.redirect(HERE)


def _page(
    context: Context, *, error: str = "", changed: bool = False, receipt: Told | None = None, status: int = 200
) -> Response:
    found = context.services.sessions.of_account(context.account)
    provider = context.services.page.single_sign_on
    sessions = [(each, naming.browser(context.words, each.user_agent)) for each in found]
    return context.page(
        "security.html",
        status=status,
        error=error,
        changed=changed,
        receipt=receipt,
        sessions=sessions,
        factors=context.services.page.factors.overview(context.account.id),
        has_provider=provider is not None,
        is_linked=provider is not None and provider.is_linked(context.account.id),
        this=context.visited.session.id,
        shortest=SHORTEST_PASSWORD,
    )
