"""vdirsyncer with khal and khard on its files: discover, two-way sync, conflict, delete; and every kind of password."""

import pytest
from bodies import card, event
from desk import KINDS, Desk
from live_gateway import Gateway
from remote import Remote

OTHER = {"calendars": "contacts", "contacts": "calendars"}


@pytest.fixture(scope="module")
def passwords(passwords_for):
    return passwords_for("vdirsyncer")


@pytest.fixture
def remote(gateway: Gateway, passwords):
    """The server's side of the home's collection, emptied."""
    opened = []

    def at(home: str) -> Remote:
        path = f"/dav/{passwords.account}/{home}/{KINDS[home].collection}/"
        opened.append(Remote(gateway, getattr(passwords, home), path, "vdirsyncer/0.21.0"))
        for name in opened[-1].names():
            opened[-1].remove(name)
        return opened[-1]

    yield at
    for each in opened:
        each.close()


@pytest.mark.parametrize("home", KINDS)
def test_discover_sync_conflict_delete(tmp_path, passwords, remote, home):
    there, kind = remote(home), KINDS[home]
    suffix = kind.suffix
    there.put(f"theirs{suffix}", kind.make("theirs", "Theirs"))
    desk = Desk(tmp_path, getattr(passwords, home), home)

    discovered = desk.discover()
    assert kind.collection in discovered
    desk.sync()
    assert desk.lines(f"theirs{suffix}") == kind.make("theirs", "Theirs").splitlines()

    (desk.files / f"mine{suffix}").write_bytes(kind.make("mine", "Mine").encode())
    there.put(f"theirs{suffix}", kind.make("theirs", "Theirs, changed"))
    desk.sync()
    uploaded = there.names() - {f"theirs{suffix}"}
    assert len(uploaded) == 1
    mine = uploaded.pop()
    assert there.get(mine) == kind.make("mine", "Mine")
    assert desk.lines(f"theirs{suffix}") == kind.make("theirs", "Theirs, changed").splitlines()

    (desk.files / f"mine{suffix}").write_bytes(kind.make("mine", "Mine, changed here").encode())
    there.put(mine, kind.make("mine", "Mine, changed there"))
    assert "conflict" in desk.sync(exit_code=1).lower()
    assert there.get(mine) == kind.make("mine", "Mine, changed there")
    assert "changed here" in (desk.files / f"mine{suffix}").read_text()
    desk.configure('"b wins"')
    desk.discover()
    desk.sync()
    assert "changed there" in (desk.files / f"mine{suffix}").read_text()

    (desk.files / f"mine{suffix}").unlink()
    there.remove(f"theirs{suffix}")
    there.put(f"last{suffix}", kind.make("last", "Last"))  # vdirsyncer asks before it empties a whole side
    desk.sync()
    assert there.names() == {f"last{suffix}"}
    assert [each.name for each in desk.files.glob(f"*{suffix}")] == [f"last{suffix}"]
    assert desk.sync().count("Copying") == 0


def test_khal_shows_and_makes_events(tmp_path, passwords, remote):
    there = remote("calendars")
    there.put("khal.ics", event("khal", "Deliver the oak table", "20261204"))
    desk = Desk(tmp_path, passwords.calendars, "calendars")
    desk.discover()
    desk.sync()
    assert "Deliver the oak table" in desk.khal("list", "2026-12-04", "2d")
    desk.khal("new", "2026-12-05", "10:00", "11:00", "Wax the top")
    desk.sync()
    (made,) = there.names() - {"khal.ics"}
    assert "SUMMARY:Wax the top" in (there.get(made) or "")


def test_khard_shows_and_makes_cards(tmp_path, passwords, remote):
    there = remote("contacts")
    there.put("khard.vcf", card("khard", "Siobhán O'Neill"))
    desk = Desk(tmp_path, passwords.contacts, "contacts")
    desk.discover()
    desk.sync()
    assert "Siobhán O'Neill" in desk.khard("list")
    desk.khard("new", "--addressbook", "contacts", stdin="First name: Tomás\nLast name: Ó Briain\n")
    desk.sync()
    (made,) = there.names() - {"khard.vcf"}
    assert "FN:Tomás Ó Briain" in (there.get(made) or "")


@pytest.mark.parametrize("home", KINDS)
def test_the_wrong_password_of_the_two_finds_nothing(tmp_path, passwords, remote, home):
    there, kind = remote(home), KINDS[home]
    there.put(f"secret{kind.suffix}", kind.make("secret"))
    desk = Desk(tmp_path, getattr(passwords, OTHER[home]), home)
    said = desk.run("vdirsyncer", "discover", stdin="n\n" * 8, exit_code=1)
    assert "unauthorized" not in said.lower()
    assert list((tmp_path / "files").rglob(f"*{kind.suffix}")) == []
    assert there.names() == {f"secret{kind.suffix}"}


@pytest.mark.parametrize("home", KINDS)
def test_a_password_for_reading_brings_and_takes_nothing(tmp_path, passwords, remote, home):
    there, kind = remote(home), KINDS[home]
    there.put(f"read{kind.suffix}", kind.make("read", "Read me"))
    desk = Desk(tmp_path, passwords.reading, home)
    desk.discover()
    desk.sync()
    assert "Read me" in (desk.files / f"read{kind.suffix}").read_text()
    (desk.files / f"write{kind.suffix}").write_bytes(kind.make("write").encode())
    (desk.files / f"read{kind.suffix}").write_bytes(kind.make("read", "Changed").encode())
    desk.sync(exit_code=1)
    assert there.names() == {f"read{kind.suffix}"}
    assert there.get(f"read{kind.suffix}") == kind.make("read", "Read me")


@pytest.mark.parametrize("home", KINDS)
def test_a_revoked_password_fails_and_loses_nothing(tmp_path, gateway, passwords, remote, home):
    there, kind = remote(home), KINDS[home]
    there.put(f"kept{kind.suffix}", kind.make("kept"))
    password = gateway.issue(passwords.account, home)
    desk = Desk(tmp_path, password, home)
    desk.discover()
    desk.sync()
    gateway.revoke(password)
    (desk.files / f"kept{kind.suffix}").write_bytes(kind.make("kept", "Changed").encode())
    said = desk.sync(exit_code=1)
    assert "401" in said or "unauthorized" in said.lower()
    assert there.get(f"kept{kind.suffix}") == kind.make("kept")
    assert "Changed" in (desk.files / f"kept{kind.suffix}").read_text()
