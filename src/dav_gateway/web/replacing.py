"""A new app password in the place of another: for the same device, or because the other one was not seen."""

from starlette.responses import Response

from dav_gateway.core.credential import Credential, Origin, refusal_of_liveness
from dav_gateway.core.errors import Refusal
from dav_gateway.core.secret import AppPassword
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
    made = _made(context)
    return made if isinstance(made, Response) else result(context, *made)


def make_another(context: Context) -> Response:
    """ "I do not have it": a new password for the same device in place of one that was not seen, in one click."""
    made = _made(context)
    if isinstance(made, Response):
        return made
    _, new = made
    assert new.replaces is not None, "it was made in place of another"
    # The successor exists first: whatever stops here, the old one dies when the new one is used.
    context.services.revocation.revoke([new.replaces], by=context.account.name, why="its text was not seen")
    return result(context, *made)


def _made(context: Context) -> tuple[AppPassword, Credential] | Response:
    """The successor of the app password of the path; the page of the one that this form has made already, where it came
    twice. By then the old one may be gone. Raises Refusal."""
    word = context.form.get("form")
    try:
        old = owned(context, alive=True)
        _require_alive(context, old)
        also = context.services.forms.redeem(word)
        return context.services.issuing.rotate(old.id, origin=Origin.PAGE, actor=context.account.name, also=also)
    except Refusal:
        made = context.services.forms.made_by(word, context.account)
        if made is None:
            raise
        return sent_again(context, word, made)


def _require_alive(context: Context, credential: Credential) -> None:
    if refusal_of_liveness(credential, context.account, context.now) is not None:
        raise Refusal("it is paused or has ended")
