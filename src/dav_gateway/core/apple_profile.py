"""Apple configuration profiles (`.mobileconfig`): calendars and contacts set up by one tap.

Source: Apple's Device Management documentation, payloads CalDAV and CardDAV, and "Configuring Multiple Devices Using
Profiles" (TopLevel, CommonPayloadKeys). Identifiers and UUIDs follow from the address and the credential, so installing
a profile of the same credential again replaces the first one.
"""

import plistlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from dav_gateway.core.scope import Scope

CONTENT_TYPE = "application/x-apple-aspen-config"
_PAYLOADS = {
    Scope.CALENDARS: ("com.apple.caldav.account", "CalDAV"),
    Scope.CONTACTS: ("com.apple.carddav.account", "CardDAV"),
}
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class DavAccount:
    """One account on the device: a scope, the credential that opens it, and its password (None: the person types it,
    and macOS makes no account). `title` is what Settings shows."""

    scope: Scope
    credential_id: str
    login: str
    title: str
    password: str | None = field(default=None, repr=False)


def build(accounts: Sequence[DavAccount], *, public_url: str, title: str) -> bytes:
    """The profile as an XML property list. `public_url` has no path; `title` is the profile's name on the device.

    Raises ValueError without accounts, or when two are of one scope.
    """
    scopes = {account.scope for account in accounts}
    if not accounts or len(scopes) != len(accounts):
        raise ValueError("a profile sets up calendars, contacts or both, each once")
    name = ".".join(dict.fromkeys(account.credential_id for account in accounts))
    content = [_payload(account, public_url) for account in accounts]
    profile = _common("Configuration", _identifier(public_url, [name]), title) | {
        "PayloadRemovalDisallowed": False,
        "PayloadContent": content,
    }
    return plistlib.dumps(profile)


def _payload(account: DavAccount, public_url: str) -> dict[str, object]:
    kind, prefix = _PAYLOADS[account.scope]
    parts = urlsplit(public_url)
    payload = _common(kind, _identifier(public_url, [account.credential_id, account.scope.value]), account.title)
    payload |= {
        f"{prefix}AccountDescription": account.title,
        f"{prefix}HostName": parts.hostname or "",
        f"{prefix}Port": parts.port or _PORTS[parts.scheme],
        f"{prefix}UseSSL": parts.scheme == "https",
        f"{prefix}PrincipalURL": f"/dav/{account.login}/",
        f"{prefix}Username": account.login,
    }
    if account.password is not None:
        payload[f"{prefix}Password"] = account.password
    return payload


def _common(kind: str, identifier: str, title: str) -> dict[str, object]:
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": str(uuid5(NAMESPACE_URL, identifier)).upper(),
        "PayloadDisplayName": title,
    }


def _identifier(public_url: str, names: Iterable[str]) -> str:
    """Reverse-DNS style, as Apple asks for: `com.example.dav.8443.app-password.k7mqx.calendars`."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    port = [str(parts.port)] if parts.port else []
    return ".".join([*_reversed(host), *port, "app-password", *names])


def _reversed(host: str) -> list[str]:
    try:
        return [ip_address(host).exploded.replace(":", "-").replace(".", "-")]
    except ValueError:
        return host.split(".")[::-1]
