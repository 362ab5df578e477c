"""What takes reach away from app passwords, and gives it back: each command of `app-password` that stops a sync."""

from collections.abc import Sequence

import click

from dav_gateway.cli.arguments import Cidr, PublicId, When
from dav_gateway.cli.command import Command, json_option
from dav_gateway.cli.output import show_json
from dav_gateway.cli.receipts import show_receipt, show_stored_receipt
from dav_gateway.cli.records import LIVE, credential_record, found_credential, state_of
from dav_gateway.cli.session import Session, actor, now
from dav_gateway.core.credential import Network
from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.service.revocation import Limits
from dav_gateway.store import receipts

WHY = "command line"


@click.command("pause", cls=Command, example="dav-gateway app-password pause k7mqx")
@click.argument("credential_id", metavar="ID", type=PublicId())
@json_option
@click.pass_obj
def pause(session: Session, credential_id: str, as_json: bool) -> None:
    """Refuse an app password until it is resumed, and cut what it is doing."""
    with session.services() as services:
        receipt = services.revocation.pause(credential_id, by=actor())
    show_receipt(receipt, "Paused", as_json=as_json)


@click.command("resume", cls=Command, example="dav-gateway app-password resume k7mqx")
@click.argument("credential_id", metavar="ID", type=PublicId())
@json_option
@click.pass_obj
def resume(session: Session, credential_id: str, as_json: bool) -> None:
    """Let a paused app password work again."""
    with session.services() as services:
        services.revocation.resume(credential_id, by=actor())
        resumed, owner = found_credential(services, credential_id)
    if as_json:
        show_json(credential_record(resumed, owner, now()))
        return
    state = state_of(resumed, owner, now())
    click.echo(f"Resumed: {resumed.id}. {'Accepted from now on' if state == LIVE else f'Still refused: {state}'}.")


@click.command(
    "narrow",
    cls=Command,
    example="dav-gateway app-password narrow k7mqx --read-only\n"
    "dav-gateway app-password narrow k7mqx --scope calendars --cidr 192.0.2.0/24",
)
@click.argument("credential_id", metavar="ID", type=PublicId())
@click.option(
    "--scope", "scopes", type=click.Choice([each.value for each in Scope]), multiple=True,
    help="Only what is named is opened from now on; may be repeated.",
)  # fmt: skip
@click.option("--read-only", is_flag=True, help="It changes nothing from now on.")
@click.option("--collection", "collections", multiple=True, metavar="NAME", help="Only these; may be repeated.")
@click.option("--cidr", "networks", type=Cidr(), multiple=True, help="Only from these networks; may be repeated.")
@click.option("--expires", "expires_at", type=When(), help="It ends then: a date or time, or a length such as 90d.")
@json_option
@click.pass_obj
def narrow(
    session: Session,
    credential_id: str,
    *,
    scopes: Sequence[str],
    read_only: bool,
    collections: Sequence[str],
    networks: Sequence[Network],
    expires_at: Moment | None,
    as_json: bool,
) -> None:
    """Let an app password do less, and cut what it is doing. What is not named stays; it never does more."""
    limits: Limits = {}
    if scopes:
        limits["scopes"] = frozenset(Scope(scope) for scope in scopes)
    if read_only:
        limits["access"] = Access.READ_ONLY
    if collections:
        limits["collections"] = frozenset(collections)
    if networks:
        limits["networks"] = tuple(networks)
    if expires_at is not None:
        limits["expires_at"] = expires_at
    if not limits:
        raise click.UsageError("say what it may do no longer: see --help")
    with session.services() as services:
        receipt = services.revocation.narrow(credential_id, by=actor(), **limits)
    show_receipt(receipt, "Narrowed", as_json=as_json)


@click.command(
    "revoke", cls=Command, example="dav-gateway app-password revoke k7mqx\ndav-gateway app-password revoke --all ana"
)
@click.argument("credential_ids", metavar="ID...", nargs=-1, type=PublicId())
@click.option("--all", "account_name", metavar="ACCOUNT", help="All app passwords of this account: a device is lost.")
@click.option("--receipt", "in_full", is_flag=True, help="Tell which worker ended what, and when.")
@json_option
@click.pass_obj
def revoke(
    session: Session, credential_ids: Sequence[str], account_name: str | None, *, in_full: bool, as_json: bool
) -> None:
    """End app passwords for good, and cut what they are doing. All of those named, or none when one does not exist.

    Returns when nothing more is sent or stored under them by any worker of any machine.
    """
    if bool(credential_ids) == (account_name is not None):
        raise click.UsageError("give the ids of app passwords, or --all and the name of an account")
    with session.services() as services:
        if account_name is not None:
            receipt = services.revocation.revoke_all(services.accounts.get(account_name).name, by=actor(), why=WHY)
        else:
            receipt = services.revocation.revoke(credential_ids, by=actor(), why=WHY)
    show_receipt(receipt, "Revoked", as_json=as_json, in_full=in_full)


@click.command("receipt", cls=Command, example="dav-gateway app-password receipt k7mqx")
@click.argument("credential_id", metavar="ID", type=PublicId())
@json_option
@click.pass_obj
def receipt(session: Session, credential_id: str, as_json: bool) -> None:
    """Show what the last revocation, pause or narrowing of an app password ended, and who was refused first since."""
    with session.services() as services:
        found_credential(services, credential_id)
        with services.database.read() as connection:
            stored = receipts.latest(connection, credential_id)
    if stored is None:
        raise NotFound(f"nothing was ever taken away from the app password {credential_id}")
    show_stored_receipt(stored, as_json=as_json)
