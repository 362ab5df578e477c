"""The list of app passwords and what can be done to one: rename, pause, resume, delete, allow another program."""

from starlette.responses import Response

from dav_gateway.core.credential import Credential, refusal_of_liveness
from dav_gateway.core.errors import Refusal
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.wish import LONGEST_LABEL
from dav_gateway.web import listing
from dav_gateway.web.context import Context
from dav_gateway.web.listing import Group
from dav_gateway.web.live import line
from dav_gateway.web.owned import all_of, owned
from dav_gateway.web.receipts import told
from dav_gateway.web.sign_in import HOME

LOST = "lost"


def show(context: Context) -> Response:
    """The list: what needs a look, what works, what is quiet; deleted ones only where they still try."""
    found = listing.rows(context.words, all_of(context), context.account, context.now, context.asker.address)
    groups = {group: [each for each in found if each.group is group and _is_shown(each)] for group in Group}
    return context.page(
        "list.html",
        groups=groups,
        in_use=sum(_counts(context, each.credential) for each in found),
        most=MOST_LIVE,
        deleted=sum(each.deleted for each in found),
        empty=not any(groups.values()),
    )


def show_deleted(context: Context) -> Response:
    """History: what was deleted, when, by whom."""
    found = [each for each in all_of(context) if each.revoked_at is not None]
    found.sort(key=lambda each: each.revoked_at or 0, reverse=True)
    return context.page("deleted.html", rows=found)


def show_one(context: Context) -> Response:
    """One app password: its line, and everything that can be changed."""
    return _one(context, owned(context))


def rename(context: Context) -> Response:
    """Give it another comment."""
    credential = owned(context, alive=True)
    label = context.form.get("comment")
    try:
        context.services.issuing.rename(credential.id, label, actor=context.account.name)
    except Refusal:
        return _one(context, credential, error="comment", status=422)
    return _to_its_row(context)


def pause(context: Context) -> Response:
    """Stop it for a while."""
    context.services.revocation.pause(owned(context, alive=True).id, by=context.account.name)
    return _to_its_row(context)


def resume(context: Context) -> Response:
    """Let it sync again."""
    context.services.revocation.resume(owned(context, alive=True).id, by=context.account.name)
    return _to_its_row(context)


def accept(context: Context) -> Response:
    """ "It is mine": the next program that comes decides what this password belongs to."""
    context.services.issuing.accept_new_client(owned(context, alive=True).id, actor=context.account.name)
    return _to_its_row(context)


def ask_delete(context: Context) -> Response:
    """What deleting does and does not do, and the button that does it."""
    credential = owned(context)
    if credential.revoked_at is not None:
        return context.redirect(f"{HOME}/{credential.id}/removal")
    others = sum(each.id != credential.id and _is_alive(context, each) for each in all_of(context))
    row = listing.row(context.words, credential, context.account, context.now, context.asker.address)
    return context.page("delete.html", row=row, others=others)


def delete(context: Context) -> Response:
    """Delete it, and show the receipt: when this returns nothing more is sent or stored under it."""
    credential = owned(context)
    receipt = context.services.revocation.revoke([credential.id], by=context.account.name, why="deleted on the page")
    return context.page("receipt.html", receipt=told(receipt), gone=[owned(context)])


def show_removal(context: Context) -> Response:
    """How to remove the account of a deleted app password from its device."""
    credential = owned(context)
    if credential.revoked_at is None:
        return context.redirect(f"{HOME}/{credential.id}")
    return context.page("removal.html", credential=credential)


def show_lost(context: Context) -> Response:
    """ "I lost a device": what could be stopped."""
    found = [each for each in all_of(context) if each.revoked_at is None]
    return context.page(
        "lost.html",
        rows=listing.rows(context.words, found, context.account, context.now, context.asker.address),
        error=False,
    )


def stop_lost(context: Context) -> Response:
    """Delete the chosen ones, or all."""
    if context.form.get("everything"):
        receipt = context.services.revocation.revoke_all(context.account.name, by=context.account.name, why=LOST)
    else:
        own = {each.id for each in all_of(context) if each.revoked_at is None}
        chosen = [each for each in dict.fromkeys(context.form.all("id")) if each in own]
        if not chosen:
            return context.redirect(f"{HOME}/lost")
        receipt = context.services.revocation.revoke(chosen, by=context.account.name, why=LOST)
    gone = [each for each in all_of(context) if each.id in receipt.ids]
    return context.page("receipt.html", receipt=told(receipt), gone=gone)


def _one(context: Context, credential: Credential, *, error: str = "", status: int = 200) -> Response:
    if credential.revoked_at is not None:
        return context.redirect(f"{HOME}/{credential.id}/removal")
    return context.page(
        "one.html",
        status=status,
        row=listing.row(context.words, credential, context.account, context.now, context.asker.address),
        line=line(context.words, credential, context.account, context.now),
        error=error,
        longest=LONGEST_LABEL,
    )


def _to_its_row(context: Context) -> Response:
    """Back to the list, at the row of the app password: whoever uses a keyboard or a screen reader goes on there."""
    return context.redirect(f"{HOME}#{context.params['id']}")


def _is_shown(row: listing.Row) -> bool:
    return not row.deleted or row.group is Group.LOOK


def _is_alive(context: Context, credential: Credential) -> bool:
    return refusal_of_liveness(credential, context.account, context.now) is None


def _counts(context: Context, credential: Credential) -> bool:
    """Whether it is one of the 25: a paused one may be resumed."""
    ended = credential.expires_at is not None and credential.expires_at <= context.now
    return credential.revoked_at is None and not ended
