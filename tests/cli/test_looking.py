"""`audit`, `database`, `check-config` and `print-config`."""

import json
import shutil
import sqlite3
import subprocess
import tomllib
from collections.abc import Callable

import pytest
from command_line import CommandLine


def test_the_audit_tells_what_happened(ana: CommandLine, issue: Callable[..., str]) -> None:
    ana.ok("account", "add", "ben", "--email", "b@example.com")
    public_id = issue()
    ana.ok("app-password", "revoke", public_id)
    events = json.loads(ana.ok("audit", "--json"))
    words = ["account_added", "account_added", "issued", "shown", "revoked", "cut"]
    assert [event["event"] for event in events] == words
    last = events[-2]
    assert (last["account"], last["credential_id"], last["detail"]["why"]) == ("ana", public_id, "command line")
    assert last["actor"].startswith("cli:")
    assert last.keys() == {
        "id", "at", "event", "account", "credential_id", "actor", "address", "client_family", "request_id", "detail",
    }  # fmt: skip
    assert len(json.loads(ana.ok("audit", "--account", "BEN", "--json"))) == 1
    assert len(json.loads(ana.ok("audit", "--id", public_id.upper(), "--json"))) == 4
    assert "scopes: calendars" in ana.ok("audit")
    assert ana.refused("audit", "--account", "nobody") == "there is no account 'nobody'"


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_an_audit_that_is_cut_says_so(ana: CommandLine, issue: Callable[..., str], options: list[str]) -> None:
    issue()
    done = ana("audit", "--limit", "2", *options)
    assert (done.exit_code, done.stderr) == (0, "Only the newest 2 events are shown: give a larger --limit.\n")
    assert "issued" in done.stdout
    assert "shown" in done.stdout
    assert "account_added" not in done.stdout
    assert "account_added" in ana.ok("audit", "--limit", "3", *options)


def test_the_audit_is_in_the_order_of_what_happened(ana: CommandLine) -> None:
    ana.ok("account", "deactivate", "ana")
    with sqlite3.connect(ana.folder / "gateway.db") as connection:
        connection.execute("INSERT INTO audit (at, event, detail) VALUES (1, 'first', '{}')")
    connection.close()
    events = json.loads(ana.ok("audit", "--json"))
    assert [event["event"] for event in events] == ["first", "account_added", "account_deactivated"]


def test_the_database_is_made_and_its_state_told(command: CommandLine) -> None:
    assert command.ok("database", "upgrade").startswith(f"sqlite:///{command.folder}/gateway.db is upgraded from empty")
    assert "was up to date already" in command.ok("database", "upgrade")
    told = json.loads(command.ok("database", "status", "--json"))
    assert told == {
        "url": f"sqlite:///{command.folder}/gateway.db",
        "current": told["head"],
        "head": told["head"],
        "ready": True,
    }
    assert "state     up to date" in command.ok("database", "status")
    assert command.ok("account", "list", "--json") == "[]\n"


def test_print_config_hides_passwords_and_says_where_values_come_from(command: CommandLine) -> None:
    file = command.folder.parent / "gateway.toml"
    file.write_text('company = "Nogal"\n[database]\nurl = "postgresql://gate:hu5h@db/dav?sslpassword=hu5h"\n')
    printed = command.ok("print-config", "--config", str(file))
    assert "hu5h" not in printed
    assert f'company = "Nogal"  # {file}' in printed
    assert f'url = "postgresql://gate:***@db/dav?sslpassword=***"  # {file}' in printed
    assert f'data_directory = "{command.folder}"  # environment DAV_GATEWAY_DATA_DIRECTORY' in printed
    as_json = json.loads(command.ok("print-config", "--config", str(file), "--json"))
    assert as_json == tomllib.loads(printed)
    assert "password" not in as_json["database"]


def test_what_print_config_prints_is_a_configuration(command: CommandLine) -> None:
    printed = command.ok("print-config")
    file = command.folder.parent / "printed.toml"
    file.write_text(printed)
    command.environment = {}
    assert json.loads(command.ok("print-config", "--json", "--config", str(file))) == tomllib.loads(printed)


def test_check_config(command: CommandLine) -> None:
    assert command.ok("check-config") == (
        "The configuration is correct. Clients connect to http://127.0.0.1:8765/dav/\n"
    )
    assert not command.folder.exists()


@pytest.mark.parametrize(
    ("environment", "advice"),
    [
        ({"DAV_GATEWAY_PUBLIC_URL": "http://dav.example.com"}, "public_url is not https"),
        ({"DAV_GATEWAY_PUBLIC_URL": "https://dav.example.com"}, "trusted_proxies is empty"),
        ({"DAV_GATEWAY_LISTEN": "0.0.0.0:8765"}, "listen is open to the network without TLS"),
        ({"DAV_GATEWAY_LISTEN": "[::]:8765"}, "listen is open to the network without TLS"),
    ],
)
def test_check_config_advises(command: CommandLine, environment: dict[str, str], advice: str) -> None:
    command.environment |= environment
    done = command("check-config")
    assert done.exit_code == 0
    [sentence] = done.stderr.splitlines()
    assert advice in sentence


def test_certificates_are_tried(command: CommandLine) -> None:
    folder = command.folder.parent
    command.environment |= {"DAV_GATEWAY_TLS_CERTIFICATE": "c.pem", "DAV_GATEWAY_TLS_KEY": "k.pem"}
    missing = "cannot be read: No such file or directory."
    assert command("check-config").stderr.splitlines() == [
        f"dav-gateway: tls.certificate: {folder}/c.pem {missing}",
        f"dav-gateway: tls.key: {folder}/k.pem {missing}",
    ]
    (folder / "c.pem").write_text("not a certificate")
    assert command.refused("check-config") == f"tls.key: {folder}/k.pem {missing}"
    (folder / "k.pem").write_text("not a key")
    wrong = f"tls.certificate: {folder}/c.pem is not a certificate in PEM."
    assert command.refused("check-config") == wrong
    assert command.refused("serve") == wrong
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    make = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=x"]
    subprocess.run([*make, "-keyout", "k.pem", "-out", "c.pem", "-passout", "pass:x"], check=True, capture_output=True)
    wrong = f"tls.key: {folder}/k.pem is not the unencrypted PEM key of {folder}/c.pem."
    assert command.refused("check-config") == wrong, "nobody is asked for a pass phrase"
    subprocess.run([*make, "-keyout", "k.pem", "-out", "c.pem", "-noenc"], check=True, capture_output=True)
    assert "https://127.0.0.1:8765/dav/" in command.ok("check-config")


def test_a_radicale_configuration_that_breaks_the_promises_is_refused(command: CommandLine) -> None:
    file = command.folder.parent / "radicale.ini"
    command.environment["DAV_GATEWAY_RADICALE_CONFIG"] = str(file)
    gone = f"radicale_config: {file} cannot be read: No such file or directory."
    assert command.refused("check-config") == command.refused("serve") == gone
    file.write_text("[auth]\nfoo = 1\n")
    told = command.refused("check-config")
    assert "'foo'" in told
    assert told.count(str(file)) == 1
    file.write_text("[auth]\ntype = none\ncache_logins = true\n")
    for arguments in (["check-config"], ["serve"]):
        done = command(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert any("cache_logins" in line for line in done.stderr.splitlines())
        assert all(line.startswith("dav-gateway: ") for line in done.stderr.splitlines())


def test_a_data_directory_that_is_a_file(command: CommandLine) -> None:
    command.folder.write_text("")
    assert command.refused("check-config") == f"data_directory: {command.folder} is not a folder."
