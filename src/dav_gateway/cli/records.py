"""Accounts, credentials and audit events as people and programs see them. No verifier is in any of them."""

from typing import Any

from dav_gateway.cli.output import moment_json, moment_text
from dav_gateway.core.account import Account
from dav_gateway.core.client_family import title_of
from dav_gateway.core.credential import Credential, refusal_of_liveness
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Scope
from dav_gateway.service.revocation import required_credential
from dav_gateway.service.services import Services
from dav_gateway.store.audit import Event

LIVE = "live"


def found_credential(services: Services, credential_id: str) -> tuple[Credential, Account]:
    """The credential with this id and its owner. Raises NotFound."""
    with services.database.read() as connection:
        return required_credential(connection, credential_id)


def account_record(account: Account) -> dict[str, Any]:
    """An account for programs."""
    return {
        "name": account.name,
        "email": account.email,
        "display_name": account.display_name,
        "admin": account.admin,
        "active": account.active,
        "language": account.language,
        "phones": list(account.phones),
        "title": account.title,
        "department": account.department,
        "has_password": account.password_verifier is not None,
        "created": moment_json(account.created_at),
    }


def scope_names(credential: Credential) -> list[str]:
    """The scopes in their usual order."""
    return [scope.value for scope in Scope if scope in credential.scopes]


def state_of(credential: Credential, account: Account, now: Moment) -> str:
    """`live`, or why it is not."""
    reason = refusal_of_liveness(credential, account, now)
    return LIVE if reason is None else reason.value


def credential_record(credential: Credential, account: Account, now: Moment) -> dict[str, Any]:
    """A credential for programs."""
    return {
        "id": credential.id,
        "account": account.name,
        "label": credential.label,
        "service": credential.service.value,
        "scopes": scope_names(credential),
        "access": credential.access.value,
        "collections": None if credential.collections is None else sorted(credential.collections),
        "networks": [str(network) for network in credential.networks],
        "state": state_of(credential, account, now),
        "expires": moment_json(credential.expires_at),
        "origin": credential.origin.value,
        "created": moment_json(credential.created_at),
        "client_family": credential.client_family,
        "first_used": moment_json(credential.first_used_at),
        "last_used": moment_json(credential.last_used_at),
        "last_used_address": credential.last_used_address,
        "last_used_client": credential.last_used_client,
        "paused": moment_json(credential.paused_at),
        "revoked": moment_json(credential.revoked_at),
        "revoked_by": credential.revoked_by,
        "revoked_why": credential.revoked_why,
        "last_refusal": moment_json(credential.last_refusal_at),
        "last_refusal_reason": credential.last_refusal_reason,
        "replaces": credential.replaces,
    }


def account_pairs(account: Account) -> list[tuple[str, str]]:
    """An account for people."""
    return [
        ("name", account.name),
        ("e-mail", account.email),
        ("display name", account.display_name),
        ("administrator", _yes(account.admin)),
        ("active", _yes(account.active)),
        ("signs in to the page", _yes(account.password_verifier is not None)),
        ("language", account.language),
        ("phones", ", ".join(account.phones)),
        ("title", account.title),
        ("department", account.department),
        ("created", moment_text(account.created_at)),
    ]


def credential_pairs(credential: Credential, account: Account, now: Moment) -> list[tuple[str, str]]:
    """A credential for people."""
    used = [moment_text(credential.last_used_at), credential.last_used_address, credential.last_used_client]
    refusal = [moment_text(credential.last_refusal_at), credential.last_refusal_reason]
    revoked = [moment_text(credential.revoked_at), credential.revoked_by and f"by {credential.revoked_by}"]
    return [
        ("id", credential.id),
        ("account", account.name),
        ("label", credential.label),
        ("service", credential.service.value),
        ("state", state_of(credential, account, now)),
        ("opens", reach_of(credential)),
        ("networks", ", ".join(str(network) for network in credential.networks) or "any"),
        ("expires", moment_text(credential.expires_at) or "never"),
        ("client", title_of(credential.client_family) if credential.client_family else "fixed at the first use"),
        ("issued", f"{moment_text(credential.created_at)} by {credential.origin.value}"),
        ("replaces", credential.replaces or ""),
        ("first used", moment_text(credential.first_used_at)),
        ("last used", ", ".join(filter(None, used))),
        ("last refused", ", ".join(filter(None, refusal))),
        ("paused", moment_text(credential.paused_at)),
        ("revoked", ", ".join(filter(None, [*revoked, credential.revoked_why]))),
    ]


def reach_of(credential: Credential) -> str:
    """Scopes, access and collections in a few words."""
    collections = "" if credential.collections is None else f", only {', '.join(sorted(credential.collections))}"
    return f"{' and '.join(scope_names(credential))}, {credential.access.value}{collections}"


def event_record(event: Event) -> dict[str, Any]:
    """An audit event for programs."""
    return {
        "id": event.id,
        "at": moment_json(event.at),
        "event": event.event,
        "account": event.account,
        "credential_id": event.credential_id,
        "actor": event.actor,
        "address": event.address,
        "client_family": event.client_family,
        "request_id": event.request_id,
        "detail": dict(event.detail),
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"
