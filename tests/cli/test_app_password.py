"""`dav-gateway app-password`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from command_line import CommandLine

from dav_gateway.core.credential import Service
from dav_gateway.core.secret import AppPassword, parse
from dav_gateway.core.verifier import check


def records(command: CommandLine, name: str = "ana") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(command.ok("app-password", "list", name, "--json"))
    return found


def test_issue_prints_the_password_once_and_how_to_use_it(ana: CommandLine) -> None:
    text = ana.ok("app-password", "issue", "ana", "--service", "iphone", "--scope", "calendars")
    [line] = [line.strip() for line in text.splitlines() if line.count("-") == 4]
    password = parse(line)
    assert isinstance(password, AppPassword)
    assert f"App password {password.id} (iPhone) for ana: calendars, read-write." in text
    assert "server     http://127.0.0.1:8765/dav/" in text
    assert "user name  ana" in text
    assert f"dav-gateway app-password revoke {password.id}" in text
    secret = password.reveal("")[5:]
    rest = [
        ana.ok("app-password", "list", "ana"),
        ana.ok("app-password", "list", "ana", "--json"),
        ana.ok("app-password", "show", password.id),
        ana.ok("app-password", "show", password.id, "--json"),
        ana.ok("audit", "--json"),
        str(ana.rows()),
    ]
    assert not any(part in printed for printed in rest for part in (line, secret, line[6:], "$argon2id$ "))
    assert not any("$argon2id" in printed for printed in rest[:-1]), "a verifier is nobody's business"


def test_issue_as_json_has_exactly_the_agreed_keys(ana: CommandLine) -> None:
    ana.environment["DAV_GATEWAY_PUBLIC_URL"] = "https://dav.example.com"
    issued = json.loads(
        ana.ok(
            "app-password", "issue", "ANA", "--service", "thunderbird", "--scope", "contacts", "--scope", "calendars",
            "--read-only", "--expires", "2090-01-31T12:00:00+02:00", "--label", "Portátil de Ana", "--json",
        )
    )  # fmt: skip
    password = parse(issued.pop("password"))
    assert isinstance(password, AppPassword)
    assert issued == {
        "id": password.id,
        "account": "ana",
        "login_name": "ana",
        "service": "thunderbird",
        "scopes": ["calendars", "contacts"],
        "access": "read-only",
        "label": "Portátil de Ana",
        "expires": "2090-01-31T10:00:00Z",
        "dav_url": "https://dav.example.com/dav/",
    }
    rows = ana.rows()
    assert rows is not None
    [verifier] = [value for value in rows["credential"][0] if str(value).startswith("$argon2id$")]
    assert check(verifier, password.reveal(""))


def test_a_named_collection_need_not_be_in_every_scope(ana: CommandLine) -> None:
    both = ["--scope", "calendars", "--scope", "contacts", "--collection"]
    issued = ana.ok("app-password", "issue", "ana", "--service", "other", *both, "tasks")
    assert "calendars and contacts, read-write, only tasks" in issued
    refused = ana.refused("app-password", "issue", "ana", "--service", "other", *both, "work")
    assert refused == "ana has no collection 'work' in calendars and contacts"
    told = " ".join(ana.ok("app-password", "issue", "--help").split())
    assert "a scope that has none of those named opens nothing" in told


def test_the_owner_may_be_named_by_e_mail(ana: CommandLine) -> None:
    email = "Ana@Example.com"
    issued = json.loads(ana.ok("app-password", "issue", email, *ISSUE[3:], "--json"))
    assert (issued["account"], issued["login_name"]) == ("ana", "ana")
    assert records(ana, email) == records(ana)
    assert json.loads(ana.ok("app-password", "revoke", "--all", email, "--json"))["ids"] == [issued["id"]]
    assert ana.ok("audit", "--account", email, "--json") == ana.ok("audit", "--account", "ana", "--json")


@pytest.mark.parametrize("service", list(Service))
def test_every_service_can_be_issued_for(ana: CommandLine, service: Service) -> None:
    ana.ok("app-password", "issue", "ana", "--service", service.value, "--scope", "contacts")
    assert records(ana)[0]["service"] == service.value


def test_the_verifier_is_of_the_configured_scheme(ana: CommandLine, issue: Callable[..., str]) -> None:
    ana.environment["DAV_GATEWAY_APP_PASSWORDS_VERIFIER"] = "blake2b"
    issue()
    assert "$blake2b$" in str(ana.rows())


def test_limits_are_kept(ana: CommandLine, issue: Callable[..., str]) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    issue("--cidr", "192.0.2.0/24", "--cidr", "2001:db8::1", "--expires", "90d", "--collection", "calendar")
    [record] = records(ana)
    assert record["networks"] == ["192.0.2.0/24", "2001:db8::1/128"]
    assert record["collections"] == ["calendar"]
    expires = datetime.fromisoformat(record["expires"])
    assert before + timedelta(days=90) <= expires <= datetime.now(UTC) + timedelta(days=90)
    assert "calendars, read-write, only calendar" in ana.ok("app-password", "list", "ana")


def test_a_directory_only_password(ana: CommandLine) -> None:
    ana.ok("app-password", "issue", "ana", "--service", "other", "--scope", "contacts", "--collection", "employees")
    assert records(ana)[0]["collections"] == ["employees"]


ISSUE = ["app-password", "issue", "ana", "--service", "iphone", "--scope", "calendars"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["app-password", "issue", "ben", *ISSUE[3:]], 1, "there is no account 'ben'"),
        ([*ISSUE, "--expires", "2020-01-01"], 1, "the expiry 20"),
        ([*ISSUE, "--expires", "soon"], 2, "Invalid value for '--expires': 'soon' is not a date or time such as"),
        ([*ISSUE, "--expires", "999999w"], 2, "Invalid value for '--expires'"),
        ([*ISSUE, "--collection", "work"], 1, "ana has no collection 'work' in calendars"),
        ([*ISSUE, "--collection", "employees"], 1, "ana has no collection 'employees' in calendars"),
        ([*ISSUE, "--cidr", "192.0.2.1/24"], 2, "Invalid value for '--cidr': '192.0.2.1/24' is not an address or"),
        ([*ISSUE, "--cidr", "example.com"], 2, "Invalid value for '--cidr'"),
        ([*ISSUE, "--label", "x" * 81], 1, "a label has at most 80 characters"),
        ([*ISSUE, "--label", "a\u202eb"], 1, "a label has no control characters"),
        ([*ISSUE, "--scope", "mail"], 2, "Invalid value for '--scope': 'mail' is not one of"),
        ([*ISSUE[:3], "--scope", "calendars"], 2, "Missing option '--service'. Choose from: iphone, android"),
        (ISSUE[:5], 2, "Missing option '--scope'. Choose from: calendars, contacts"),
        ([*ISSUE[:4], "fridge", *ISSUE[5:]], 2, "Invalid value for '--service': 'fridge' is not one of"),
        ([*ISSUE, "--forever"], 2, "No such option"),
    ],
)
def test_what_cannot_be_issued_is_not(ana: CommandLine, arguments: list[str], code: int, sentence: str) -> None:
    assert ana.refused(*arguments, code=code).startswith(sentence)


def test_a_deactivated_account_is_issued_nothing(ana: CommandLine) -> None:
    ana.ok("account", "deactivate", "ana")
    assert ana.refused(*ISSUE) == "the account ana is deactivated"


def test_at_most_25(ana: CommandLine, issue: Callable[..., str]) -> None:
    ana.environment["DAV_GATEWAY_APP_PASSWORDS_VERIFIER"] = "blake2b"
    first = issue()
    for _ in range(24):
        issue()
    assert ana.refused(*ISSUE).startswith("ana has 25 app passwords in use")
    ana.ok("app-password", "revoke", first)
    issue()


def test_show_and_list(ana: CommandLine, issue: Callable[..., str]) -> None:
    public_id = issue("--label", "Phone")
    assert json.loads(ana.ok("app-password", "show", public_id, "--json")) == records(ana)[0]
    assert records(ana)[0] | {"created": ""} == {
        "id": public_id,
        "account": "ana",
        "label": "Phone",
        "service": "iphone",
        "scopes": ["calendars"],
        "access": "read-write",
        "collections": None,
        "networks": [],
        "state": "live",
        "expires": None,
        "origin": "cli",
        "created": "",
        "client_family": records(ana)[0]["client_family"],
        "first_used": None,
        "last_used": None,
        "last_used_address": None,
        "last_used_client": None,
        "paused": None,
        "revoked": None,
        "revoked_by": None,
        "revoked_why": None,
        "last_refusal": None,
        "last_refusal_reason": None,
        "replaces": None,
    }
    assert "label         Phone" in ana.ok("app-password", "show", public_id.upper())
    assert ana.ok("app-password", "list", "ana").splitlines()[1].split()[:3] == [public_id, "Phone", "iphone"]
    ana.ok("account", "deactivate", "ana")
    assert records(ana)[0]["state"] == "account-inactive"


def test_rename_pause_resume(ana: CommandLine, issue: Callable[..., str]) -> None:
    public_id = issue()
    assert ana.ok("app-password", "rename", public_id, "The old phone") == (
        f"Renamed: {public_id}. It is The old phone from now on.\n"
    )
    assert records(ana)[0]["label"] == "The old phone"
    assert ana.ok("app-password", "pause", public_id).startswith(f"Paused: {public_id}. Sync has stopped: ")
    assert records(ana)[0]["state"] == "paused"
    assert ana.ok("app-password", "resume", public_id) == f"Resumed: {public_id}. Accepted from now on.\n"
    assert json.loads(ana.ok("app-password", "resume", public_id, "--json"))["state"] == "live"
    assert json.loads(ana.ok("app-password", "rename", public_id, "Mine", "--json"))["label"] == "Mine"
    for empty in ("", " \t"):
        assert ana.refused("app-password", "rename", public_id, empty) == "a label is not empty"
    ana.ok("account", "deactivate", "ana")
    assert ana.ok("app-password", "resume", public_id) == f"Resumed: {public_id}. Still refused: account-inactive.\n"
    assert ana.refused("app-password", "rename", public_id, "x" * 81) == "a label has at most 80 characters"


def test_revoke_some(ana: CommandLine, issue: Callable[..., str]) -> None:
    first, second, third = issue(), issue(), issue()
    told = ana.ok("app-password", "revoke", first, second, first)
    assert told.startswith(f"Revoked: {first}, {second}. Sync has stopped: ")
    assert [each["state"] for each in records(ana)] == ["revoked", "revoked", "live"]
    assert records(ana)[0]["revoked_by"].startswith("cli:")
    again = json.loads(ana.ok("app-password", "revoke", third, "--json"))
    assert again.pop("decided") <= again.pop("done")
    assert 0 <= again.pop("milliseconds") < 10_000
    assert again == {"ids": [third], "connections": 0, "requests": 0, "workers": [], "receipt": 2}
    for verb in ("pause", "resume"):
        assert ana.refused("app-password", verb, third) == f"the app password {third} is revoked, for good"
    assert ana.refused("app-password", "rotate", third).startswith(f"the app password {third} is not in use any more")


def test_receipts(ana: CommandLine, issue: Callable[..., str]) -> None:
    public_id = issue()
    assert "nothing was ever taken away" in ana.refused("app-password", "receipt", public_id)
    assert ana.refused("app-password", "receipt", "00000") == "no app password has the id '00000'"
    told = ana.ok("app-password", "revoke", "--receipt", public_id)
    assert told.endswith("No worker was serving.\n")
    shown = ana.ok("app-password", "receipt", public_id)
    assert f"app passwords     {public_id}\n" in shown
    assert "connections cut   0\n" in shown
    found = json.loads(ana.ok("app-password", "receipt", public_id, "--json"))
    assert (found["ids"], found["workers"], found["first_refused"]) == ([public_id], [], {})
    assert found["by"].startswith("cli:")


def test_narrow(ana: CommandLine, issue: Callable[..., str]) -> None:
    public_id = issue()
    told = ana.ok("app-password", "narrow", public_id, "--read-only", "--cidr", "192.0.2.0/24", "--expires", "90d")
    assert told.startswith(f"Narrowed: {public_id}. ")
    [record] = records(ana)
    assert (record["access"], record["networks"]) == ("read-only", ["192.0.2.0/24"])
    assert record["expires"] is not None
    assert "do more than it may now" in ana.refused("app-password", "narrow", public_id, "--cidr", "198.51.100.0/24")
    assert "say what it may do no longer" in ana("app-password", "narrow", public_id).stderr
    ana.ok("app-password", "revoke", public_id)
    assert "for good" in ana.refused("app-password", "narrow", public_id, "--read-only")


def test_revoke_is_all_or_nothing(ana: CommandLine, issue: Callable[..., str]) -> None:
    public_id = issue()
    assert ana.refused("app-password", "revoke", public_id, "00000") == "no app password has the id '00000'"
    assert records(ana)[0]["state"] == "live"


def test_revoke_all(ana: CommandLine, issue: Callable[..., str]) -> None:
    ids = {issue(), issue()}
    ana.ok("account", "add", "ben", "--email", "b@example.com")
    ana.ok("app-password", "issue", "ben", "--service", "mac", "--scope", "contacts")
    told = json.loads(ana.ok("app-password", "revoke", "--all", "Ana", "--json"))
    assert set(told["ids"]) == ids
    assert {each["state"] for each in records(ana)} == {"revoked"}
    assert records(ana, "ben")[0]["state"] == "live"
    assert ana.ok("app-password", "revoke", "--all", "ana") == "There was none to revoke.\n"
    assert ana.refused("app-password", "revoke", "--all", "nobody") == "there is no account 'nobody'"


def test_revoke_needs_ids_or_all(ana: CommandLine, issue: Callable[..., str]) -> None:
    for arguments in ([], [issue(), "--all", "ana"]):
        assert ana.refused("app-password", "revoke", *arguments, code=2).startswith("give the ids of app passwords, or")


def test_rotate(ana: CommandLine, issue: Callable[..., str]) -> None:
    old = issue("--label", "Phone")
    issued = json.loads(ana.ok("app-password", "rotate", old, "--json"))
    assert isinstance(parse(issued["password"]), AppPassword)
    assert (issued["account"], issued["label"], issued["scopes"]) == ("ana", "Phone", ["calendars"])
    assert [(each["id"], each["state"], each["replaces"]) for each in records(ana)] == [
        (old, "live", None),
        (issued["id"], "live", old),
    ]
    assert f"The old one, {old}, ends when this one is first used." in ana.ok("app-password", "rotate", old)


@pytest.mark.parametrize("verb", ["show", "pause", "resume", "revoke", "rotate"])
def test_ids_that_are_none(ana: CommandLine, verb: str) -> None:
    assert ana.refused("app-password", verb, "zzzzz") == "no app password has the id 'zzzzz'"
    for text in ("", "k7m", "k7mq!", "k7mqx-3f9tb"):
        told = ana.refused("app-password", verb, text, code=2)
        assert "the id of an app password is its first group, five symbols" in told


def test_a_pasted_app_password_is_not_repeated(ana: CommandLine) -> None:
    password = json.loads(ana.ok(*ISSUE, "--json"))["password"]
    pasted = [
        ["app-password", "show", password],
        ["app-password", "revoke", password.upper()],
        ["app-password", "list", password],
        ["account", "show", password.replace("-", "")],
        ["account", "add", password, "--email", "x"],
        ["audit", password],
        [*ISSUE, "--expires", password],
        [password],
    ]
    for arguments in pasted:
        printed = ana(*arguments)
        assert printed.exit_code in (1, 2)
        assert password[6:] not in printed.output.lower()
        assert password.replace("-", "")[5:] not in printed.output.lower()
