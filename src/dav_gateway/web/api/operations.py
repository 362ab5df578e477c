"""The operations of the API, each one use case: what it needs, what it takes, what it gives."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dav_gateway.core.account import Account
from dav_gateway.core.api_key import ApiScope
from dav_gateway.core.credential import Credential, Origin, Service
from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.core.secret import AppPassword
from dav_gateway.service.revocation import Limits
from dav_gateway.service.wish import networks_from
from dav_gateway.store import accounts, credentials, receipts
from dav_gateway.web.api import records
from dav_gateway.web.api.call import Call
from dav_gateway.web.api.schemas import MOST_NUMBER

WHY = "API"
_NUMBER = re.compile("[1-9][0-9]{0,15}", re.ASCII)


Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the API. `takes` and `gives` name schemas; `in_parts`: it is a list, given part by part."""

    method: str
    path: str
    id: str
    summary: str
    scope: ApiScope
    run: Callable[[Call], Answer]
    gives: str
    takes: str | None = None
    status: int = 200
    in_parts: bool = False


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


def issue(call: Call) -> Answer:
    """A new app password, whose text is in this answer and nowhere else."""
    owner, body = call.owner(), call.body
    password, credential = call.services.issuing.issue(
        owner.name,
        service=Service(body["service"]),
        scopes=[Scope(each) for each in body["scopes"]],
        access=Access(body.get("access", Access.READ_WRITE)),
        collections=body.get("collections"),
        networks=body.get("networks", ()),
        expires_at=_end(call),
        label=body.get("label", ""),
        origin=Origin.API,
        actor=call.actor,
    )
    return _made(call, password, credential, owner)


def revoke_all(call: Call) -> Answer:
    """ "I lost a device": every app password of an account."""
    return records.receipt(call.services.revocation.revoke_all(call.owner().name, by=call.actor, why=WHY))


def show_app_password(call: Call) -> Answer:
    """One app password."""
    return call.told()


def rename(call: Call) -> Answer:
    """Another label."""
    call.services.issuing.rename(call.params["id"], call.body["label"], actor=call.actor)
    return call.told()


def revoke(call: Call) -> Answer:
    """End it; answered when nothing more is sent or stored under it."""
    return records.receipt(call.services.revocation.revoke([call.params["id"]], by=call.actor, why=WHY))


def pause(call: Call) -> Answer:
    """Stop it until it is resumed."""
    return records.receipt(call.services.revocation.pause(call.params["id"], by=call.actor))


def resume(call: Call) -> Answer:
    """Let it act again."""
    call.services.revocation.resume(call.params["id"], by=call.actor)
    return call.told()


def rotate(call: Call) -> Answer:
    """A successor; the old one ends when the successor is first used."""
    _, owner = call.found()
    password, credential = call.services.issuing.rotate(call.params["id"], origin=Origin.API, actor=call.actor)
    return _made(call, password, credential, owner)


def narrow(call: Call) -> Answer:
    """Let it do less."""
    return records.receipt(call.services.revocation.narrow(call.params["id"], by=call.actor, **_limits(call)))


def widen(call: Call) -> Answer:
    """Let it do more. Who asks for it is asked for by the portal, as before an issue."""
    call.services.changing.change(call.params["id"], by=call.actor, may_widen=True, may_narrow=False, **_limits(call))
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
    text, found = call.params["number"], None
    if _NUMBER.fullmatch(text) and int(text) <= MOST_NUMBER:
        with call.services.database.read() as connection:
            found = receipts.get(connection, int(text))
    if found is None:
        raise NotFound("there is no receipt of this number")
    return records.stored_receipt(found)


def _accounts(call: Call, *, active: bool) -> tuple[list[Account], str | None]:
    """The accounts of the part that is asked for, and after which one the next part begins."""
    limit = call.part.limit
    with call.services.database.read() as connection:
        found = accounts.page(connection, call.part.after, limit + 1, active=active)
    return found[:limit], found[limit - 1].name if len(found) > limit else None


def _limits(call: Call) -> Limits:
    body, limits = call.body, Limits()
    if "scopes" in body:
        limits["scopes"] = frozenset(Scope(each) for each in body["scopes"])
    if "access" in body:
        limits["access"] = Access(body["access"])
    if "collections" in body:
        limits["collections"] = None if body["collections"] is None else frozenset(body["collections"])
    if "networks" in body:
        limits["networks"] = networks_from(body["networks"])
    if "expires_in_days" in body:
        limits["expires_at"] = _end(call)
    return limits


def _end(call: Call) -> Moment | None:
    days = call.body.get("expires_in_days")
    return None if days is None else Moment(call.services.clock() + int(days) * DAY)


def _made(call: Call, password: AppPassword, credential: Credential, owner: Account) -> Answer:
    return {
        "app_password": records.app_password(credential, owner, call.services.clock()),
        "password": password.reveal(),
        "login_name": owner.name,
        "dav_url": call.dav_url,
    }


_ACCOUNTS, _ONE = "/accounts", "/app-passwords/{id}"
_THEIRS = f"{_ACCOUNTS}/{{account}}/app-passwords"
_SEE, _READ = ApiScope.ACCOUNTS_READ, ApiScope.APP_PASSWORDS_READ
_ISSUE, _REVOKE = ApiScope.APP_PASSWORDS_ISSUE, ApiScope.APP_PASSWORDS_REVOKE

OPERATIONS = (
    Operation("GET", _ACCOUNTS, "listAccounts", "All accounts", _SEE, list_accounts, "Accounts", in_parts=True),
    Operation("GET", f"{_ACCOUNTS}/{{account}}", "showAccount", "One account", _SEE, show_account, "Account"),
    Operation(
        "GET", "/directory", "showDirectory", "The company directory", _SEE, show_directory, "People", in_parts=True
    ),
    Operation(
        "GET", _THEIRS, "listAppPasswords", "App passwords", _READ, list_app_passwords, "AppPasswords", in_parts=True
    ),
    Operation("POST", _THEIRS, "issue", "Make one", _ISSUE, issue, "NewAppPassword", "Wish", 201),
    Operation("DELETE", _THEIRS, "revokeAll", "End all of them", _REVOKE, revoke_all, "Receipt"),
    Operation("GET", _ONE, "showAppPassword", "One app password", _READ, show_app_password, "AppPassword"),
    Operation("PATCH", _ONE, "rename", "Rename it", _ISSUE, rename, "AppPassword", "Rename"),
    Operation("DELETE", _ONE, "revoke", "End it", _REVOKE, revoke, "Receipt"),
    Operation("POST", f"{_ONE}/pause", "pause", "Pause it", _REVOKE, pause, "Receipt"),
    Operation("POST", f"{_ONE}/resume", "resume", "Resume it", _ISSUE, resume, "AppPassword"),
    Operation("POST", f"{_ONE}/rotate", "rotate", "Replace it", _ISSUE, rotate, "NewAppPassword", None, 201),
    Operation("POST", f"{_ONE}/narrow", "narrow", "Let it do less", _REVOKE, narrow, "Receipt", "Narrow"),
    Operation("POST", f"{_ONE}/widen", "widen", "Let it do more", _ISSUE, widen, "AppPassword", "Widen"),
    Operation("GET", f"{_ONE}/receipt", "lastReceipt", "Its last receipt", _READ, last_receipt, "Receipt"),
    Operation("GET", "/receipts/{number}", "showReceipt", "A receipt by its number", _READ, show_receipt, "Receipt"),
)
