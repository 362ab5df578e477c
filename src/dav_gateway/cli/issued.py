"""The one place where the secret of an app password is printed."""

import sys

import click

from dav_gateway.cli.output import moment_json, moment_text, safe, show_json
from dav_gateway.cli.records import reach_of, scope_names
from dav_gateway.cli.session import actor
from dav_gateway.core.credential import Credential
from dav_gateway.core.secret import AppPassword
from dav_gateway.service.services import Services


def show_issued(
    services: Services, password: AppPassword, credential: Credential, owner: str, dav_url: str, *, as_json: bool
) -> None:
    """Print a new app password and how to use it. One that could not be printed is revoked: nobody has it."""
    try:
        if as_json:
            show_json(
                {
                    "id": credential.id,
                    "password": password.reveal(),
                    "account": owner,
                    "login_name": owner,
                    "service": credential.service.value,
                    "scopes": scope_names(credential),
                    "access": credential.access.value,
                    "label": credential.label,
                    "expires": moment_json(credential.expires_at),
                    "dav_url": dav_url,
                }
            )
        else:
            _show_text(password, credential, owner, dav_url)
        sys.stdout.flush()
    except OSError:
        services.revocation.revoke([credential.id], by=actor(), why="it could not be shown")
        raise


def _show_text(password: AppPassword, credential: Credential, owner: str, dav_url: str) -> None:
    expiry = f", until {moment_text(credential.expires_at)}" if credential.expires_at is not None else ""
    click.echo(
        f"App password {credential.id} ({safe(credential.label)}) for {owner}: {safe(reach_of(credential))}{expiry}.\n"
        f"It is shown this once:\n"
        f"\n"
        f"    {password.reveal()}\n"
        f"\n"
        f"In the client:\n"
        f"    server     {dav_url}\n"
        f"    user name  {owner}\n"
        f"    password   the one above\n"
        f"\n"
        f"To end it: dav-gateway app-password revoke {credential.id}"
    )
    if credential.replaces:
        click.echo(f"The old one, {credential.replaces}, ends when this one is first used.")
