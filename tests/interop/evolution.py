"""evolution-data-server, which Evolution and GNOME keep calendars and contacts with, on a desktop bus of its own."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from live_gateway import AppPassword, Gateway
from tests.system import program

INSIDE = Path(__file__).parent / "evolution_inside.py"
PYTHON = "/usr/bin/python3"
BINDINGS = 'import gi; [gi.require_version(*each) for each in (("ECal", "2.0"), ("EBook", "1.2"))]'
SERVICES = Path("/usr/share/dbus-1/services")
OURS = ("Sources5", "Calendar8", "AddressBook10")
PATIENCE = 20.0

BUS = """<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<servicedir>{services}</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy>
</busconfig>"""
"""Nothing else of a desktop can be started on it: a keyring would ask for a password of its own."""


class EvolutionError(Exception):
    """What Evolution would show."""


class Evolution:
    """The running services. A method that is not here is a function of evolution_inside.py."""

    def __init__(self, process: "subprocess.Popen[str]", gateway: Gateway) -> None:
        self._process = process
        self._server = urlsplit(gateway.origin).hostname, gateway.port

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments: self._call(name, *arguments)

    def discover(self, kind: str, password: AppPassword) -> list[list[str]]:
        """Paths and names of what is found at the bare address. Raises EvolutionError."""
        found = self._call("discover", kind, *self._server, password.login, password.text)
        return [[urlsplit(address).path, name] for address, name in found]

    def open(self, kind: str, password: AppPassword, path: str) -> bool:
        """Connect to a calendar or address book; whether that went well. Raises EvolutionError."""
        return bool(self._call("open_source", kind, *self._server, password.login, password.text, path))

    def comes_to_show(self, kind: str, expected: dict[str, str]) -> bool:
        """Whether a refresh, which goes on behind the call, has the expected end."""
        deadline = time.monotonic() + PATIENCE
        while self.shown(kind) != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        return bool(self.shown(kind) == expected)

    def _call(self, *call: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "Evolution's side has ended"
        answer = json.loads(line)
        if "error" in answer:
            raise EvolutionError(answer["error"])
        return answer["value"]


@contextmanager
def running(folder: Path, gateway: Gateway) -> Iterator[Evolution]:
    """The services with an empty home in `folder`."""
    starter = program("dbus-run-session")
    _installed()
    (folder / "services").mkdir()
    for name in OURS:
        shutil.copy(SERVICES / f"org.gnome.evolution.dataserver.{name}.service", folder / "services")
    (folder / "bus.conf").write_text(BUS.format(services=folder / "services"))
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "LANG": "C.UTF-8", "TZ": "UTC",
        "GSETTINGS_BACKEND": "memory", "GIO_USE_VFS": "local", "GIO_USE_NETWORK_MONITOR": "base",
    }  # fmt: skip
    with (folder / "evolution.log").open("wb") as log:
        process = subprocess.Popen(
            [starter, "--config-file", str(folder / "bus.conf"), "--", PYTHON, str(INSIDE)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield Evolution(process, gateway)
        finally:
            os.killpg(process.pid, 9)
            process.communicate()


def _installed() -> None:
    program("evolution-source-registry")
    if subprocess.run([PYTHON, "-c", BINDINGS], capture_output=True, check=False).returncode == 0:
        return
    reason = "the Python bindings of evolution-data-server are not installed"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}: run scripts/install-test-packages")
    pytest.skip(f"NOT TESTED: {reason} (scripts/install-test-packages installs them)")
