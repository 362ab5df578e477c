"""`account second-factor` and `account reset-password`: an administrator's help for who cannot sign in to the page."""

import click

from dav_gateway.cli.arguments import account_argument
from dav_gateway.cli.command import Command, json_option
from dav_gateway.cli.output import moment_json, moment_text, show_json, show_record
from dav_gateway.cli.session import Session, actor
from dav_gateway.core.sign_in import Factor


@click.command("second-factor", cls=Command, example="dav-gateway account second-factor ana --off")
@account_argument
@click.option("--off", is_flag=True, help="Turn it off: authenticator app, passkeys and recovery codes are forgotten.")
@json_option
@click.pass_obj
def second_factor(session: Session, name: str, off: bool, as_json: bool) -> None:
    """Show what an account has beside its password, or turn it off for somebody who lost it.

    Make sure who is asking: after this the main password alone signs in to the page.
    """
    with session.services() as services:
        owner = services.accounts.get(name)
        was_on = services.page.take_factors_away(owner.name, by=actor())[1] if off else False
        standing = services.page.standings.of(owner.id)
        overview = services.page.factors.overview(owner.id)
    if as_json:
        factors = sorted(factor.value for factor in standing.factors)
        show_json({"account": owner.name, "factors": factors, "recovery_codes_left": overview.recovery_codes_left})
        return
    if off:
        click.echo(f"The second factor of {owner.name} is off." if was_on else f"{owner.name} has no second factor.")
        return
    show_record(
        [
            ("account", owner.name),
            ("second factor", "on" if standing.is_protected else "off"),
            ("authenticator app", "yes" if Factor.TOTP in standing.factors else "no"),
            ("passkeys", ", ".join(each.label for each in overview.passkeys)),
            ("recovery codes left", str(overview.recovery_codes_left)),
        ]
    )


@click.command("reset-password", cls=Command, example="dav-gateway account reset-password ana")
@account_argument
@json_option
@click.pass_obj
def reset_password(session: Session, name: str, as_json: bool) -> None:
    """Print a link with which an account's owner sets a new password for the page.

    It works once, within an hour, and is shown only now: give it to nobody else. A second factor stays on.
    """
    with session.services() as services:
        made = services.page.passwords.make(services.accounts.get(name).name, by=actor())
    if as_json:
        show_json({"account": made.account.name, "url": made.url, "expires_at": moment_json(made.expires_at)})
        return
    click.echo(f"For {made.account.name}, once, until {moment_text(made.expires_at)}:\n\n  {made.url}")
