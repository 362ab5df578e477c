"""`database`: the schema of the store."""

import click

from dav_gateway.cli.command import Group, json_option
from dav_gateway.cli.output import show_json, show_record
from dav_gateway.cli.session import Session, require_database


@click.group("database", cls=Group, example="dav-gateway database upgrade")
def database() -> None:
    """The tables: show their version, bring them up to date."""


@database.command("status", example="dav-gateway database status --json")
@json_option
@click.pass_obj
def status(session: Session, as_json: bool) -> None:
    """Show which version the tables have and which one this program needs."""
    from dav_gateway.bootstrap import open_bare_database
    from dav_gateway.store import migration

    settings = session.settings
    require_database(settings)
    with open_bare_database(settings) as opened:
        current, head = migration.status(opened)
    if as_json:
        show_json({"url": settings.database.redacted, "current": current, "head": head, "ready": current == head})
        return
    show_record(
        [
            ("database", settings.database.redacted),
            ("version", current or "empty"),
            ("needed", head),
            ("state", "up to date" if current == head else "to be upgraded: dav-gateway database upgrade"),
        ]
    )


@database.command("upgrade", example="dav-gateway database upgrade --config /etc/dav-gateway/gateway.toml")
@click.pass_obj
def upgrade(session: Session) -> None:
    """Make the tables, or bring them up to date. For SQLite this happens by itself at every start."""
    from dav_gateway.bootstrap import open_bare_database
    from dav_gateway.store import migration

    settings = session.settings
    with open_bare_database(settings) as opened:
        before, _ = migration.status(opened)
        migration.upgrade(opened)
        after, _ = migration.status(opened)
    if before == after:
        click.echo(f"{settings.database.redacted} was up to date already ({after}).")
    else:
        click.echo(f"{settings.database.redacted} is upgraded from {before or 'empty'} to {after}.")
