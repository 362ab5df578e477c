"""What every command shares: help with an example, exit codes, one sentence, and output that is safe to look at."""

import json
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner
from command_line import CommandLine

from dav_gateway import __version__
from dav_gateway.cli import main
from dav_gateway.cli.output import safe

HOSTILE = "a\x1b]0;owned\x07\x1b[2J\r\n\u202ecod.exe\u2066\u200b\x9b31m\x7f [red]x[/red] :smile:"


def paths(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from paths(child, (*path, name))


@pytest.mark.parametrize("path", list(paths(main)), ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(command: CommandLine, path: tuple[str, ...]) -> None:
    text = command.ok(*path, "--help")
    example = text.partition("\nExample:\n")[2]
    assert " ".join(["dav-gateway", *path]) in example
    assert command.ok(*path, "-h") == text
    assert "--config FILE" in text
    assert not command.folder.exists()


@pytest.mark.parametrize("path", list(paths(main)), ids=" ".join)
def test_the_examples_are_commands_that_exist(path: tuple[str, ...]) -> None:
    found: click.Command = main
    for name in path:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    options = {option for parameter in found.params for option in parameter.opts}
    if not isinstance(found, click.Group):
        for word in found.example.split():  # type: ignore[attr-defined]
            assert not word.startswith("--") or word in options


@pytest.mark.parametrize("path", list(paths(main)), ids=" ".join)
def test_every_option_has_a_help_text(path: tuple[str, ...]) -> None:
    found: click.Command = main
    for name in path:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    options = [each for each in found.params if isinstance(each, click.Option)]
    assert [each.opts for each in options if not each.help] == []


def test_json_is_readable_where_the_output_is_utf8(ana: CommandLine) -> None:
    name = "Zoë Peña 会議 \U0001f600"
    ana.ok("account", "set", "ana", "--display-name", name)
    assert f'"display_name": "{name}"' in ana.ok("account", "show", "ana", "--json")
    done = CliRunner(charset="latin-1").invoke(main, ["account", "show", "ana", "--json"], env=ana.environment)
    assert done.stdout_bytes.isascii()
    assert json.loads(done.stdout_bytes)["display_name"] == name


def test_version(command: CommandLine) -> None:
    assert command.ok("--version") == f"dav-gateway, version {__version__}\n"


@pytest.mark.parametrize("path", [(), ("account",), ("app-password",), ("database",)])
def test_a_noun_alone_shows_its_help(command: CommandLine, path: tuple[str, ...]) -> None:
    done = command(*path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Example:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["acount"], "No such command 'acount'"),
        (["account", "remove", "ana"], "No such command 'remove'"),
        (["account", "list", "extra"], "Got unexpected extra argument (extra)"),
        (["account", "add", "ana"], "Missing option '--email'"),
        (["--colour"], "No such option"),
        (["account", "show", "caf\udce9"], "the arguments are not UTF-8 text"),
        (["audit", "--limit", "0"], "Invalid value for '--limit'"),
        (["audit", "--limit", "many"], "Invalid value for '--limit'"),
        (["serve", "--listen", "8765"], "Invalid value for '--listen': '8765' is not HOST:PORT"),
        (["serve", "--listen", "127.0.0.1:0"], "Invalid value for '--listen'"),
    ],
)
def test_wrong_usage_is_exit_code_2(command: CommandLine, arguments: list[str], sentence: str) -> None:
    assert sentence in command.refused(*arguments, code=2)


READING = [
    ["account", "list"],
    ["account", "show", "ana"],
    ["account", "set", "ana", "--title", "x"],
    ["account", "deactivate", "ana"],
    ["app-password", "list", "ana"],
    ["app-password", "issue", "ana", "--service", "mac", "--scope", "contacts"],
    ["app-password", "revoke", "k7mqx"],
    ["audit"],
    ["database", "status"],
]


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_forgotten_configuration_makes_no_empty_database(command: CommandLine, arguments: list[str]) -> None:
    assert command.refused(*arguments).startswith(f"there is no database {command.folder / 'gateway.db'} yet")
    assert not command.folder.exists()


@pytest.mark.parametrize("arguments", [*READING, ["check-config"], ["print-config"], ["serve"]], ids=" ".join)
def test_a_wrong_configuration_is_told_by_every_command(command: CommandLine, arguments: list[str]) -> None:
    command.environment |= {"DAV_GATEWAY_LISTN": "x", "DAV_GATEWAY_LIMITS_THREADS": "0"}
    done = command(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "dav-gateway: there is no variable DAV_GATEWAY_LISTN; the nearest is DAV_GATEWAY_LISTEN.",
        "dav-gateway: DAV_GATEWAY_LIMITS_THREADS must be a whole number from 1 to 256, not 0.",
    ]


def test_config_is_taken_in_any_place_and_from_the_environment(command: CommandLine) -> None:
    file = command.folder.parent / "gateway.toml"
    file.write_text('realm = "ours"\n')
    for arguments in (["--config", str(file), "print-config"], ["print-config", "--config", str(file)]):
        assert f'realm = "ours"  # {file}' in command.ok(*arguments)
    command.environment["DAV_GATEWAY_CONFIG"] = "gateway.toml"
    assert 'realm = "ours"' in command.ok("print-config")
    other = command.folder.parent / "other.toml"
    other.write_text("")
    assert 'realm = "dav-gateway"' in command.ok("print-config", "--config", str(other))
    assert "gone.toml: cannot be read" in command.refused("--config", "gone.toml", "account", "list")


def test_a_database_that_is_none_is_one_sentence(command: CommandLine) -> None:
    command.folder.mkdir()
    (command.folder / "gateway.db").write_bytes(b"this is no database" * 100)
    for arguments in READING:
        done = command(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1
        assert "unexpected fault" not in done.stderr


def test_an_unexpected_fault_is_one_sentence_too(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("with a secret in its text")

    monkeypatch.setattr("dav_gateway.cli.session.load", broken)
    assert command.refused("account", "list") == ("unexpected fault (RuntimeError); PYTHONDEVMODE=1 shows where")
    command.environment["PYTHONDEVMODE"] = "1"
    assert isinstance(command("account", "list").exception, RuntimeError)


def test_interrupted(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dav_gateway.cli.session.load", stopped)
    done = command("account", "list")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.strip() == "dav-gateway: interrupted", "click ends the line of ^C first"


def test_what_could_reorder_or_drive_a_terminal_is_escaped() -> None:
    shown = safe(HOSTILE)
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.startswith(r"a\x1b]0;owned\x07\x1b[2J\r\n\u202ecod.exe\u2066\u200b\x9b31m\x7f [red]")
    assert safe("Ana Peña, 会議 ♥") == "Ana Peña, 会議 ♥"


def test_hostile_text_that_is_in_the_database_stays_harmless(ana: CommandLine, issue: Callable[..., str]) -> None:
    import sqlite3

    public_id = issue()
    with sqlite3.connect(ana.folder / "gateway.db") as connection:
        connection.execute("UPDATE credential SET label = ?, last_used_client = ?", (HOSTILE, HOSTILE))
        connection.execute("UPDATE account SET display_name = ?, title = ?", (HOSTILE, HOSTILE))
        connection.execute("UPDATE audit SET actor = ?, detail = ?", (HOSTILE, json.dumps({HOSTILE: HOSTILE})))
    connection.close()
    looking = [
        ["account", "list"],
        ["account", "show", "ana"],
        ["app-password", "list", "ana"],
        ["app-password", "show", public_id],
        ["app-password", "rotate", public_id],
        ["audit"],
    ]
    for arguments in looking:
        printed = ana.ok(*arguments)
        assert printed.replace("\n", "").isprintable()
        assert "[red]x[/red] :smile:" in printed
        if arguments[1:2] != ["rotate"]:
            as_json = ana.ok(*arguments, "--json")
            assert as_json.replace("\n", "").isprintable()
            assert HOSTILE in str(json.loads(as_json)) or repr(HOSTILE)[1:-1] in str(json.loads(as_json))
