"""What follows the form for a device that can set itself up: a link to redeem on the device itself, as a button and as
a QR code. No password exists until the link is redeemed, by the device or by hand, once.
"""

from starlette.responses import Response

from dav_gateway.core.credential import Service
from dav_gateway.core.errors import NotFound
from dav_gateway.core.setup_link import SetupKind
from dav_gateway.service import qr
from dav_gateway.service.setup_links import handle_of
from dav_gateway.service.wish import Wish
from dav_gateway.store import credentials
from dav_gateway.web import naming, set_up
from dav_gateway.web.context import Context
from dav_gateway.web.language import Words
from dav_gateway.web.live import Line, line, spoken
from dav_gateway.web.profiles import link_url

BY_HAND = "/account/app-passwords/by-hand"
LIVE = "/account/app-passwords/set-up/{handle:str}/live"


def offer(context: Context, wish: Wish) -> Response:
    """The best way for the device of `wish`. Raises what making the link does."""
    kind = SetupKind.DAVX5 if wish.service is Service.ANDROID else SetupKind.APPLE_PROFILE
    text = context.services.setup_links.make(context.account.name, kind, [wish]).reveal()
    leads = set_up.leads_somewhere(context, kind)
    planned = wish.record("", context.account.id, "", context.now)
    response = context.page(
        "offer.html",
        wish=wish,
        link=text,
        kind=kind.value,
        leads=leads,
        syncs=naming.syncs(context.words, planned),
        device=naming.short_device(context.words, wish.service),
        code=qr.svg(link_url(context.site.public_url, text)) if leads and wish.service is not Service.MAC else "",
        line=_waiting(context.words),
        look=LIVE.replace("{handle:str}", handle_of(text)),
    )
    return set_up.into_app(response, kind)


def look(context: Context) -> Response:
    """The live line of an offered link as JSON: that it waits, then that of the app password that came of it."""
    words, account = context.words, context.account
    link, made = context.services.setup_links.find(context.params["handle"], account)
    if link is None:
        raise NotFound("no such link")
    if made is not None:
        with context.services.database.read() as connection:
            credential = credentials.get(connection, made)
        assert credential is not None, "app passwords are never deleted"
        return spoken(line(words, credential, account, context.now))
    if not link.is_open(context.now):
        over = words.gettext("This link is over."), words.gettext("Make the app password again.")
        return spoken(Line("stop", "clock", *over))
    return spoken(_waiting(words))


def _waiting(words: Words) -> Line:
    return Line(
        "wait",
        "wait",
        words.gettext("Waiting for the device…"),
        words.gettext("This line changes by itself."),
    )
