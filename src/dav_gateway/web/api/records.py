"""What the API says of accounts, app passwords and receipts. No verifier and no stored secret is in any of them."""

from typing import Any

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, refusal_of_liveness
from dav_gateway.core.moment import Moment, isoformat
from dav_gateway.core.scope import Scope
from dav_gateway.service.receipts import Receipt, rows_of
from dav_gateway.store.audit import Event
from dav_gateway.store.receipts import Row, StoredReceipt


def person(account: Account) -> dict[str, Any]:
    """Somebody in the directory."""
    return {
        "name": account.name,
        "display_name": account.display_name,
        "email": account.email,
        "phones": list(account.phones),
        "title": account.title,
        "department": account.department,
    }


def account(found: Account) -> dict[str, Any]:
    """An account."""
    return {
        **person(found),
        "admin": found.admin,
        "active": found.active,
        "language": found.language,
        "created_at": _moment(found.created_at),
    }


def app_password(credential: Credential, owner: Account, now: Moment) -> dict[str, Any]:
    """An app password without its secret."""
    reason = refusal_of_liveness(credential, owner, now)
    return {
        "id": credential.id,
        "account": owner.name,
        "label": credential.label,
        "service": credential.service.value,
        "scopes": [scope.value for scope in Scope if scope in credential.scopes],
        "access": credential.access.value,
        "collections": None if credential.collections is None else sorted(credential.collections),
        "networks": [str(network) for network in credential.networks],
        "state": "live" if reason is None else reason.value,
        "origin": credential.origin.value,
        "client_family": credential.client_family,
        "created_at": _moment(credential.created_at),
        "expires_at": _moment(credential.expires_at),
        "first_used_at": _moment(credential.first_used_at),
        "last_used_at": _moment(credential.last_used_at),
        "last_used_address": credential.last_used_address,
        "last_used_client": credential.last_used_client,
        "paused_at": _moment(credential.paused_at),
        "revoked_at": _moment(credential.revoked_at),
        "revoked_by": credential.revoked_by,
        "last_refusal_at": _moment(credential.last_refusal_at),
        "last_refusal_reason": credential.last_refusal_reason,
        "replaces": credential.replaces,
    }


def receipt(done: Receipt) -> dict[str, Any]:
    """The receipt of what was just done."""
    return {
        "number": done.number,
        "app_passwords": list(done.ids),
        "decided_at": _moment(done.decided_at),
        "done_at": _moment(done.done_at),
        "connections": done.connections,
        "requests": done.requests,
        "processes": [_process(row) for row in rows_of(done)],
    }


def stored_receipt(found: StoredReceipt) -> dict[str, Any]:
    """A receipt from the records."""
    return {
        "number": found.id,
        "app_passwords": [each.credential_id for each in found.refused],
        "decided_at": _moment(found.decided_at),
        "done_at": _moment(found.done_at),
        "connections": found.connections,
        "requests": found.requests,
        "processes": [_process(row) for row in found.acknowledgements],
    }


def event(found: Event) -> dict[str, Any]:
    """What happened, as the audit has it."""
    return {
        "id": found.id,
        "at": _moment(found.at),
        "event": found.event,
        "account": found.account,
        "app_password": found.credential_id,
        "actor": found.actor,
        "address": found.address,
        "client_family": found.client_family,
        "request_id": found.request_id,
        "detail": dict(found.detail),
    }


def _process(row: Row) -> dict[str, Any]:
    name, how, milliseconds, connections, requests = row
    return {
        "name": name,
        "how": how,
        "milliseconds": milliseconds,
        "connections": connections,
        "requests": requests,
    }


def _moment(moment: Moment | None) -> str | None:
    return None if moment is None else isoformat(moment)
