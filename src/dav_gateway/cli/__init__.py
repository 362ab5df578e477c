"""The command line: one file a noun. `main` is the program."""

import click

from dav_gateway import __version__
from dav_gateway.cli.account import account
from dav_gateway.cli.api_key import api_key
from dav_gateway.cli.app_password import app_password
from dav_gateway.cli.audit import audit
from dav_gateway.cli.command import Program
from dav_gateway.cli.config import check_config, print_config
from dav_gateway.cli.database import database
from dav_gateway.cli.identity import reset_password, second_factor
from dav_gateway.cli.serve import serve
from dav_gateway.cli.session import Session


@click.group(
    "dav-gateway",
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    example=(
        "dav-gateway account add ana --email ana@example.com\n"
        "dav-gateway app-password issue ana --service iphone --scope calendars\n"
        "dav-gateway serve"
    ),
)
@click.version_option(__version__, prog_name="dav-gateway")
@click.pass_context
def main(context: click.Context) -> None:
    """Calendars and contacts for devices: one app password for each, ended at any moment.

    Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
    """
    context.ensure_object(Session)


for each in (serve, check_config, print_config, account, app_password, api_key, audit, database):
    main.add_command(each)
for each in (second_factor, reset_password):
    account.add_command(each)
