"""`dav-gateway api-key`."""

import json

from command_line import CommandLine


def test_issue_list_revoke(command: CommandLine) -> None:
    command.ok("account", "add", "ana", "--email", "ana@example.com")
    text, _sentence = command.ok("api-key", "issue", "portal", "--scope", "accounts:read").splitlines()
    assert text.startswith("davgw_")
    made = json.loads(command.ok("api-key", "issue", "other", "--scope", "audit:read", "--json"))
    assert made["key"].startswith("davgw_")
    listed = command.ok("api-key", "list", "--json")
    assert [each["name"] for each in json.loads(listed)] == ["portal", "other"]
    assert text not in listed
    assert made["key"] not in listed
    assert command.ok("api-key", "revoke", str(made["id"])) == f"Revoked: API key {made['id']} (other).\n"
    assert "revoked" in command.ok("api-key", "list")
    assert command.refused("api-key", "revoke", str(made["id"])) == f"no API key {made['id']} is in use"
