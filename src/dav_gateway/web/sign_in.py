"""Signing in, proving it again, signing out. A sign-in is a small machine: password -> (second step) -> signed in.

`AFTER` says where a session of each stage goes on; a second step adds its own page there.
"""

from types import MappingProxyType

from starlette.responses import Response

from dav_gateway.service.sign_in import Begun, NotSignedIn
from dav_gateway.store.web_sessions import Stage
from dav_gateway.web.context import Context
from dav_gateway.web.guard import local_path

HOME = "/account/app-passwords"
SECOND_STEP = "/login/second"
AFTER = MappingProxyType({Stage.SECOND_STEP: SECOND_STEP, Stage.SIGNED_IN: HOME})


def front(context: Context) -> Response:
    """`/`: the list, or the way to it."""
    return context.redirect(HOME)


def show(context: Context) -> Response:
    """The form; who is signed in already goes on."""
    going = local_path(context.query.get("next", ""), "")
    if context.visit is not None and context.visit.signed_in:
        return context.redirect(going or HOME)
    return _form(context, going)


def enter(context: Context) -> Response:
    """Check name and main password, and begin a session with a new value."""
    login, going = context.form.get("login"), local_path(context.form.get("next"), "")
    outcome = context.services.sign_in.with_password(
        login, context.form.get("password"), context.asker, instead_of=context.visit
    )
    if isinstance(outcome, NotSignedIn):
        return _form(context, going, login=login, failed=outcome)
    return begun(context, outcome, going)


def begun(context: Context, outcome: Begun, going: str) -> Response:
    """Give the browser the session that a sign-in began, by whatever way, and go on to the next step."""
    path = AFTER[outcome.stage]
    if going:
        path = going if outcome.stage is Stage.SIGNED_IN else f"{path}?next={going}"
    response = context.redirect(path)
    context.cookies.set_session(response, outcome.value)
    return response


def leave(context: Context) -> Response:
    """End this session, in the store and in the browser."""
    if context.visit is not None:
        context.services.sessions.end(context.visit)
    response = context.redirect("/login")
    context.cookies.end_session(response)
    return response


def ask_again(context: Context) -> Response:
    """The form that asks who is signed in to prove it again."""
    return context.page("confirm.html", going=local_path(context.query.get("next", ""), HOME), failed=None)


def answer_again(context: Context) -> Response:
    """Check the main password once more, and go on to where the person wanted to go."""
    going = local_path(context.form.get("next"), HOME)
    assert context.visit is not None, "only who is signed in is asked"
    failed = context.services.sign_in.again(context.visit, context.form.get("password"), context.asker)
    if failed is not None:
        return _slow_down(context.page("confirm.html", status=_status(failed), going=going, failed=failed), failed)
    return context.redirect(going)


def _form(context: Context, going: str, *, login: str = "", failed: NotSignedIn | None = None) -> Response:
    response = context.page("login.html", status=_status(failed), going=going, login=login[:320], failed=failed)
    return _slow_down(response, failed)


def _status(failed: NotSignedIn | None) -> int:
    if failed is None:
        return 200
    return 429 if failed.wait else 422


def _slow_down(response: Response, failed: NotSignedIn | None) -> Response:
    if failed is not None and failed.wait:
        response.headers["retry-after"] = str(failed.wait)
    return response
