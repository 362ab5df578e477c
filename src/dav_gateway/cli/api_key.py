"""`api-key`: what portals of the company present to the API."""

from collections.abc import Sequence

import click

from dav_gateway.cli.command import Group, json_option
from dav_gateway.cli.output import moment_json, moment_text, safe, show_json, show_table
from dav_gateway.cli.session import Session, actor
from dav_gateway.core.api_key import ApiKey, ApiScope


@click.group(
    "api-key",
    cls=Group,
    example="dav-gateway api-key issue portal --scope app-passwords:read\ndav-gateway api-key list",
)
def api_key() -> None:
    """Keys for portals of the company that have a profile page of their own."""


@api_key.command("issue", example="dav-gateway api-key issue portal --scope app-passwords:read --scope accounts:read")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in ApiScope]),
    help="May be repeated.",
)
@json_option
@click.pass_obj
def issue(session: Session, name: str, scopes: Sequence[str], as_json: bool) -> None:
    """Issue an API key and print it: this once, and never again."""
    with session.services() as services:
        made, key = services.api_keys.issue(name, frozenset(ApiScope(scope) for scope in scopes), by=actor())
    if as_json:
        show_json({**_record(key), "key": made.reveal()})
        return
    click.echo(made.reveal())
    click.echo(f"API key {key.id} for {safe(key.name)}. Only its digest is kept: it cannot be shown again.")


@api_key.command("list", example="dav-gateway api-key list --json")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """List all API keys, revoked ones too."""
    with session.services() as services:
        found = services.api_keys.every()
    if as_json:
        show_json([_record(key) for key in found])
        return
    show_table(
        ["ID", "NAME", "SCOPES", "MADE", "BY", "STATE"],
        [
            [
                str(key.id),
                key.name,
                " ".join(sorted(key.scopes)),
                moment_text(key.created_at),
                key.created_by,
                "in use" if key.revoked_at is None else f"revoked {moment_text(key.revoked_at)}",
            ]
            for key in found
        ],
    )


@api_key.command("revoke", example="dav-gateway api-key revoke 3")
@click.argument("key_id", metavar="ID", type=click.IntRange(min=1))
@json_option
@click.pass_obj
def revoke(session: Session, key_id: int, as_json: bool) -> None:
    """End an API key for good."""
    with session.services() as services:
        key = services.api_keys.revoke(key_id, by=actor())
    if as_json:
        show_json(_record(key))
    else:
        click.echo(f"Revoked: API key {key.id} ({safe(key.name)}).")


def _record(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created": moment_json(key.created_at),
        "created_by": key.created_by,
        "revoked": moment_json(key.revoked_at),
        "revoked_by": key.revoked_by,
    }
