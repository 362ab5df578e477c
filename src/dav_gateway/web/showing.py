"""Showing an app password that was just made: the answer to the form is the only place where it ever stands."""

from starlette.responses import Response

from dav_gateway.core.credential import Credential, Service, refusal_of_liveness
from dav_gateway.core.errors import Refusal
from dav_gateway.core.secret import AppPassword
from dav_gateway.store import credentials
from dav_gateway.web import naming
from dav_gateway.web.context import Context
from dav_gateway.web.live import line


def result(context: Context, password: AppPassword, credential: Credential) -> Response:
    """How to set up the device of `credential`: its template begins with the best way for it and ends with typing."""
    return context.page(
        "result.html",
        credential=credential,
        syncs=naming.syncs(context.words, credential),
        kind=naming.kind_of(credential),
        groups=password.reveal().split("-"),
        line=line(context.words, credential, context.account, context.now),
        server=server_for(context, credential.service),
        device=naming.device(context.words, credential.service),
        old_goes_on=credential.replaces is not None and _goes_on(context, credential.replaces),
    )


def sent_again(context: Context, word: str, made: str | None) -> Response:
    """The same page once more where the form came twice within seconds; later only what can be done about it. Raises
    Refusal when another account made it."""
    if made is None:
        raise Refusal("the form is of another account")
    with context.services.database.read() as connection:
        credential = credentials.get(connection, made)
    assert credential is not None, "app passwords are never deleted"
    password = None
    if credential.revoked_at is None:
        password = context.services.forms.shown_again.look(word, context.account)
    if password is not None:
        return result(context, password, credential)
    return context.page(
        "made-before.html",
        status=409,
        credential=credential,
        can_replace=refusal_of_liveness(credential, context.account, context.now) is None,
        form_value=context.services.forms.new(),
    )


def _goes_on(context: Context, replaced: str) -> bool:
    with context.services.database.read() as connection:
        old = credentials.get(connection, replaced)
    return old is not None and old.revoked_at is None


def server_for(context: Context, service: Service) -> str:
    """The server as this kind of device wants it typed (docs/clients.md)."""
    match service:
        case Service.IPHONE | Service.MAC:
            return context.site.host
        case Service.THUNDERBIRD:
            return context.site.public_url
        case _:
            return context.site.dav_url
