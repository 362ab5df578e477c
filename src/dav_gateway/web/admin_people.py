"""What an administrator does for somebody who cannot sign in: a link to choose a password, the second factor off."""

from starlette.responses import Response

from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.web.context import Context


def show(context: Context) -> Response:
    """One person, and the two buttons."""
    return _page(context, _person(context))


def make_link(context: Context) -> Response:
    """A link to choose a new password, shown once. The administrator never learns the password."""
    person = _person(context)
    try:
        link = context.services.page.passwords.make(person.name, by=context.account.name)
    except NotFound:
        raise
    except Refusal:
        return _page(context, person, failed=True, status=422)
    return _page(context, person, link=link.url)


def factors_off(context: Context) -> Response:
    """Forget every second factor of the person, whose sessions end."""
    person = _person(context)
    if person.id == context.account.id:
        return context.redirect("/account/security")
    _, was_on = context.services.page.take_factors_away(person.name, by=context.account.name)
    return _page(context, person, taken=was_on)


def _person(context: Context) -> Account:
    return context.services.accounts.get(context.params["name"])


def _page(
    context: Context,
    person: Account,
    *,
    link: str = "",
    failed: bool = False,
    taken: bool | None = None,
    status: int = 200,
) -> Response:
    return context.page(
        "admin-person.html",
        status=status,
        person=person,
        protected=context.services.page.standings.of(person.id).is_protected,
        is_self=person.id == context.account.id,
        link=link,
        failed=failed,
        taken=taken,
    )
