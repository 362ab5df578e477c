"""`app-password`: issue, look at, and end the passwords that devices use."""

from collections.abc import Sequence

import click

from dav_gateway.cli.arguments import Cidr, PublicId, When, account_argument
from dav_gateway.cli.command import Group, json_option
from dav_gateway.cli.issued import show_issued
from dav_gateway.cli.output import moment_text, safe, show_json, show_record, show_table
from dav_gateway.cli.records import credential_pairs, credential_record, found_credential, reach_of, state_of
from dav_gateway.cli.session import Session, actor, now
from dav_gateway.cli.taking_away import narrow, pause, receipt, resume, revoke
from dav_gateway.core.credential import Network, Origin, Service
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.store import credentials


@click.group(
    "app-password",
    cls=Group,
    example="dav-gateway app-password issue ana --service iphone --scope calendars\ndav-gateway app-password list ana",
)
def app_password() -> None:
    """The passwords of devices: issue, show and end them.

    Each is for one device, opens calendars, contacts or both, and can be ended at any moment.
    """


@app_password.command(
    "issue",
    example="dav-gateway app-password issue ana --service thunderbird --scope contacts --read-only --expires 90d",
)
@account_argument
@click.option("--service", type=click.Choice([each.value for each in Service]), required=True, help="The device.")
@click.option(
    "--scope", "scopes", type=click.Choice([each.value for each in Scope]), multiple=True, required=True,
    help="What it opens; may be repeated.",
)  # fmt: skip
@click.option("--read-only", is_flag=True, help="It changes nothing.")
@click.option(
    "--collection", "collections", multiple=True, metavar="NAME",
    help="Only the collection of this name, in every given scope that has one; a scope that has none of those named "
    "opens nothing. Refused when no scope has it; may be repeated.",
)  # fmt: skip
@click.option("--cidr", "networks", type=Cidr(), multiple=True, help="Only from this network; may be repeated.")
@click.option(
    "--expires",
    "expires_at",
    type=When(),
    help="A date or time, local unless it names its zone, or a length of time such as 90d or 12h.",
)
@click.option("--label", default="", metavar="TEXT", help="The person's name for it. [default: the service's]")
@json_option
@click.pass_obj
def issue(
    session: Session,
    name: str,
    *,
    service: str,
    scopes: Sequence[str],
    read_only: bool,
    collections: Sequence[str],
    networks: Sequence[Network],
    expires_at: Moment | None,
    label: str,
    as_json: bool,
) -> None:
    """Issue an app password and print it: this once, and never again."""
    with session.services() as services:
        owner = services.accounts.get(name).name
        password, credential = services.issuing.issue(
            owner,
            service=Service(service),
            scopes=frozenset(Scope(scope) for scope in scopes),
            access=Access.READ_ONLY if read_only else Access.READ_WRITE,
            collections=frozenset(collections) if collections else None,
            networks=tuple(networks),
            expires_at=expires_at,
            label=label,
            origin=Origin.CLI,
            actor=actor(),
        )
        show_issued(services, password, credential, owner, session.settings.dav_url, as_json=as_json)


@app_password.command("rotate", example="dav-gateway app-password rotate k7mqx")
@click.argument("credential_id", metavar="ID", type=PublicId())
@json_option
@click.pass_obj
def rotate(session: Session, credential_id: str, as_json: bool) -> None:
    """Issue a successor with the same rights and print it; the old one ends when the successor is first used."""
    with session.services() as services:
        _, owner = found_credential(services, credential_id)
        password, credential = services.issuing.rotate(credential_id, origin=Origin.CLI, actor=actor())
        show_issued(services, password, credential, owner.name, session.settings.dav_url, as_json=as_json)


@app_password.command("list", example="dav-gateway app-password list ana --json")
@account_argument
@json_option
@click.pass_obj
def list_(session: Session, name: str, as_json: bool) -> None:
    """List the app passwords of an account, ended ones too."""
    with session.services() as services:
        owner = services.accounts.get(name)
        with services.database.read() as connection:
            found = credentials.of_account(connection, owner.id)
    at = now()
    if as_json:
        show_json([credential_record(each, owner, at) for each in found])
        return
    show_table(
        ["ID", "LABEL", "SERVICE", "OPENS", "STATE", "EXPIRES", "LAST USED"],
        [
            [
                each.id,
                each.label,
                each.service.value,
                reach_of(each),
                state_of(each, owner, at),
                moment_text(each.expires_at) or "never",
                moment_text(each.last_used_at) or "never",
            ]
            for each in found
        ],
    )


@app_password.command("show", example="dav-gateway app-password show k7mqx")
@click.argument("credential_id", metavar="ID", type=PublicId())
@json_option
@click.pass_obj
def show(session: Session, credential_id: str, as_json: bool) -> None:
    """Show one app password: all but the secret, which nobody can read any more."""
    with session.services() as services:
        found = found_credential(services, credential_id)
    if as_json:
        show_json(credential_record(*found, now()))
    else:
        show_record(credential_pairs(*found, now()))


@app_password.command("rename", example="dav-gateway app-password rename k7mqx 'The new phone'")
@click.argument("credential_id", metavar="ID", type=PublicId())
@click.argument("label", metavar="TEXT")
@json_option
@click.pass_obj
def rename(session: Session, credential_id: str, label: str, as_json: bool) -> None:
    """Give an app password another label."""
    if not label.strip():
        raise Refusal("a label is not empty")
    with session.services() as services:
        services.issuing.rename(credential_id, label, actor=actor())
        renamed, owner = found_credential(services, credential_id)
    if as_json:
        show_json(credential_record(renamed, owner, now()))
    else:
        click.echo(f"Renamed: {renamed.id}. It is {safe(renamed.label)} from now on.")


for _command in (pause, resume, narrow, revoke, receipt):
    app_password.add_command(_command)
