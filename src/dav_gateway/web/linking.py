"""Linking an account to its person's sign-in at the company's provider, and undoing it.

The way to the provider is a link on a page of ours, never a redirect: an address that began it by itself could be
opened in somebody's browser by a stranger, who would so link a sign-in of his own to that account.
"""

from collections.abc import Mapping
from secrets import token_hex
from typing import TYPE_CHECKING

from starlette.responses import Response

from dav_gateway.core.errors import GatewayError, NotFound, Refusal, StoreUnavailable
from dav_gateway.service.standings import IdentityNeeded
from dav_gateway.web.context import Context

if TYPE_CHECKING:
    from dav_gateway.service.single_sign_on import SingleSignOn

HERE = "/account/security/single-sign-on"
_BACK = "/account/security"
_MARK = "link-"
"""How the binding of a browser that was sent to link begins."""


def show(context: Context) -> Response:
    """What linking means and the way to the provider; or what undoing it means."""
    provider = _provider(context)
    if provider.is_linked(context.account.id):
        return context.page("unlink.html", here=HERE, failed=False)
    context.services.sign_in.count_begun(context.asker)
    binding = f"{_MARK}{token_hex(16)}"
    try:
        address = provider.begin_link(context.visited.sign_in, binding)
    except (StoreUnavailable, IdentityNeeded):
        raise
    except GatewayError:
        return _unanswered(context)
    response = context.page("link.html", address=address)
    context.cookies.set_leaving(response, binding, "")
    return response


def is_link(binding: str) -> bool:
    """Whether a browser that comes back with this binding was sent to link."""
    return binding.startswith(_MARK)


def come_back(context: Context, binding: str, answer: Mapping[str, str]) -> Response:
    """Link what the provider says, when the answer is to a question of this browser and account."""
    words = context.words
    if context.visit is None or not context.visit.signed_in:
        return _not_linked(context, 422, words.gettext("You are not signed in here any more."))
    try:
        _provider(context).finish_link(context.visited.sign_in, binding, answer, context.asker)
    except (StoreUnavailable, IdentityNeeded):
        raise
    except Refusal:
        return _not_linked(
            context,
            422,
            words.gettext("It took too long, was not begun in this browser, or belongs to another account already."),
        )
    except GatewayError:
        return _unanswered(context)
    return context.redirect(_BACK)


def unlink(context: Context) -> Response:
    """Undo the link."""
    try:
        _provider(context).unlink(context.visited.sign_in, context.asker)
    except IdentityNeeded:
        raise
    except Refusal:
        return context.page("unlink.html", status=422, here=HERE, failed=True)
    return context.redirect(_BACK)


def _provider(context: Context) -> "SingleSignOn":
    provider = context.services.page.single_sign_on
    if provider is None:
        raise NotFound("no provider is configured")
    return provider


def _unanswered(context: Context) -> Response:
    return _not_linked(
        context, 503, context.words.gettext("The provider of your sign-in does not answer. Try again in a while.")
    )


def _not_linked(context: Context, status: int, sentence: str) -> Response:
    title = context.words.gettext("Nothing was linked")
    return context.page("error.html", status=status, title=title, advice=sentence, back=_BACK)
