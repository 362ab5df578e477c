"""The live line: the first connection of a new app password, or exactly why it was refused."""

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Reason
from dav_gateway.core.moment import MINUTE, Moment
from dav_gateway.web import naming, times
from dav_gateway.web.context import Context
from dav_gateway.web.language import Words
from dav_gateway.web.owned import owned
from dav_gateway.web.refusals import last_refusal

PATIENCE = 10 * MINUTE
_PASSED_OVER = frozenset({Reason.SCOPE, Reason.READ_ONLY, Reason.DIRECTORY})
"""Refusals that a device meets while it works: DAVx5 asks for both services whatever its password opens."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the line says. `tone` is wait, ok, stop or empty; `group` is the mistyped one."""

    tone: str
    icon: str
    fact: str
    more: str
    group: str = ""


def line(words: Words, credential: Credential, owner: Account, now: Moment) -> Line:
    """The line for a credential as it is now."""
    used, refused = credential.last_used_at or 0, credential.last_refusal_at or 0
    said = last_refusal(words, credential, owner, now)
    minor = bool(used) and credential.last_refusal_reason in _PASSED_OVER
    if said is not None and refused > used and not minor:
        group = credential.last_refusal_hint if credential.last_refusal_reason == Reason.MISTYPED else None
        return Line("stop", "refused", said.fact, said.advice, group or "")
    if credential.last_used_at is not None:
        ago = times.ago(words, credential.last_used_at, now)
        client = naming.last_program(words, credential)
        fact = words.gettext("Connected: %(client)s, %(ago)s.", client=client, ago=ago)
        return Line("ok", "check", fact, words.gettext("It is syncing now. You can close this page."))
    if now - credential.created_at >= PATIENCE:
        return Line(
            "", "clock", words.gettext("Nothing yet after 10 minutes."), words.gettext("Check the steps below.")
        )
    return Line(
        "wait",
        "wait",
        words.gettext("Waiting for the first connection…"),
        words.gettext("This line changes by itself."),
    )


def look(context: Context) -> Response:
    """The line as JSON, for the script that looks every half second."""
    credential = owned(context)
    return spoken(line(context.words, credential, context.account, context.now))


def spoken(said: Line) -> Response:
    """The line for the script."""
    return JSONResponse(
        {"tone": said.tone, "icon": said.icon, "fact": said.fact, "more": said.more, "group": said.group}
    )
