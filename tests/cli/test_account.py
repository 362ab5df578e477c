"""`dav-gateway account`."""

import json

import pytest
from command_line import CommandLine

from dav_gateway.core.verifier import check


def shown(command: CommandLine, name: str) -> dict[str, object]:
    record: dict[str, object] = json.loads(command.ok("account", "show", name, "--json"))
    return record


def test_an_account_is_added_with_defaults_and_no_password(command: CommandLine) -> None:
    told = command.ok("account", "add", "Ana", "--email", "Ana@Example.com")
    assert told == "Account ana is added. Next: dav-gateway app-password issue ana --help\n"
    record = shown(command, "ana")
    assert record.pop("created")
    assert record == {
        "name": "ana",
        "email": "ana@example.com",
        "display_name": "ana",
        "admin": False,
        "active": True,
        "language": "en",
        "phones": [],
        "title": "",
        "department": "",
        "has_password": False,
    }


def test_an_account_is_added_with_everything(command: CommandLine) -> None:
    command.environment["DAV_GATEWAY_LANGUAGES"] = "es,en"
    names = ["--display-name", "Ben Ö", "--title", "Joiner", "--department", "Workshop"]
    phones = ["--phone", "+49 30 1", "--phone", "+49 30 2"]
    options = [*names, *phones, "--admin", "--password-stdin", "--json"]
    told = command.ok("account", "add", "ben", "--email", "b@example.com", *options, stdin="correct horse battery\n")
    added = json.loads(told)
    assert added == shown(command, "ben")
    assert (added["admin"], added["has_password"], added["language"]) == (True, True, "es")
    assert (added["phones"], added["title"], added["department"]) == (["+49 30 1", "+49 30 2"], "Joiner", "Workshop")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["Ana Ruiz", "--email", "x@example.com"], "cannot be an account name: it takes up to 64 of a-z, 0-9, dot"),
        (["../ana", "--email", "x@example.com"], "cannot be an account name"),
        ([".", "--email", "x@example.com"], "cannot be an account name"),
        (["a" * 65, "--email", "x@example.com"], "cannot be an account name"),
        (["ben", "--email", "nobody"], "'nobody' is not an e-mail address"),
        (["ben", "--email", "ANA@example.com"], "another account has the"),
        (["ana", "--email", "x@example.com"], "another account has the"),
        (["ben", "--email", "x@example.com", "--language", "fr"], "'fr' is not one of the configured languages en, es"),
        (["ben", "--email", "x@example.com", "--display-name", "a\x1b[31mb"], "a display name is one line"),
    ],
)
def test_what_cannot_be_an_account_is_refused(ana: CommandLine, arguments: list[str], sentence: str) -> None:
    assert sentence in ana.refused("account", "add", *arguments)


@pytest.mark.parametrize(
    ("stdin", "code", "sentence"),
    [
        (b"short\n", 1, "a password has 8 to 1024 characters"),
        (b"x" * 5000, 1, "a password has 8 to 1024 characters"),
        (b"\n", 2, "there is no password on standard input"),
        (b"", 2, "there is no password on standard input"),
        (b"caf\xe9 caf\xe9\n", 2, "the password on standard input is not UTF-8 text"),
    ],
)
def test_what_cannot_be_a_password_is_refused(ana: CommandLine, stdin: bytes, code: int, sentence: str) -> None:
    for arguments in (["add", "ben", "--email", "b@example.com"], ["set-password", "ana"]):
        told = ana.refused("account", *arguments, "--password-stdin", stdin=stdin, code=code)
        assert told.startswith(sentence)


def test_a_password_is_set_and_kept_as_a_verifier(ana: CommandLine) -> None:
    assert ana.ok("account", "set-password", "ana", "--password-stdin", stdin="pa ss:wörd\r\nnext line\n") == (
        "The password of ana is set.\n"
    )
    rows = ana.rows()
    assert rows is not None
    [verifier] = [value for value in rows["account"][0] if str(value).startswith("$argon2id$")]
    assert check(verifier, "pa ss:wörd")
    assert "pa ss:w" not in str(rows)


def test_without_a_terminal_nobody_is_asked_for_a_password(ana: CommandLine) -> None:
    assert "give --password-stdin" in ana.refused("account", "set-password", "ana", stdin="correct horse\n", code=2)


def test_details_are_changed_one_by_one(ana: CommandLine) -> None:
    before = shown(ana, "ana")
    assert ana.ok("account", "set", "ANA", "--title", "Directora", "--phone", "+34 1", "--phone", "+34 2") == (
        "Account ana is changed.\n"
    )
    assert shown(ana, "ana") == before | {"title": "Directora", "phones": ["+34 1", "+34 2"]}
    ana.ok("account", "set", "ana", "--phone", "", "--admin", "--language", "es", "--email", "a@example.com")
    changed = shown(ana, "ana")
    assert changed == before | {
        "title": "Directora", "phones": [], "admin": True, "language": "es", "email": "a@example.com",
    }  # fmt: skip
    ana.ok("account", "set", "ana", "--no-admin", "--title", "", "--department", "Dirección", "--display-name", "A")
    assert shown(ana, "ana")["admin"] is False
    assert shown(ana, "ana")["title"] == ""


def test_changes_that_cannot_be_made_change_nothing(ana: CommandLine) -> None:
    ana.ok("account", "add", "ben", "--email", "b@example.com")
    assert "another account has the" in ana.refused("account", "set", "ben", "--email", "ana@example.com")
    assert ana.refused("account", "set", "nobody", "--title", "x") == "there is no account 'nobody'"
    assert ana.refused("account", "set", "ana", "--display-name", " ") == "a display name is not empty"
    assert "nothing to change was given" in ana.refused("account", "set", "ana", code=2)


def test_deactivated_and_activated(ana: CommandLine) -> None:
    ana.ok("account", "deactivate", "ana")
    assert shown(ana, "ana")["active"] is False
    assert "deactivated" in ana.ok("account", "list")
    ana.ok("account", "deactivate", "ana")
    assert json.loads(ana.ok("account", "activate", "ana", "--json"))["active"] is True
    for verb in ("deactivate", "activate", "show"):
        assert ana.refused("account", verb, "nobody") == "there is no account 'nobody'"


def test_an_account_may_be_named_by_e_mail(ana: CommandLine) -> None:
    email = "Ana@Example.com"
    assert shown(ana, email) == shown(ana, "ana")
    assert ana.ok("account", "set", email, "--title", "x") == "Account ana is changed.\n"
    assert ana.ok("account", "deactivate", email).startswith("Account ana is deactivated")
    assert ana.ok("account", "activate", email) == "Account ana is active.\n"
    told = ana.ok("account", "set-password", email, "--password-stdin", stdin="correct horse\n")
    assert told == "The password of ana is set.\n"
    assert ana.refused("account", "show", "b@example.com") == "there is no account 'b@example.com'"


def test_the_list(ana: CommandLine) -> None:
    ana.ok("account", "add", "ben", "--email", "b@example.com", "--admin")
    assert ana.ok("account", "list").splitlines() == [
        "NAME  E-MAIL           DISPLAY NAME  STATE",
        "ana   ana@example.com  Ana Ruiz      active",
        "ben   b@example.com    ben           active, administrator",
    ]
    assert [each["name"] for each in json.loads(ana.ok("account", "list", "--json"))] == ["ana", "ben"]
    assert "signs in to the page  no" in ana.ok("account", "show", "ben")
