"""A new app password in the place of another: for the same device, or because the other one was not seen."""

from starlette.responses import Response

from dav_gateway.core.credential import Credential, Origin, refusal_of_liveness
from dav_gateway.core.errors import Refusal
from dav_gateway.service.forms import UsedBefore
from dav_gateway.web.context import Context
from dav_gateway.web.owned import owned
from dav_gateway.web.showing import result, sent_again


def ask_rotate(context: Context) -> Response:
    """What replacing means, and the button that does it."""
    credential = owned(context, alive=True)
    _require_alive(context, credential)
    return context.page("rotate.html", credential=credential, form_value=context.services.forms.new())


def rotate(context: Context) -> Response:
    """Make a new password for the same device; the old one works until the new one is first seen."""
    credential = owned(context, alive=True)
    _require_alive(context, credential)
    redeem = context.services.forms.redeem(context.form.get("form"))
    try:
        password, new = context.services.issuing.rotate(
            credential.id, origin=Origin.PAGE, actor=context.account.name, also=redeem
        )
    except UsedBefore:
        word = context.form.get("form")
        return sent_again(context, word, context.services.forms.made_by(word, context.account))
    return result(context, password, new)


def make_another(context: Context) -> Response:
    """ "I do not have it": a new password for the same device in place of one that was not seen, in one click."""
    lost = owned(context, alive=True)
    _require_alive(context, lost)
    redeem = context.services.forms.redeem(context.form.get("form"))
    who = context.account.name
    try:
        password, new = context.services.issuing.rotate(lost.id, origin=Origin.PAGE, actor=who, also=redeem)
    except UsedBefore:
        word = context.form.get("form")
        return sent_again(context, word, context.services.forms.made_by(word, context.account))
    # The successor exists first: whatever stops here, the old one dies when the new one is used.
    context.services.revocation.revoke([lost.id], by=who, why="its text was not seen")
    return result(context, password, new, old_goes_on=False)


def _require_alive(context: Context, credential: Credential) -> None:
    if refusal_of_liveness(credential, context.account, context.now) is not None:
        raise Refusal("it is paused or has ended")
