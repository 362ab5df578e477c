"""What a set-up link shows to whoever opens it: what it would set up, and the button that does it. Looking changes
nothing, so a previewer that fetches the address uses nothing up.
"""

from http import HTTPStatus

from starlette.responses import Response

from dav_gateway.core import deep_link
from dav_gateway.core.setup_link import SetupKind
from dav_gateway.service import stored_wish
from dav_gateway.web import naming
from dav_gateway.web.context import Context
from dav_gateway.web.errors import error_page
from dav_gateway.web.headers import FORM_INTO_DAVX5


def show(context: Context) -> Response:
    """The page behind a link that can be redeemed."""
    text = context.params["link"]
    link = context.services.setup_links.look(text)
    if link is None or not leads_somewhere(context, link.kind):
        return refuse(context, HTTPStatus.NOT_FOUND)
    wish = stored_wish.load(link.wishes)[0]
    response = context.page(
        "set-up.html",
        link=text,
        kind=link.kind.value,
        label=wish.label,
        service=wish.service.value,
        device=naming.short_device(context.words, wish.service),
    )
    return into_app(response, link.kind)


def refuse(context: Context, status: int) -> Response:
    """Why a link gives nothing, in words."""
    words = context.words
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return error_page(context, status, headers={"retry-after": "2"})
    if status == HTTPStatus.NOT_FOUND:
        title = words.gettext("This link is over")
        advice = words.gettext("It was used, or it is older than five minutes. Make the app password again.")
    else:
        title = words.gettext("This cannot be set up now")
        advice = words.gettext("Sign in and look at your app passwords: perhaps you have too many of them.")
    return context.page("error.html", status=status, title=title, advice=advice)


def leads_somewhere(context: Context, kind: SetupKind) -> bool:
    """Whether redeeming such a link opens something here: DAVx5 drops a port from the link that it is given."""
    return kind is SetupKind.APPLE_PROFILE or deep_link.davx5(context.site.public_url, "", "") is not None


def into_app(response: Response, kind: SetupKind) -> Response:
    """The page whose form redeems a link of this kind, with the policy that lets its answer open the app."""
    if kind is SetupKind.DAVX5:
        response.headers["content-security-policy"] = FORM_INTO_DAVX5
    return response
