"""`audit`: what happened, newest last."""

import click

from dav_gateway.cli.arguments import PublicId
from dav_gateway.cli.command import Command, json_option
from dav_gateway.cli.output import moment_text, show_json, show_table
from dav_gateway.cli.records import event_record
from dav_gateway.cli.session import Session
from dav_gateway.store import audit as rows

_MOST = 1_000_000


@click.command("audit", cls=Command, example="dav-gateway audit --account ana --limit 20")
@click.option("--account", metavar="ACCOUNT", help="Only events of this account.")
@click.option("--id", "credential_id", type=PublicId(), help="Only events of this app password.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=100, show_default=True, help="The newest so many.")
@json_option
@click.pass_obj
def audit(session: Session, account: str | None, credential_id: str | None, limit: int, as_json: bool) -> None:
    """Print what happened, newest last. There is no secret in it.

    Standard error tells when there is more than is shown.
    """
    with session.services() as services:
        name = services.accounts.get(account).name if account is not None else None
        with services.database.read() as connection:
            events = rows.select(connection, account=name, credential_id=credential_id, limit=limit + 1)
    more = len(events) > limit
    events = events[:limit][::-1]
    if more:
        click.echo(f"Only the newest {limit} events are shown: give a larger --limit.", err=True)
    if as_json:
        show_json([event_record(event) for event in events])
        return
    show_table(
        ["WHEN", "EVENT", "ACCOUNT", "ID", "BY", "ADDRESS", "CLIENT", "DETAIL"],
        [
            [
                moment_text(event.at),
                event.event,
                event.account or "",
                event.credential_id or "",
                event.actor or "",
                event.address or "",
                event.client_family or "",
                "; ".join(f"{key}: {_said(value)}" for key, value in event.detail.items()),
            ]
            for event in events
        ],
    )


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
