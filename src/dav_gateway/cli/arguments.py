"""Arguments that several commands take, checked before anything else happens. A wrong one is exit code 2."""

import sys
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import click

from dav_gateway.cli.session import now
from dav_gateway.cli.when import EXPECTED, parse_when
from dav_gateway.core.credential import Network
from dav_gateway.core.moment import Moment
from dav_gateway.core.secret import parse_id

_LONGEST_LINE = 8192


class PublicId(click.ParamType[str]):
    """The id of an app password: its first group."""

    name = "ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The id in its canonical form. What was typed is not repeated: it may be a whole app password."""
        return parse_id(value) or self.fail("the id of an app password is its first group, five symbols", param, ctx)


class When(click.ParamType[Moment]):
    """A point in time."""

    name = "WHEN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Moment:
        """The moment that was typed."""
        try:
            return parse_when(value, now())
        except ValueError:
            self.fail(f"{value!r} is not {EXPECTED}", param, ctx)


class Cidr(click.ParamType[Network]):
    """An IP address or network."""

    name = "NET"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Network:
        """The network that was typed; one with host bits set is refused, it may be a mistyped address."""
        try:
            return ip_network(value)
        except ValueError:
            self.fail(f"{value!r} is not an address or network such as 192.0.2.7 or 192.0.2.0/24", param, ctx)


def name_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the argument NAME of a new account, passed as `name`, in lower case as account names are."""
    return _account("NAME")(function)


def account_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the argument ACCOUNT, a name or an e-mail passed as `name`, in lower case as both are."""
    return _account("ACCOUNT")(function)


def _account(metavar: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.argument("name", metavar=metavar, callback=lambda _context, _parameter, value: value.strip().lower())


def read_password(*, from_stdin: bool) -> str:
    """A password for the page: the first line of stdin, or typed twice at the terminal. Raises UsageError."""
    if from_stdin:
        try:
            # Beyond the longest password the service only needs to see that it is too long.
            password = sys.stdin.buffer.readline(_LONGEST_LINE).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.UsageError("the password on standard input is not UTF-8 text") from None
        if not password:
            raise click.UsageError("there is no password on standard input")
        return password
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for the password: give --password-stdin")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
