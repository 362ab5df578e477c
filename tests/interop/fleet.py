"""The fleet: every command-line client through the same day, against one live gateway, with a table as the result.

`make fleet` prints the table of all of them; tests/interop/test_fleet.py runs the same journeys as tests.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent))  # also started as a program

import caldav
from bodies import PROPFIND, card, event
from caldav.lib import error
from desk import Desk
from http_client import Client
from live_gateway import AppPassword, Gateway, running
from rich.console import Console
from rich.table import Table

STEPS = ("find", "create", "read", "change", "delete", "wrong scope", "revoked")


@dataclass(frozen=True)
class Day:
    """What a client gets: where the gateway is, a folder of its own, and its account's passwords."""

    gateway: Gateway
    folder: Path
    account: str
    calendars: AppPassword
    contacts: AppPassword
    revoked: AppPassword

    def path(self, name: str) -> str:
        """An object of the calendar, as an absolute path."""
        return f"/dav/{self.account}/calendars/calendar/{name}"

    def stored(self, name: str) -> str | None:
        """What the gateway has, seen past the client."""
        with Client(self.gateway, self.calendars) as client:
            reply = client.request("GET", self.path(name))
            return reply.body.decode() if reply.status == 200 else None

    def put(self, path: str, body: str) -> None:
        """Store something past the client."""
        with Client(self.gateway, self.contacts if "/contacts/" in path else self.calendars) as client:
            assert client.request("PUT", path, body).status in (201, 204)


Journey = Callable[[Day], Iterator[str]]
"""A client's day; it yields the name of each step that went well, and an assertion says what did not."""


def _run(*command: str, stdin: str = "", folder: Path | None = None) -> str:
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder or "/nonexistent")}
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=60, check=False, env=environment, cwd=folder
    )
    return done.stdout + done.stderr


def curl(day: Day) -> Iterator[str]:
    """curl, as scripts use it."""

    def ask(method: str, path: str, password: AppPassword, body: str = "", *options: str) -> tuple[str, str]:
        sent = ("--data-binary", body) if body else ()
        said = _run(
            "curl", "--silent", "--location", "--request", method, "--user", f"{password.login}:{password.text}",
            "--write-out", "\n%{http_code}", "--header", "Depth: 0", *sent, *options, day.gateway.origin + path,
        )  # fmt: skip
        return said.rpartition("\n")[2], said

    status, said = ask("PROPFIND", "/.well-known/caldav", day.calendars, PROPFIND)
    assert status == "207"
    assert f"/dav/{day.account}/" in said
    yield "find"
    assert ask("PUT", day.path("curl.ics"), day.calendars, event("curl", "First"))[0] == "201"
    yield "create"
    assert "SUMMARY:First" in ask("GET", day.path("curl.ics"), day.calendars)[1]
    yield "read"
    assert ask("PUT", day.path("curl.ics"), day.calendars, event("curl", "Second"))[0] == "204"
    yield "change"
    assert ask("DELETE", day.path("curl.ics"), day.calendars)[0] == "204"
    yield "delete"
    assert ask("GET", day.path("curl.ics"), day.contacts)[0] == "403"
    yield "wrong scope"
    assert ask("GET", day.path("curl.ics"), day.revoked)[0] == "401"
    yield "revoked"


def cadaver(day: Day) -> Iterator[str]:
    """cadaver: no discovery, conditions or types; every session asks without credentials first."""
    (day.folder / "cadaver.ics").write_text(event("cadaver", "First"))

    def session(password: AppPassword, *commands: str) -> str:
        host = urlsplit(day.gateway.origin).hostname
        (day.folder / ".netrc").write_text(f"machine {host} login {password.login} password {password.text}\n")
        (day.folder / ".netrc").chmod(0o600)
        url = day.gateway.origin + day.path("")
        return _run("cadaver", url, stdin="\n".join([*commands, "quit", ""]), folder=day.folder)

    assert "collection is empty" in session(day.calendars, "ls")
    yield "find"
    session(day.calendars, "put cadaver.ics")
    assert day.stored("cadaver.ics") == event("cadaver", "First")
    yield "create"
    session(day.calendars, "get cadaver.ics back.ics")
    assert (day.folder / "back.ics").read_bytes().decode() == event("cadaver", "First")
    yield "read"
    (day.folder / "cadaver.ics").write_text(event("cadaver", "Second"))
    session(day.calendars, "put cadaver.ics")
    assert "Second" in (day.stored("cadaver.ics") or "")
    session(day.calendars, "move cadaver.ics moved.ics")
    assert "Second" in (day.stored("moved.ics") or "")
    yield "change"
    session(day.calendars, "delete moved.ics")
    assert day.stored("moved.ics") is None
    yield "delete"
    said = session(day.contacts, "ls")
    assert "403" in said, said
    yield "wrong scope"
    said = session(day.revoked, "ls")
    assert "uthenticat" in said, said
    yield "revoked"


def python_caldav(day: Day) -> Iterator[str]:
    """python-caldav."""
    with ExitStack() as opened:

        def calendar(password: AppPassword) -> caldav.Calendar:
            client = caldav.DAVClient(url=password.dav_url, username=password.login, password=password.text)
            opened.enter_context(client)
            return {each.id: each for each in client.principal().calendars()}["calendar"]

        found = calendar(day.calendars)
        yield "find"
        made = found.save_event(event("library", "First"))
        yield "create"
        start, end = datetime(2026, 12, 3, tzinfo=UTC), datetime(2026, 12, 4, tzinfo=UTC)
        [again] = [each for each in found.search(start=start, end=end, event=True) if "library" in each.data]
        assert "SUMMARY:First" in again.data
        yield "read"
        with made.edit_icalendar_component() as component:
            component["SUMMARY"] = "Second"
        made.save()
        assert "Second" in found.event_by_uid("library").data
        yield "change"
        made.delete()
        yield "delete"
        for password, step in [(day.contacts, "wrong scope"), (day.revoked, "revoked")]:
            try:
                calendar(password)
            except (error.AuthorizationError, error.NotFoundError, KeyError):
                yield step


def _desk(day: Day, password: AppPassword, home: str = "calendars") -> Desk:
    folder = Path(tempfile.mkdtemp(dir=day.folder))
    return Desk(folder, password, home)


def vdirsyncer(day: Day) -> Iterator[str]:
    """vdirsyncer: files on both sides."""
    desk = _desk(day, day.calendars)
    desk.discover()
    desk.sync()
    yield "find"
    here = desk.files / "vdir.ics"
    here.write_text(event("vdir", "First"))
    desk.sync()
    assert day.stored("vdir.ics") is not None
    yield "create"
    day.put(day.path("other.ics"), event("other", "Elsewhere"))
    desk.sync()
    assert "Elsewhere" in (desk.files / "other.ics").read_text()
    yield "read"
    here.write_text(event("vdir", "Second"))
    desk.sync()
    assert "Second" in (day.stored("vdir.ics") or "")
    yield "change"
    here.unlink()
    desk.sync()
    assert day.stored("vdir.ics") is None
    yield "delete"
    _desk(day, day.contacts).discover(exit_code=1)
    yield "wrong scope"
    _desk(day, day.revoked).discover(exit_code=1)
    yield "revoked"


def khal(day: Day) -> Iterator[str]:
    """khal, on vdirsyncer's files."""
    day.put(day.path("kept.ics"), event("kept"))  # vdirsyncer does not sync a folder that was emptied
    desk = _desk(day, day.calendars)
    desk.discover()
    desk.sync()
    yield "find"
    desk.khal("new", "2026-12-05", "10:00", "11:00", "By khal")
    desk.sync()
    [made] = [path for path in desk.files.iterdir() if "By khal" in path.read_text()]
    assert "By khal" in (day.stored(made.name) or "")
    yield "create"
    assert "By khal" in desk.khal("list", "2026-12-05", "2026-12-06")
    yield "read"
    made.unlink()
    desk.sync()
    assert day.stored(made.name) is None
    yield "delete"


def khard(day: Day) -> Iterator[str]:
    """khard, on vdirsyncer's files."""
    path = f"/dav/{day.account}/contacts/contacts/khard.vcf"
    day.put(path, card("khard", "Siobh\u00e1n O'Neill"))
    day.put(path.replace("khard.vcf", "kept.vcf"), card("kept"))
    desk = _desk(day, day.contacts, "contacts")
    desk.discover()
    desk.sync()
    yield "find"
    assert "O'Neill" in desk.khard("list")
    yield "read"
    desk.khard("remove", "--force", "O'Neill")
    desk.sync()
    with Client(day.gateway, day.contacts) as client:
        assert client.request("GET", path).status == 404
    yield "delete"


CLIENTS: dict[str, Journey] = {
    "curl": curl,
    "cadaver": cadaver,
    "python-caldav": python_caldav,
    "vdirsyncer": vdirsyncer,
    "khal": khal,
    "khard": khard,
}
EXPECTED = {
    **dict.fromkeys(("curl", "cadaver", "python-caldav", "vdirsyncer"), STEPS),
    "khal": ("find", "create", "read", "delete"),
    "khard": ("find", "read", "delete"),
}
"""The steps that are the client's own; signing in is vdirsyncer's matter for khal and khard."""


def day_of(gateway: Gateway, client: str, folder: Path) -> Day:
    """An account of its own for the client, with its passwords."""
    account = f"fleet-{client}"
    gateway.add_account(account)
    revoked = gateway.issue(account, "calendars", "contacts")
    gateway.revoke(revoked)
    calendars, contacts = gateway.issue(account, "calendars"), gateway.issue(account, "contacts")
    return Day(gateway, folder, account, calendars, contacts, revoked)


def main() -> int:
    """Run the whole fleet and print the table; 1 when anything went wrong."""
    table = Table("client", *STEPS)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as gateway:
        for client, journey in CLIENTS.items():
            own = Path(folder) / client
            own.mkdir()
            done: set[str] = set()
            try:
                for step in journey(day_of(gateway, client, own)):
                    done.add(step)
            except Exception as failure:  # noqa: BLE001 - the table tells of every client
                wrong.append(f"{client}: {type(failure).__name__}: {str(failure)[:400]}")
            missing = [step for step in EXPECTED[client] if step not in done]
            if missing and not wrong:
                wrong.append(f"{client}: {', '.join(missing)} did not happen")
            said = ["yes" if step in done else "NO" if step in EXPECTED[client] else "-" for step in STEPS]
            table.add_row(client, *said)
    console = Console()
    console.print(table)
    for line in wrong:
        console.print(line, markup=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
