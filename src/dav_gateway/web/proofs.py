"""Why a proof did not lead on, in words, and with which status."""

from starlette.responses import Response

from dav_gateway.core.sign_in import SignInReason
from dav_gateway.service.sign_in import Step
from dav_gateway.web.language import Words


def failure(words: Words, step: Step | None, wrong: str) -> str:
    """The sentence; empty without a failure. `wrong` is what is said of a proof that was not right."""
    if step is None or step.reason is None:
        return ""
    match step.reason:
        case SignInReason.WAIT:
            return words.ngettext(
                "Too many attempts from here. Wait %(num)d second and try again; your account is not locked.",
                "Too many attempts from here. Wait %(num)d seconds and try again; your account is not locked.",
                step.wait,
                num=step.wait,
            )
        case SignInReason.REPLAYED:
            return words.gettext("That code was used already. Wait for the next one, or use another one.")
        case SignInReason.TOO_SLOW:
            return words.gettext("This took more than ten minutes. Please sign in again.")
        case SignInReason.CHANGED | SignInReason.INACTIVE | SignInReason.OTHER_ACCOUNT:
            return words.gettext("Something about the account changed meanwhile. Please sign in again.")
        case SignInReason.NOT_LINKED:
            return words.gettext(
                "Nobody here belongs to that sign-in. Sign in with your password, or ask your administrator."
            )
        case SignInReason.FORGED:
            return words.gettext("That sign-in took too long or was not begun in this browser. Please begin again.")
    return wrong


def failure_status(step: Step | None) -> int:
    """200 without a failure, 429 when nothing was looked at, else 422."""
    if step is None or step.reason is None:
        return 200
    return 429 if step.reason is SignInReason.WAIT else 422


def slow_down(response: Response, step: Step | None) -> Response:
    """The response, with Retry-After when another proof is looked at only after a while."""
    if step is not None and step.reason is not None and step.wait:
        response.headers["retry-after"] = str(step.wait)
    return response
