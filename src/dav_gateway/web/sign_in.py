"""Signing in, proving it again, signing out. A sign-in is a small machine (`core.sign_in`): the main password, single
sign-on or a passkey, then where one is on a second step, then signed in. `AFTER` says where each stage goes on.
"""

from types import MappingProxyType

from starlette.responses import Response

from dav_gateway.core.sign_in import Stage
from dav_gateway.service.sign_in import Step
from dav_gateway.web import second_step
from dav_gateway.web.context import Context
from dav_gateway.web.guard import local_path, with_next
from dav_gateway.web.proofs import failure, failure_status, slow_down

HOME = "/account/app-passwords"
AFTER = MappingProxyType(
    {Stage.SECOND: "/login/second", Stage.ENROL: "/login/set-up", Stage.SIGNED_IN: HOME, Stage.REFUSED: "/login"}
)


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
    sign_in, form = context.services.sign_in, context.form
    if form.get("way") == second_step.PASSKEY:
        step = sign_in.with_passkey(None, form.get("handle"), form.get("answer"), context.asker)
    else:
        step = sign_in.with_password(context.visit, login, form.get("password"), context.asker)
    if step.reason is not None:
        return _form(context, going, login=login, step=step)
    return begun(context, step, going)


def show_second(context: Context) -> Response:
    """The form of the second step; whoever stands elsewhere goes there."""
    going = local_path(context.query.get("next", ""), "")
    at = context.services.sign_in.at(context.visit)
    if at.stage is not Stage.SECOND or context.visited.signed_in:
        return context.redirect(_on(_way(context), going))
    return second_step.form(context, at, "/login/second", going)


def enter_second(context: Context) -> Response:
    """Check the second proof; only then the session is signed in, with a new value."""
    going = local_path(context.form.get("next"), "")
    at = context.services.sign_in.at(context.visit)
    if at.stage is not Stage.SECOND or context.visited.signed_in:
        return context.redirect(_on(_way(context), going))
    step = second_step.take(context)
    if step.reason is None:
        return begun(context, step, going)
    if step.stage is Stage.REFUSED:
        context.visit = None  # it has ended: the form is for a browser without a session
        return _form(context, going, step=step)
    return second_step.form(context, at, "/login/second", going, step=step)


def begun(context: Context, step: Step, going: str) -> Response:
    """Give the browser the session that a sign-in has now, by whatever way, and go on to the next step."""
    response = context.redirect(going if going and step.stage is Stage.SIGNED_IN else _on(AFTER[step.stage], going))
    if step.value:
        context.cookies.set_session(response, step.value)
    if step.mark:
        context.cookies.set_known(response, step.mark)
    return response


def leave(context: Context) -> Response:
    """End this session, in the store and in the browser."""
    if context.visit is not None:
        context.services.sessions.end(context.visit)
    response = context.redirect("/login")
    context.cookies.end_session(response)
    return response


def ask_again(context: Context) -> Response:
    """The form that asks who is signed in to prove it again, at the step where that stands."""
    going = local_path(context.query.get("next", ""), HOME)
    return _again(context, going)


def answer_again(context: Context) -> Response:
    """Check one proof more, and go on to where the person wanted to go when it was the last."""
    going = local_path(context.form.get("next"), HOME)
    sign_in = context.services.sign_in
    if context.form.get("way"):
        step = second_step.take(context)
    else:
        step = sign_in.again_with_password(context.visited, context.form.get("password"), context.asker)
    if step.reason is not None:
        return _again(context, going, step=step)
    if step.stage is Stage.SECOND:
        return context.redirect(with_next("/account/confirm", going))
    return begun(context, step, going)


def _again(context: Context, going: str, step: Step | None = None) -> Response:
    at = context.services.sign_in.at(context.visited)
    if at.stage is Stage.SECOND:
        return second_step.form(context, at, "/account/confirm", going, step=step)
    response = context.page(
        "confirm.html",
        status=failure_status(step),
        going=going,
        failed=failure(context.words, step, context.words.gettext("That is not your main password.")),
        has_passkey=second_step.has_passkey(context, at),
        has_provider=context.services.page.single_sign_on is not None,
    )
    return slow_down(response, step)


def _form(context: Context, going: str, *, login: str = "", step: Step | None = None) -> Response:
    wrong = context.words.gettext(
        "That name and password do not go together. Check both; an app password does not work here."
    )
    if context.form.get("way") == second_step.PASSKEY:
        wrong = context.words.gettext("The passkey did not work. Try again, or choose another way.")
    response = context.page(
        "login.html",
        status=failure_status(step),
        going=going,
        login=login[:320],
        failed=failure(context.words, step, wrong),
        has_passkeys=context.services.page.factors.passkeys_are_possible,
        has_mail=context.services.post is not None,
        has_provider=context.services.page.single_sign_on is not None,
    )
    return slow_down(response, step)


def _way(context: Context) -> str:
    """Where this browser goes on."""
    if context.visit is None:
        return "/login"
    return AFTER[context.visit.sign_in.stage]


def _on(path: str, going: str) -> str:
    """Where a sign-in goes on; once there, it keeps where the person wanted to go."""
    return path if path == HOME else with_next(path, going)
