"""Signing in by the company's own provider: away by a link, and back with an answer that is judged here."""

from secrets import token_hex

from starlette.responses import RedirectResponse, Response

from dav_gateway.core.errors import GatewayError, NotFound, StoreUnavailable
from dav_gateway.core.sign_in import SignInReason, Stage
from dav_gateway.service.sign_in import Step
from dav_gateway.web import linking
from dav_gateway.web.context import Context
from dav_gateway.web.guard import local_path
from dav_gateway.web.proofs import failure
from dav_gateway.web.sign_in import begun

_MOST_ANSWER = 8


def leave_for(context: Context) -> Response:
    """Send the browser to the provider, bound to a cookie of this browser.

    By a link: after a form, browsers would hold `form-action` of the content security policy against the provider.
    """
    provider = context.services.page.single_sign_on
    if provider is None:
        raise NotFound("no provider is configured")
    context.services.sign_in.count_begun(context.asker)
    binding = token_hex(16)
    try:
        address = provider.begin(binding)
    except StoreUnavailable:
        raise
    except GatewayError:
        return _no_answer(context)
    response = RedirectResponse(address, 303)
    context.cookies.set_leaving(response, binding, local_path(context.query.get("next", ""), ""))
    return response


def come_back(context: Context) -> Response:
    """What the provider says, judged; the way on is the same as after a password."""
    if context.services.page.single_sign_on is None:
        raise NotFound("no provider is configured")
    binding, going = context.leaving
    answer = dict(list(context.query.items())[:_MOST_ANSWER])
    if linking.is_link(binding):
        response = linking.come_back(context, binding, answer)
        context.cookies.end_leaving(response)
        return response
    step = Step(Stage.FIRST, SignInReason.FORGED)
    if binding and answer:
        try:
            step = context.services.sign_in.with_provider(context.visit, binding, answer, context.asker)
        except StoreUnavailable:
            raise
        except GatewayError:
            return _no_answer(context)
    if step.reason is None:
        response = begun(context, step, local_path(going, ""))
    else:
        wrong = context.words.gettext("The provider did not sign you in. Try again, or use your password.")
        response = _failed(context, 422, failure(context.words, step, wrong))
    context.cookies.end_leaving(response)
    return response


def _no_answer(context: Context) -> Response:
    sentence = context.words.gettext("The provider of your sign-in does not answer. Try again in a while.")
    return _failed(context, 503, sentence)


def _failed(context: Context, status: int, sentence: str) -> Response:
    return context.page("sign-in-failed.html", status=status, sentence=sentence)
