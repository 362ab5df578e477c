"""The operations of the API, each one use case: what it needs, what it takes, what it gives."""

from collections.abc import Callable
from dataclasses import dataclass

from dav_gateway.core.api_key import ApiScope
from dav_gateway.web.api import acting, looking
from dav_gateway.web.api.call import Answer, Call


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


_ACCOUNTS, _ONE = "/accounts", "/app-passwords/{id}"
_THEIRS = f"{_ACCOUNTS}/{{account}}/app-passwords"
_SEE, _READ = ApiScope.ACCOUNTS_READ, ApiScope.APP_PASSWORDS_READ
_ISSUE, _REVOKE = ApiScope.APP_PASSWORDS_ISSUE, ApiScope.APP_PASSWORDS_REVOKE
_AUDIT = ApiScope.AUDIT_READ

OPERATIONS = (
    Operation("GET", _ACCOUNTS, "listAccounts", "All accounts", _SEE, looking.list_accounts, "Accounts", in_parts=True),
    Operation("GET", f"{_ACCOUNTS}/{{account}}", "showAccount", "One account", _SEE, looking.show_account, "Account"),
    Operation(
        "GET",
        "/directory",
        "showDirectory",
        "The company directory",
        _SEE,
        looking.show_directory,
        "People",
        in_parts=True,
    ),
    Operation(
        "GET",
        _THEIRS,
        "listAppPasswords",
        "App passwords",
        _READ,
        looking.list_app_passwords,
        "AppPasswords",
        in_parts=True,
    ),
    Operation("POST", _THEIRS, "issue", "Make one", _ISSUE, acting.issue, "NewAppPassword", "Wish", 201),
    Operation("DELETE", _THEIRS, "revokeAll", "End all of them", _REVOKE, acting.revoke_all, "Receipt"),
    Operation("GET", _ONE, "showAppPassword", "One app password", _READ, looking.show_app_password, "AppPassword"),
    Operation("PATCH", _ONE, "rename", "Rename it", _ISSUE, acting.rename, "AppPassword", "Rename"),
    Operation("DELETE", _ONE, "revoke", "End it", _REVOKE, acting.revoke, "Receipt"),
    Operation("POST", f"{_ONE}/pause", "pause", "Pause it", _REVOKE, acting.pause, "Receipt"),
    Operation("POST", f"{_ONE}/resume", "resume", "Resume it", _ISSUE, acting.resume, "AppPassword"),
    Operation("POST", f"{_ONE}/rotate", "rotate", "Replace it", _ISSUE, acting.rotate, "NewAppPassword", None, 201),
    Operation("POST", f"{_ONE}/narrow", "narrow", "Let it do less", _REVOKE, acting.narrow, "Receipt", "Narrow"),
    Operation("POST", f"{_ONE}/widen", "widen", "Let it do more", _ISSUE, acting.widen, "AppPassword", "Widen"),
    Operation("GET", f"{_ONE}/receipt", "lastReceipt", "Its last receipt", _READ, looking.last_receipt, "Receipt"),
    Operation(
        "GET", "/receipts/{number}", "showReceipt", "A receipt by its number", _READ, looking.show_receipt, "Receipt"
    ),
    Operation("GET", "/audit", "listEvents", "What happened", _AUDIT, looking.list_events, "Events", in_parts=True),
    Operation(
        "GET",
        f"{_ACCOUNTS}/{{account}}/audit",
        "listEventsOfAccount",
        "What happened to an account",
        _AUDIT,
        looking.list_events_of_account,
        "Events",
        in_parts=True,
    ),
    Operation(
        "GET",
        f"{_ONE}/audit",
        "listEventsOfAppPassword",
        "What happened to an app password",
        _AUDIT,
        looking.list_events_of_app_password,
        "Events",
        in_parts=True,
    ),
)
