"""`account second-factor` and `account reset-password`."""

import json
import re
from contextlib import AbstractContextManager
from pathlib import Path

import pyotp
from command_line import CommandLine

from dav_gateway import bootstrap
from dav_gateway.config import load
from dav_gateway.core.sign_in import Stage, begin
from dav_gateway.service.caller import Caller
from dav_gateway.service.cutter import NoConnections
from dav_gateway.service.services import Services

PASSWORD = "correct horse battery"
DESK = Caller("192.0.2.7")


def with_services(command: CommandLine) -> AbstractContextManager[Services]:
    settings = load(None, environ=command.environment, cwd=command.folder)[0]
    return bootstrap.open_services(settings, cutter=NoConnections())


def turn_on(command: CommandLine) -> None:
    command.ok("account", "set-password", "ana", "--password-stdin", stdin=f"{PASSWORD}\n")
    with with_services(command) as services:
        identity = services.page.identity.by_password(begin(), "ana", PASSWORD, DESK).sign_in
        enrolment, _ = services.page.factors.enrol(identity)
        app = pyotp.parse_uri(enrolment.uri)
        assert isinstance(app, pyotp.TOTP)
        assert services.page.factors.confirm(identity, app.at(services.clock() // 1000), DESK) is not None


def test_an_administrator_turns_a_lost_factor_off(ana: CommandLine) -> None:
    assert "second factor        off" in ana.ok("account", "second-factor", "ana")
    assert ana.ok("account", "second-factor", "ana", "--off") == "ana has no second factor.\n"
    turn_on(ana)
    shown = json.loads(ana.ok("account", "second-factor", "Ana@example.com", "--json"))
    assert shown == {"account": "ana", "factors": ["recovery", "totp"], "recovery_codes_left": 10}
    assert ana.ok("account", "second-factor", "ana", "--off") == "The second factor of ana is off.\n"
    assert json.loads(ana.ok("account", "second-factor", "ana", "--json"))["factors"] == []
    [event] = [each for each in json.loads(ana.ok("audit", "--json")) if each["event"] == "second_factor_off"]
    assert event["account"] == "ana"
    assert event["actor"].startswith("cli:")
    assert ana.refused("account", "second-factor", "nobody", "--off") == "there is no account 'nobody'"


def test_a_lost_key_file_does_not_lock_the_administrator_out(ana: CommandLine) -> None:
    turn_on(ana)
    key = ana.folder / "gateway.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.write_text("damaged")
    assert "hexadecimal digits" in ana.refused("account", "reset-password", "ana")
    assert ana.ok("account", "second-factor", "ana", "--off") == "The second factor of ana is off.\n"


def test_the_link_sets_a_password(ana: CommandLine) -> None:
    ana.environment["DAV_GATEWAY_PUBLIC_URL"] = "https://dav.example.com"
    told = ana.ok("account", "reset-password", "ANA")
    [url] = re.findall(r"https://\S+", told)
    assert url.startswith("https://dav.example.com/reset-password/")
    text = url.rpartition("/")[2]
    assert text not in str(ana.rows())
    with with_services(ana) as services:
        services.page.passwords.redeem(text, PASSWORD, DESK, stop=False)
        assert services.page.identity.by_password(begin(), "ana", PASSWORD, DESK).sign_in.stage is Stage.SIGNED_IN
    again = json.loads(ana.ok("account", "reset-password", "ana", "--json"))
    assert again["account"] == "ana"
    assert again["url"] != url
    assert ana.refused("account", "reset-password", "nobody") == "there is no account 'nobody'"
    ana.ok("account", "deactivate", "ana")
    assert ana.refused("account", "reset-password", "ana") == "the account ana is deactivated"


def test_beside_postgresql_the_key_file_must_be_named(command: CommandLine, postgres_url: str, tmp_path: Path) -> None:
    command.environment["DAV_GATEWAY_DATABASE_URL"] = postgres_url
    command.ok("account", "add", "ana", "--email", "ana@example.com")
    assert "security.key_file" in command.refused("account", "reset-password", "ana")
    assert "security.key_file" in command.refused("check-config")
    command.environment["DAV_GATEWAY_SECURITY_KEY_FILE"] = str(tmp_path / "key")
    assert "there is no key file" in command.refused("account", "reset-password", "ana")
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "key").chmod(0o600)
    assert "/reset-password/" in command.ok("account", "reset-password", "ana")
