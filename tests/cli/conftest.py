"""The command line on a database file of its own."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # --import-mode=importlib leaves helpers to us

from command_line import CommandLine


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line without any database yet, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("DAV_GATEWAY_"):
            monkeypatch.delenv(name)
    return CommandLine(tmp_path / "data", {"DAV_GATEWAY_DATA_DIRECTORY": str(tmp_path / "data")})


@pytest.fixture
def ana(command: CommandLine) -> CommandLine:
    """The command line with one account, ana."""
    command.ok("account", "add", "ana", "--email", "ana@example.com", "--display-name", "Ana Ruiz")
    return command


@pytest.fixture
def issue(ana: CommandLine) -> Callable[..., str]:
    """Issues an app password for ana with more options; its id."""

    def issued(*options: str) -> str:
        text = ana.ok("app-password", "issue", "ana", "--service", "iphone", "--scope", "calendars", *options)
        return text.split()[2]

    return issued
