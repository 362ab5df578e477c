"""`python -m dav_gateway.example`: the gateway with the example company, as `make run` starts it.

The first start makes the folder, the people and two app passwords; later ones keep everything. It is meant for looking
around on one machine: it listens on the loopback address, and one password may be tried in several clients.
"""

import argparse
import json
import logging
import shlex
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from dav_gateway.bootstrap import open_services
from dav_gateway.cli import main as command_line
from dav_gateway.config import Settings, load
from dav_gateway.config.reader import ConfigurationError
from dav_gateway.core.credential import Origin, Service, refusal_of_liveness
from dav_gateway.core.errors import GatewayError
from dav_gateway.core.scope import Scope
from dav_gateway.core.secret import ID_LENGTH
from dav_gateway.example.filling import ACTOR, fill
from dav_gateway.example.people import COMPANY, people
from dav_gateway.service.cutter import NoConnections
from dav_gateway.service.services import Services
from dav_gateway.store import credentials

CONFIGURATION = f"""\
# Settings of the example, written anew by each `make run`; config/gateway.toml explains every setting there is.
listen = "{{listen}}"
company = "{COMPANY}"
data_directory = "."

[mail]
# What people would be told: a file for each mail.
transport = "directory"
directory = "mail"
from_address = "calendar@nogal.example"

[app_passwords]
# So that one password can be tried with curl and then in a calendar program. The default is "enforce".
client_family = "warn"
"""

SYNC_CONFIGURATION = """\
[general]
status_path = "{folder}/status/"

[pair calendars]
a = "calendars_here"
b = "calendars_there"
collections = ["from b"]
conflict_resolution = "b wins"

[storage calendars_here]
type = "filesystem"
path = "{folder}/calendars/"
fileext = ".ics"

[storage calendars_there]
type = "caldav"
url = "{url}"
username = "{login}"
password = "{calendars}"

[pair contacts]
a = "contacts_here"
b = "contacts_there"
collections = ["from b"]
conflict_resolution = "b wins"

[storage contacts_here]
type = "filesystem"
path = "{folder}/contacts/"
fileext = ".vcf"

[storage contacts_there]
type = "carddav"
url = "{url}"
username = "{login}"
password = "{contacts}"
"""


@dataclass(frozen=True, slots=True)
class Passwords:
    """The two app passwords of the example, and the main password of its people for the page. Kept in its folder
    because a second start cannot read them anywhere."""

    calendars: str
    contacts: str
    main: str


def main() -> None:
    """Make what is missing, say how to connect, and serve."""
    parser = argparse.ArgumentParser(prog="python -m dav_gateway.example", description=__doc__)
    parser.add_argument("--port", type=int, default=8765, help="where to listen on 127.0.0.1 (default %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path("var"), help="where data is kept (default ./%(default)s)")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "gateway.toml"
    file.write_text(CONFIGURATION.format(listen=f"127.0.0.1:{arguments.port}"))
    # vobject names the time zones that it does not know on the root logger, which would print them here.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        settings, _ = load(file)
        with open_services(settings, cutter=NoConnections()) as services:
            fill(services, datetime.now(UTC).date())
            passwords = _passwords(services, folder / "example-passwords.json")
    except ConfigurationError as error:
        sys.exit("\n".join(f"The example cannot start: {mistake}" for mistake in error.mistakes))
    except GatewayError as error:
        sys.exit(f"The example cannot start: {error}.")
    _tell(settings, folder, passwords)
    command_line(["--config", str(file), "serve"])


def _passwords(services: Services, file: Path) -> Passwords:
    """Those of the last start, and a new one in place of one that was deleted or has ended meanwhile."""
    known = json.loads(file.read_text()) if file.exists() else {}
    now = services.clock()
    for scope in Scope:
        text = known.get(scope.value, "")
        with services.database.read() as connection:
            found = credentials.with_owner(connection, text[:ID_LENGTH])
        if found is None or refusal_of_liveness(*found, now) is not None:
            known[scope.value] = _issue(services, scope)
    if "main" not in known:
        known["main"] = token_hex(6)
        for person in people():
            services.accounts.set_password(person.name, known["main"], by=ACTOR)
    passwords = Passwords(**known)
    _write_private(file, json.dumps(asdict(passwords), indent=2))
    return passwords


def _issue(services: Services, scope: Scope) -> str:
    secret, _ = services.issuing.issue(
        people()[0].name,
        service=Service.OTHER,
        scopes={scope},
        label=f"Example: {scope.value}",
        origin=Origin.CLI,
        actor=ACTOR,
    )
    return secret.reveal()


def _tell(settings: Settings, folder: Path, passwords: Passwords) -> None:
    owner = people()[0]
    sync = folder / "vdirsyncer"
    sync.mkdir(mode=0o700, exist_ok=True)
    text = SYNC_CONFIGURATION.format(
        folder=sync, url=settings.dav_url, login=owner.name, calendars=passwords.calendars, contacts=passwords.contacts
    )
    _write_private(sync / "config", text)
    programs = Path(sys.executable).parent
    command = shlex.join([str(programs / "vdirsyncer"), "-c", str(sync / "config")])
    revoke = ["--config", str(folder / "gateway.toml"), "app-password", "revoke", passwords.calendars[:ID_LENGTH]]
    print(  # noqa: T201 - this is a program
        f"""
  dav-gateway with the example company {COMPANY}

    page                  {settings.public_url}/   sign in with the user name and the main password
    user name             {owner.name}   (also {", ".join(person.name for person in people()[1:])})
    main password         {passwords.main}

    calendar programs     {settings.dav_url}   with the user name and an app password, such as these two
    calendars password    {passwords.calendars}
    contacts password     {passwords.contacts}

  Sync both, into {sync}:

    yes | {command} discover >/dev/null && {command} sync

  Then delete a password and sync again:

    {shlex.join([str(programs / "dav-gateway"), *revoke])}

  Here one password may be tried in several programs; by default it belongs to the kind of client that used it first.
  Ctrl-C stops the gateway; the data stays in {folder}.
""",
        flush=True,
    )


def _write_private(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


if __name__ == "__main__":
    main()
