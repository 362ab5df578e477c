"""The command line in this process, and what the database file holds."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from dav_gateway.cli import main


@dataclass
class CommandLine:
    """Runs commands. Its environment is what the commands see on top of a clean one."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, *arguments: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=stdin, env=self.environment)

    def ok(self, *arguments: str, stdin: str | None = None) -> str:
        """Standard output of a command that must succeed, and say nothing on standard error."""
        done = self(*arguments, stdin=stdin)
        assert (done.exit_code, done.stderr) == (0, ""), done.output
        return done.stdout

    def refused(self, *arguments: str, stdin: str | bytes | None = None, code: int = 1) -> str:
        """The one sentence of a command that must fail, and must store nothing and print nothing else."""
        before = self.rows()
        done = self(*arguments, stdin=stdin)
        assert done.exit_code == code, done.output
        assert done.stdout == ""
        assert self.rows() == before
        [sentence] = done.stderr.splitlines()
        assert sentence.startswith("dav-gateway: ")
        return sentence.removeprefix("dav-gateway: ")

    def rows(self) -> dict[str, list[Any]] | None:
        """All that the SQLite file holds, None without one."""
        file = self.folder / "gateway.db"
        if not file.exists():
            return None
        connection = sqlite3.connect(file)
        try:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names}
        finally:
            connection.close()
