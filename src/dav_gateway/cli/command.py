"""What every command shares: an example in its help, `--config` in any place, and errors as one sentence.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
"""

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from dav_gateway.cli.output import safe
from dav_gateway.cli.session import Session
from dav_gateway.config.reader import ConfigurationError
from dav_gateway.core.errors import GatewayError
from dav_gateway.core.secret import AppPassword, parse

DONE, REFUSED, USAGE = 0, 1, 2
_SHAPE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{5}(?:[- ]?[0-9A-Za-z]{5}){4}(?![0-9A-Za-z])")


def _remember_config(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Session).config = value


def _config_option() -> click.Option:
    return click.Option(
        ["--config"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        expose_value=False,
        callback=_remember_config,
        help="The configuration file (or DAV_GATEWAY_CONFIG); without one, defaults and environment.",
    )


class Command(click.Command):
    """A command with `--config` and an example under its help."""

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example
        self.params.append(_config_option())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Writes the example."""
        _write_example(self.example, formatter)


class Group(click.Group):
    """A noun: commands of one kind, with an example under its help."""

    command_class = Command

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example
        self.params.append(_config_option())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Writes the example."""
        _write_example(self.example, formatter)


class Program(Group):
    """The whole command line: turns errors into a sentence on stderr and an exit code."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Runs the command line and exits."""
        extra["standalone_mode"] = False
        given = list(sys.argv[1:] if args is None else args)
        try:
            _refuse_other_than_utf8(given)
            code = super().main(given, prog_name or "dav-gateway", **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(USAGE)
        except click.UsageError as error:
            hint = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
            fail(USAGE, " ".join(error.format_message().split()).rstrip(".") + hint)
        except ConfigurationError as error:
            fail(REFUSED, *error.mistakes)
        except (GatewayError, click.ClickException) as error:
            fail(REFUSED, error.format_message() if isinstance(error, click.ClickException) else str(error))
        except (click.Abort, KeyboardInterrupt):
            fail(REFUSED, "interrupted")
        except BrokenPipeError:
            # The reader of our output has gone; Python would complain once more when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(REFUSED)
        except Exception as error:
            if os.environ.get("PYTHONDEVMODE"):
                raise
            # Only the type: the text of an unknown error may quote anything, a secret among it.
            fail(REFUSED, f"unexpected fault ({type(error).__name__}); PYTHONDEVMODE=1 shows where")
        sys.exit(code if isinstance(code, int) else DONE)


def fail(code: int, *sentences: str) -> NoReturn:
    """Ends the program: each sentence is a line on stderr."""
    for sentence in sentences:
        click.echo(f"dav-gateway: {safe(without_secrets(sentence))}", err=True)
    sys.exit(code)


def without_secrets(sentence: str) -> str:
    """A sentence with every app password blotted out: people paste one where an id or a name belongs."""
    return _SHAPE.sub(
        lambda found: "[an app password]" if isinstance(parse(found[0]), AppPassword) else found[0], sentence
    )


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function)


def _refuse_other_than_utf8(given: Sequence[str]) -> None:
    if any(any("\ud800" <= symbol <= "\udfff" for symbol in argument) for argument in given):
        raise click.UsageError("the arguments are not UTF-8 text")


def _write_example(example: str, formatter: click.HelpFormatter) -> None:
    with formatter.section("Example"):
        for line in example.splitlines():
            formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
