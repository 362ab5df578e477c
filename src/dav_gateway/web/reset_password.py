"""A new main password by a link, and asking for the link by mail. A GET uses nothing up: mail programs fetch links."""

from starlette.responses import Response

from dav_gateway.core.errors import Refusal
from dav_gateway.service.accounts import LONGEST_PASSWORD, SHORTEST_PASSWORD
from dav_gateway.web.context import Context
from dav_gateway.web.receipts import told


def show(context: Context) -> Response:
    """The form, or that the link is worth nothing."""
    return _form(context)


def redeem(context: Context) -> Response:
    """Set the password, and stop all app passwords unless the tick was taken away."""
    new, stop = context.form.get("new"), bool(context.form.get("stop"))
    if not SHORTEST_PASSWORD <= len(new) <= LONGEST_PASSWORD:
        return _form(context, error="length", status=422)
    if new != context.form.get("repeated"):
        return _form(context, error="repeated", status=422)
    try:
        receipt = context.services.page.passwords.redeem(context.params["text"], new, context.asker, stop=stop)
    except Refusal:
        return _gone(context)
    return context.page("reset-done.html", receipt=told(receipt) if stop else None)


def ask(context: Context) -> Response:
    """The form that asks for a mail; without mail, whom to ask instead."""
    return context.page("forgot.html", has_mail=context.services.post is not None, asked=False)


def send(context: Context) -> Response:
    """The same answer whether there is such an account or not."""
    if context.services.post is None:
        return context.redirect("/forgot-password")
    context.services.sign_in.count_begun(context.asker)
    context.services.page.passwords.ask_by_mail(context.form.get("login")[:320], context.asker)
    return context.page("forgot.html", has_mail=True, asked=True)


def _form(context: Context, *, error: str = "", status: int = 200) -> Response:
    try:
        account = context.services.page.passwords.look(context.params["text"])
    except Refusal:
        return _gone(context)
    return context.page("reset.html", status=status, error=error, person=account, shortest=SHORTEST_PASSWORD)


def _gone(context: Context) -> Response:
    return context.page("reset-gone.html", status=410, has_mail=context.services.post is not None)
