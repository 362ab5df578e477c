"""A computer with vdirsyncer, khal and khard, all of whose files are in one folder."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bodies import card, event
from live_gateway import AppPassword

PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Kind:
    """What differs between syncing a calendar and an address book."""

    storage: str
    suffix: str
    collection: str
    make: Callable[..., str]


KINDS = {
    "calendars": Kind("caldav", ".ics", "calendar", event),
    "contacts": Kind("carddav", ".vcf", "contacts", card),
}


class Desk:
    """One computer with vdirsyncer, khal and khard, all of whose files are in one folder."""

    def __init__(self, folder: Path, password: AppPassword, home: str, resolution: str = "null") -> None:
        self.folder, self.kind = folder, KINDS[home]
        self.password = password
        self.configure(resolution)

    @property
    def files(self) -> Path:
        return self.folder / "files" / self.kind.collection

    def lines(self, name: str) -> list[str]:
        """What a file holds; reports are XML, whose parsers make CRLF a line feed (XML 1.0 section 2.11)."""
        return (self.files / name).read_text().splitlines()

    def configure(self, resolution: str) -> None:
        (self.folder / "vdirsyncer").write_text(
            f"""[general]
status_path = "{self.folder}/status"
[pair all]
a = "here"
b = "there"
collections = ["from b"]
conflict_resolution = {resolution}
metadata = ["displayname"]
[storage here]
type = "filesystem"
path = "{self.folder}/files"
fileext = "{self.kind.suffix}"
[storage there]
type = "{self.kind.storage}"
url = "{self.password.dav_url}"
username = "{self.password.login}"
password = "{self.password.text}"
"""
        )

    def run(self, program: str, *arguments: str, stdin: str = "", exit_code: int = 0) -> str:
        environment = dict(os.environ) | {
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / ".config"),
            "XDG_CACHE_HOME": str(self.folder / ".cache"),
            "XDG_DATA_HOME": str(self.folder / ".data"),
            "VDIRSYNCER_CONFIG": str(self.folder / "vdirsyncer"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }
        done = subprocess.run(
            [PROGRAMS / program, *arguments],
            env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == exit_code, f"{program} {arguments}: {done.returncode}\n{said}"
        assert self.password.text not in said
        return said

    def discover(self, exit_code: int = 0) -> str:
        return self.run("vdirsyncer", "discover", stdin="y\n" * 8, exit_code=exit_code)

    def sync(self, exit_code: int = 0) -> str:
        return self.run("vdirsyncer", "sync", exit_code=exit_code)

    def khal(self, *arguments: str) -> str:
        config = self.folder / "khal"
        config.write_text(
            f"""[calendars]
[[calendar]]
path = {self.files}
[locale]
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
[default]
default_calendar = calendar
"""
        )
        return self.run("khal", "--config", str(config), *arguments)

    def khard(self, *arguments: str, stdin: str = "") -> str:
        config = self.folder / "khard.conf"
        config.write_text(
            f"""[addressbooks]
[[contacts]]
path = {self.files}
[general]
default_action = list
editor = /bin/true
merge_editor = /bin/true
"""
        )
        return self.run("khard", "--config", str(config), *arguments, stdin=stdin)
