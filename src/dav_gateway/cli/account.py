"""`account`: the people of the company."""

from typing import Any

import click

from dav_gateway.cli.arguments import account_argument, name_argument, read_password
from dav_gateway.cli.command import Group, json_option
from dav_gateway.cli.output import show_json, show_record, show_table
from dav_gateway.cli.records import account_pairs, account_record
from dav_gateway.cli.session import Session, actor
from dav_gateway.core.account import Account


@click.group(
    "account",
    cls=Group,
    example="dav-gateway account add ana --email ana@example.com\ndav-gateway account list",
)
def account() -> None:
    """The people who own calendars and app passwords."""


@account.command(
    "add",
    example="dav-gateway account add ana --email ana@example.com --display-name 'Ana Ruiz' --language es",
)
@name_argument
@click.option("--email", required=True, help="Also a login name; must be nobody else's.")
@click.option("--display-name", help="The name that others see. [default: NAME]")
@click.option("--phone", "phones", multiple=True, help="For the directory of employees; may be repeated.")
@click.option("--title", default="", help="For the directory of employees.")
@click.option("--department", default="", help="For the directory of employees.")
@click.option("--language", help="Of the page and of the names of new calendars. [default: the first configured]")
@click.option("--admin", is_flag=True, help="May see and revoke everybody's app passwords.")
@click.option("--password-stdin", is_flag=True, help="Read the password for the page from standard input.")
@json_option
@click.pass_obj
def add(session: Session, /, name: str, password_stdin: bool, as_json: bool, **given: Any) -> None:
    """Add an account. Without a password it cannot sign in to the page, and its devices work all the same."""
    session.require_language(given["language"])
    password = read_password(from_stdin=True) if password_stdin else None
    with session.services(create=True) as services:
        added = services.accounts.add(name=name, password=password, by=actor(), **given)
    _tell(added, as_json, f"Account {added.name} is added. Next: dav-gateway app-password issue {added.name} --help")


@account.command("list", example="dav-gateway account list --json")
@json_option
@click.pass_obj
def list_(session: Session, as_json: bool) -> None:
    """List all accounts."""
    with session.services() as services:
        found = services.accounts.every()
    if as_json:
        show_json([account_record(each) for each in found])
        return
    show_table(
        ["NAME", "E-MAIL", "DISPLAY NAME", "STATE"],
        [[each.name, each.email, each.display_name, _state(each)] for each in found],
    )


@account.command("show", example="dav-gateway account show ana")
@account_argument
@json_option
@click.pass_obj
def show(session: Session, name: str, as_json: bool) -> None:
    """Show one account."""
    with session.services() as services:
        found = services.accounts.get(name)
    if as_json:
        show_json(account_record(found))
    else:
        show_record(account_pairs(found))


@account.command("set", example="dav-gateway account set ana --title Architect --phone '+34 600 000 101'")
@account_argument
@click.option("--email", help="Also a login name; must be nobody else's.")
@click.option("--display-name", help="The name that others see.")
@click.option("--phone", "phones", multiple=True, help="Replaces all phones; may be repeated; '' for none.")
@click.option("--title", help="For the directory of employees; '' for none.")
@click.option("--department", help="For the directory of employees; '' for none.")
@click.option("--language", help="Of the page and of the names of new calendars.")
@click.option("--admin/--no-admin", default=None, help="Whether it may see and revoke everybody's app passwords.")
@json_option
@click.pass_obj
def set_(session: Session, /, name: str, as_json: bool, **given: Any) -> None:
    """Change an account; what is not given stays as it is."""
    changes = {key: value for key, value in given.items() if value is not None and value != ()}
    if "phones" in changes:
        changes["phones"] = tuple(phone for phone in changes["phones"] if phone)
    session.require_language(given["language"])
    if not changes:
        raise click.UsageError("nothing to change was given")
    with session.services() as services:
        changed = services.accounts.change(services.accounts.get(name).name, by=actor(), **changes)
    _tell(changed, as_json, f"Account {changed.name} is changed.")


@account.command("deactivate", example="dav-gateway account deactivate ana")
@account_argument
@json_option
@click.pass_obj
def deactivate(session: Session, name: str, as_json: bool) -> None:
    """Stop an account and all its app passwords at once. Its data and history stay."""
    with session.services() as services:
        found = services.accounts.get(name)
        services.accounts.deactivate(found.name, by=actor())
        stopped = services.accounts.get(found.name)
    _tell(stopped, as_json, f"Account {stopped.name} is deactivated: all its app passwords are refused from now on.")


@account.command("activate", example="dav-gateway account activate ana")
@account_argument
@json_option
@click.pass_obj
def activate(session: Session, name: str, as_json: bool) -> None:
    """Let a deactivated account and its app passwords work again."""
    with session.services() as services:
        started = services.accounts.activate(services.accounts.get(name).name, by=actor())
    _tell(started, as_json, f"Account {started.name} is active.")


@account.command("set-password", example="dav-gateway account set-password ana --password-stdin < password.txt")
@account_argument
@click.option("--password-stdin", is_flag=True, help="Read it from standard input instead of asking.")
@click.pass_obj
def set_password(session: Session, name: str, password_stdin: bool) -> None:
    """Set the password for the page. It never opens calendars or contacts: app passwords do."""
    with session.services() as services:
        owner = services.accounts.get(name).name
        services.accounts.set_password(owner, read_password(from_stdin=password_stdin), by=actor())
    click.echo(f"The password of {owner} is set.")


def _state(each: Account) -> str:
    words = ["active" if each.active else "deactivated"]
    if each.admin:
        words.append("administrator")
    return ", ".join(words)


def _tell(each: Account, as_json: bool, sentence: str) -> None:
    if as_json:
        show_json(account_record(each))
    else:
        click.echo(sentence)
