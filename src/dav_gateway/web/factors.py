"""A person's second factors: an authenticator app, recovery codes, passkeys. The same pages serve whoever must set one
up before the sign-in goes on (`/login/set-up`) and whoever is signed in (`/account/security`)."""

import json

from markupsafe import Markup
from starlette.responses import JSONResponse, Response

from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.sign_in import Stage
from dav_gateway.service.own_factors import TurnedOn
from dav_gateway.service.passkey_answers import LONGEST_LABEL
from dav_gateway.service.standings import IdentityNeeded
from dav_gateway.store.passkeys import Passkey
from dav_gateway.web.context import Context
from dav_gateway.web.sign_in import HOME

HERE = "/account/security"
SET_UP = "/login/set-up"
CODES, NEW_PASSKEY, RECOVERY = f"{HERE}/codes", f"{HERE}/passkeys/new", f"{HERE}/recovery-codes"


def show_codes(context: Context) -> Response:
    """The QR code and the secret as text; nothing is on before a code of it was typed."""
    factors, identity = context.services.page.factors, context.visited.sign_in
    if factors.overview(context.account.id).codes_are_on:
        return context.redirect(HERE)
    if factors.enrolling(identity) is None:
        factors.enrol(identity)
    return _codes(context)


def confirm_codes(context: Context) -> Response:
    """A first code turns them on; the recovery codes are shown, once."""
    factors, identity = context.services.page.factors, context.visited.sign_in
    if factors.enrolling(identity) is None:
        return context.redirect(HERE if context.visited.signed_in else SET_UP)
    done = factors.confirm(identity, context.form.get("typed"), context.asker)
    if done is None:
        return _codes(context, wrong=True, status=422)
    return _turned_on(context, done)


def ask_codes_off(context: Context) -> Response:
    """What turning them off means, and the button."""
    return _ask_off(context, CODES, passkey=None)


def turn_codes_off(context: Context) -> Response:
    """Codes are not asked for any more."""
    try:
        context.services.page.factors.turn_codes_off(context.visited.sign_in, context.asker)
    except IdentityNeeded:
        raise
    except Refusal:
        return _ask_off(context, CODES, passkey=None, required=True, status=422)
    return context.redirect(HERE)


def show_new_passkey(context: Context) -> Response:
    """The form that makes a passkey, with the script's help."""
    return _new_passkey(context)


def new_passkey_options(context: Context) -> Response:
    """What the script hands to the browser, and the half of the ceremony that it sends back."""
    context.services.sign_in.count_begun(context.asker)
    options = context.services.page.factors.passkey_options(context.visited.sign_in)
    return JSONResponse({"options": json.loads(options.json), "handle": options.handle})


def add_passkey(context: Context) -> Response:
    """Keep the passkey that the browser made."""
    form = context.form
    try:
        done = context.services.page.factors.add_passkey(
            context.visited.sign_in, form.get("handle"), form.get("answer"), form.get("label"), context.asker
        )
    except IdentityNeeded:
        raise
    except Refusal:
        return _new_passkey(context, label=form.get("label")[:100], failed=True, status=422)
    return _turned_on(context, done)


def show_passkey(context: Context) -> Response:
    """One passkey: its name, which can be changed, and the way to remove it."""
    return _passkey(context, _found(context))


def rename_passkey(context: Context) -> Response:
    """Give it another name."""
    passkey, label = _found(context), context.form.get("label")
    try:
        context.services.page.factors.rename_passkey(context.account.id, passkey.id, label)
    except NotFound:
        raise
    except Refusal:
        return _passkey(context, passkey, label=label[:LONGEST_LABEL], failed=True, status=422)
    return context.redirect(HERE)


def ask_remove_passkey(context: Context) -> Response:
    """Which one, what removing means, and the button."""
    return _ask_off(context, context.path, passkey=_found(context).label)


def remove_passkey(context: Context) -> Response:
    """Forget the passkey."""
    label = _found(context).label
    try:
        context.services.page.factors.remove_passkey(context.visited.sign_in, context.params["id"], context.asker)
    except IdentityNeeded:
        raise
    except Refusal:
        return _ask_off(context, context.path, passkey=label, required=True, status=422)
    return context.redirect(HERE)


def ask_recovery(context: Context) -> Response:
    """That the old codes stop working, and the button."""
    return context.page("recovery-renew.html", here=RECOVERY)


def renew_recovery(context: Context) -> Response:
    """Ten new codes, shown once."""
    codes = context.services.page.factors.renew_recovery_codes(context.visited.sign_in, context.asker)
    return context.page("recovery.html", codes=codes, going=HERE, turned_on=False)


def _turned_on(context: Context, done: TurnedOn) -> Response:
    """The session goes on with a new value; codes that were made are shown now and never again."""
    was_in = context.visited.signed_in
    step = context.services.sign_in.enrolled(context.visited, done.identity, context.asker)
    if step.stage is Stage.REFUSED:
        return context.redirect("/login")
    going = HERE if was_in else HOME
    if done.recovery:
        # The forms of this page belong to the session as it is from now on.
        context.session_value = step.value
        context.visit = context.services.sessions.find(step.value)
        response = context.page("recovery.html", codes=done.recovery, going=going, turned_on=True)
    else:
        response = context.redirect(going)
    context.cookies.set_session(response, step.value)
    return response


def _codes(context: Context, *, wrong: bool = False, status: int = 200) -> Response:
    begun = context.services.page.factors.enrolling(context.visited.sign_in)
    if begun is None:
        return context.redirect(HERE)
    enrolment, svg = begun
    overview = context.services.page.factors.overview(context.account.id)
    return context.page(
        "codes.html",
        status=status,
        secret=enrolment.text,
        uri=enrolment.uri,
        svg=Markup(svg),  # noqa: S704 - made by us from a URI, in which nothing is markup
        wrong=wrong,
        here=CODES if context.visited.signed_in else SET_UP,
        setting_up=not context.visited.signed_in,
        passkeys_are_possible=overview.passkeys_are_possible,
    )


def _new_passkey(context: Context, *, label: str = "", failed: bool = False, status: int = 200) -> Response:
    setting_up = not context.visited.signed_in
    here = f"{SET_UP}/passkey" if setting_up else NEW_PASSKEY
    return context.page(
        "passkey-new.html", status=status, here=here, label=label, failed=failed, back=SET_UP if setting_up else HERE
    )


def _ask_off(
    context: Context, here: str, *, passkey: str | None, required: bool = False, status: int = 200
) -> Response:
    here = f"{CODES}/off" if passkey is None else here
    return context.page("factor-off.html", status=status, here=here, passkey=passkey, required=required)


def _found(context: Context) -> Passkey:
    found = context.services.page.factors.overview(context.account.id).passkeys
    passkey = next((each for each in found if each.id == context.params["id"]), None)
    if passkey is None:
        raise NotFound("there is no such passkey")
    return passkey


def _passkey(
    context: Context, passkey: Passkey, *, label: str | None = None, failed: bool = False, status: int = 200
) -> Response:
    return context.page(
        "passkey-one.html",
        status=status,
        here=f"{HERE}/passkeys/{passkey.id}",
        passkey=passkey,
        label=passkey.label if label is None else label,
        longest=LONGEST_LABEL,
        failed=failed,
    )
