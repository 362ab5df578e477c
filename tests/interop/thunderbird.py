"""A real Thunderbird without a window, on a profile of its own, driven by Marionette with the rights of the program."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marionette import Marionette
from tests.system import program

START_LIMIT = 60.0
INSIDE = (Path(__file__).parent / "thunderbird.js").read_text()

PREFERENCES: dict[str, bool | int | str] = {
    "marionette.port": 0,  # any free one, told in the file MarionetteActivePort
    # Nothing but the gateway is reached: what is not this machine goes to a proxy that is not there.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.trr.mode": 5,
    "signon.rememberSignons": True,  # Marionette's recommended preferences switch it off
    # Marionette's own recommended preferences leave out what only Thunderbird asks for.
    "mail.inappnotifications.enabled": False,
    "mailnews.start_page.enabled": False,
    "mail.chat.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    # No windows at the start but the main one.
    "app.use_without_mail_account": True,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "calendar.alarms.show": False,
    "calendar.timezone.useSystemTimezone": False,
    "calendar.timezone.local": "UTC",
}


@dataclass
class Request:
    """One answer that Thunderbird got. `user` is empty without credentials, and in empty ones."""

    method: str
    url: str
    status: int
    authorized: bool
    user: str


class Thunderbird:
    """The running program. A method that is not here is a function of thunderbird.js."""

    def __init__(self, session: Marionette) -> None:
        self._session = session
        session.run(INSIDE)

    def __getattr__(self, name: str) -> Any:
        words = name.split("_")
        inside = words[0] + "".join(word.title() for word in words[1:])
        return lambda *arguments: self._session.run(f"return thunderbird.{inside}(...arguments);", *arguments)

    def requests(self) -> list[Request]:
        """Every request since the last time."""
        return [Request(**each) for each in self._session.run("return thunderbird.requests();")]


@contextmanager
def running(folder: Path) -> Iterator[Thunderbird]:
    """Thunderbird with a new profile in `folder`."""
    path, profile = program("thunderbird"), folder / "profile"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines))
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TZ": "UTC",
        "MOZ_CRASHREPORTER_DISABLE": "1",
        "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1",  # else Marionette's preference against remote settings is not heeded
    }  # fmt: skip
    command = [path, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile"]
    with (folder / "thunderbird.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(profile)],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            with Marionette(_port(profile / "MarionetteActivePort", process)) as session:
                yield Thunderbird(session)
        finally:
            os.killpg(process.pid, 9)  # the profile is thrown away: nothing is worth a slow farewell
            process.wait()


def _port(told: Path, process: "subprocess.Popen[bytes]") -> int:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        if told.exists() and (text := told.read_text().strip()):
            return int(text)
        time.sleep(0.05)
    log = told.parents[1] / "thunderbird.log"
    raise AssertionError(f"Thunderbird does not get ready:\n{log.read_text()[-4000:]}")
