"""The operations of the API that only look: accounts, app passwords, receipts, the audit."""

import re

from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound
from dav_gateway.store import accounts, audit, credentials, receipts
from dav_gateway.web.api import records
from dav_gateway.web.api.call import Answer, Call
from dav_gateway.web.api.schemas import MOST_NUMBER

_NUMBER = re.compile("[1-9][0-9]{0,15}", re.ASCII)


def list_accounts(call: Call) -> Answer:
    """Everybody, deactivated accounts too."""
    found, following = _accounts(call, active=False)
    return {"accounts": [records.account(each) for each in found], "next": following}


def show_account(call: Call) -> Answer:
    """One account."""
    return records.account(call.owner())


def show_directory(call: Call) -> Answer:
    """Who is in the company directory: the active accounts."""
    found, following = _accounts(call, active=True)
    return {"people": [records.person(each) for each in found], "next": following}


def list_app_passwords(call: Call) -> Answer:
    """The app passwords of an account, ended ones too, oldest first."""
    owner, now, part = call.owner(), call.services.clock(), call.part
    with call.services.database.read() as connection:
        found = credentials.of_account(connection, owner.id)
    if part.after:
        begins = next((place for place, each in enumerate(found, 1) if each.id == part.after), None)
        if begins is None:
            raise NotFound(f"{owner.name} has no app password with the id {part.after!r}")
        found = found[begins:]
    shown = found[: part.limit]
    return {
        "app_passwords": [records.app_password(each, owner, now) for each in shown],
        "next": shown[-1].id if len(found) > part.limit else None,
    }


def show_app_password(call: Call) -> Answer:
    """One app password."""
    return call.told()


def last_receipt(call: Call) -> Answer:
    """What was last taken away from an app password."""
    call.found()
    with call.services.database.read() as connection:
        found = receipts.latest(connection, call.params["id"])
    if found is None:
        raise NotFound("nothing was ever taken away from this app password")
    return records.stored_receipt(found)


def show_receipt(call: Call) -> Answer:
    """The receipt of a number, as it was given."""
    number, found = _number(call.params["number"]), None
    if number is not None:
        with call.services.database.read() as connection:
            found = receipts.get(connection, number)
    if found is None:
        raise NotFound("there is no receipt of this number")
    return records.stored_receipt(found)


def list_events(call: Call) -> Answer:
    """What happened, the last stored first."""
    return _events(call)


def list_events_of_account(call: Call) -> Answer:
    """What happened to an account and its app passwords, the last stored first."""
    return _events(call, account=call.owner().name)


def list_events_of_app_password(call: Call) -> Answer:
    """What happened to an app password, the last stored first."""
    return _events(call, credential_id=call.found()[0].id)


def _accounts(call: Call, *, active: bool) -> tuple[list[Account], str | None]:
    """The accounts of the part that is asked for, and after which one the next part begins."""
    limit = call.part.limit
    with call.services.database.read() as connection:
        found = accounts.page(connection, call.part.after, limit + 1, active=active)
    return found[:limit], found[limit - 1].name if len(found) > limit else None


def _events(call: Call, account: str | None = None, credential_id: str | None = None) -> Answer:
    part, before = call.part, None
    if part.after:
        before = _number(part.after)
        if before is None:
            raise NotFound(f"there is no event with the id {part.after!r}")
    with call.services.database.read() as connection:
        found = audit.page(connection, part.limit + 1, before=before, account=account, credential_id=credential_id)
    shown = found[: part.limit]
    return {
        "events": [records.event(each) for each in shown],
        "next": str(shown[-1].id) if len(found) > part.limit else None,
    }


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= MOST_NUMBER else None
