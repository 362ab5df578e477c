"""Making an app password: the form, and the password of a link for somebody who types it."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import Response

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import EMPLOYEES, Access, Scope
from dav_gateway.service.forms import UsedBefore
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.setup_links import handle_of
from dav_gateway.service.wish import LONGEST_LABEL, label_from, wish_from
from dav_gateway.store import credentials
from dav_gateway.web import naming, offering, set_up
from dav_gateway.web.context import Context
from dav_gateway.web.showing import result, sent_again

_CALENDARS, _CONTACTS = frozenset({Scope.CALENDARS}), frozenset({Scope.CONTACTS})
SCOPES: Mapping[str, frozenset[Scope]] = MappingProxyType(
    {"calendar": _CALENDARS, "contacts": _CONTACTS, "employees": _CONTACTS, "both": _CALENDARS | _CONTACTS}
)
_ACCESS = frozenset(each.value for each in Access)
_SERVICES = frozenset(each.value for each in Service)
BY_LINK = frozenset({Service.IPHONE, Service.MAC, Service.ANDROID})
"""What sets itself up by a link, so that no password is shown unless somebody wants to type it."""

ENDS = (0, 30, 90, 365)
"""Days until the end that can be chosen; 0 is never."""


def show(context: Context) -> Response:
    """The form, with a sensible choice in each place."""
    return _form(context)


def make(context: Context) -> Response:
    """Make the password and show it. A form that was sent before makes nothing more."""
    form, words = context.form, context.words
    what, where, access, ends = form.get("what"), form.get("where"), form.get("access"), form.get("ends")
    known = what in SCOPES and where in _SERVICES and access in _ACCESS and ends in map(str, ENDS)
    if not known:
        raise Refusal("the form holds a choice that it does not offer")
    service = Service(where)
    comment = form.get("comment").strip() or naming.comment_for(words, service, context.account.display_name)
    try:
        comment = label_from(comment, service)
    except Refusal:
        return _form(context, error="comment", status=422)
    days = int(ends)
    wish = wish_from(
        service=service,
        scopes=SCOPES[what],
        access=Access(access),
        collections=[EMPLOYEES] if what == "employees" else None,
        expires_at=Moment(context.now + days * DAY) if days else None,
        label=comment,
        origin=Origin.PAGE,
    )
    issuing, account = context.services.issuing, context.account
    also = context.services.forms.redeem(form.get("form"))
    try:
        if service in BY_LINK:
            return offering.offer(context, wish)
        [(password, credential)] = issuing.issue_all(account.name, [wish], actor=account.name, also=also)
    except UsedBefore:
        return sent_again(context, form.get("form"), context.services.forms.made_by(form.get("form"), account))
    except NotFound:
        raise
    except Refusal:
        return _form(context, error="full" if live_count(context) >= MOST_LIVE else "links", status=422)
    return result(context, password, credential)


def by_hand(context: Context) -> Response:
    """Show the password that an offered link stands for, for somebody who types it. The link is used up by that."""
    text = context.form.get("link")
    links, account = context.services.setup_links, context.account
    link, made = links.find(handle_of(text), account)
    if link is None:
        raise NotFound("no such link")
    if made is not None:
        return sent_again(context, text, made)
    try:
        given = links.redeem(text, address=context.asker.address, request_id=context.asker.request_id, by_hand=True)
    except NotFound:
        _, made = links.find(handle_of(text), account)  # of two clicks at once, the other one may have come first
        return set_up.refuse(context, 404) if made is None else sent_again(context, text, made)
    except Refusal:
        return set_up.refuse(context, 409)
    return result(context, *given.issued[0])


def _form(context: Context, *, error: str = "", status: int = 200) -> Response:
    words, chosen = context.words, context.form
    devices = [
        (each, naming.device(words, each), naming.comment_for(words, each, context.account.display_name))
        for each in naming.DEVICES
    ]
    return context.page(
        "make.html",
        status=status,
        error=error,
        devices=devices,
        ends=ENDS,
        longest=LONGEST_LABEL,
        form_value=context.services.forms.new(),
        what=chosen.get("what", "both"),
        where=chosen.get("where", Service.IPHONE.value),
        access=chosen.get("access", Access.READ_WRITE.value),
        chosen_end=chosen.get("ends", "0"),
        comment=chosen.get("comment")[:LONGEST_LABEL],
        most=MOST_LIVE,
    )


def live_count(context: Context) -> int:
    """How many app passwords of who is signed in are in use."""
    with context.services.database.read() as connection:
        return credentials.live_count(connection, context.account.id, context.now)
