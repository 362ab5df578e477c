"""The second step: one form for a code of the app, a recovery code or a passkey. It serves a sign-in, and whoever is
asked to prove it again."""

from starlette.responses import Response

from dav_gateway.core.errors import NotFound
from dav_gateway.core.sign_in import Factor, SignIn, SignInReason
from dav_gateway.service.sign_in import Step
from dav_gateway.web.context import Context
from dav_gateway.web.proofs import failure, failure_status, slow_down

CODE, RECOVERY, PASSKEY = "code", "recovery", "passkey"


def form(context: Context, at: SignIn, action: str, going: str, *, step: Step | None = None) -> Response:
    """What this account can show, the one that was chosen first."""
    factors = _factors(context, at)
    way = context.form.get("way") or context.query.get("way", "")
    ways = [way for way, factor in _WAYS if factor in factors]
    if way not in ways:
        way = ways[0] if ways else RECOVERY
    response = context.page(
        "second-step.html",
        status=failure_status(step),
        action=action,
        going=going,
        way=way,
        ways=ways,
        person=context.visited.account,
        failed=failure(context.words, step, _wrong(context, way, step)),
    )
    return slow_down(response, step)


def take(context: Context) -> Step:
    """Judge what the form carried."""
    sign_in, visit, typed = context.services.sign_in, context.visited, context.form.get("typed")
    match context.form.get("way"):
        case "code":
            return sign_in.with_code(visit, typed, context.asker)
        case "recovery":
            return sign_in.with_recovery_code(visit, typed, context.asker)
        case "passkey":
            return sign_in.with_passkey(visit, context.form.get("handle"), context.form.get("answer"), context.asker)
    raise NotFound("no such way")


def has_passkey(context: Context, at: SignIn) -> bool:
    """Whether the account has a passkey to show."""
    return Factor.PASSKEY in _factors(context, at)


_WAYS = ((CODE, Factor.TOTP), (PASSKEY, Factor.PASSKEY), (RECOVERY, Factor.RECOVERY))


def _factors(context: Context, at: SignIn) -> frozenset[Factor]:
    assert at.account_id is not None, "after the first proof somebody is known"
    return context.services.page.standings.of(at.account_id).factors


def _wrong(context: Context, way: str, step: Step | None) -> str:
    words = context.words
    if step is not None and step.reason is SignInReason.NOT_ASKED:
        return words.gettext("That is not asked for any more. Choose another way.")
    if way == RECOVERY:
        return words.gettext("That is none of your recovery codes. Check what you typed, or use another one.")
    if way == PASSKEY:
        return words.gettext("The passkey did not work. Try again, or choose another way.")
    return words.gettext("That code was not right. It changes every 30 seconds: type the one you see now.")
