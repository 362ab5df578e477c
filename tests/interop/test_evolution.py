"""Evolution, by the services and the library that it is made of: find, sync, create, change, delete; every password."""

from collections.abc import Iterator

import evolution
import pytest
from bodies import card, event
from evolution import Evolution, EvolutionError
from live_gateway import Gateway
from remote import Remote

pytestmark = pytest.mark.xdist_group("evolution")

AGENT = "Evolution/3.46.4"
OTHER = {"calendars": "contacts", "contacts": "calendars"}
COLLECTIONS = {"calendars": "calendar", "contacts": "contacts"}
MAKE = {"calendars": event, "contacts": card}
SUFFIX = {"calendars": "ics", "contacts": "vcf"}
TITLE = {"calendars": "SUMMARY", "contacts": "FN"}


@pytest.fixture(scope="module")
def passwords(passwords_for):
    return passwords_for("eva", service="evolution")


@pytest.fixture
def desk(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evolution]:
    with evolution.running(tmp_path_factory.mktemp("evolution"), gateway) as desk:
        yield desk


@pytest.fixture(params=OTHER)
def home(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def there(gateway: Gateway, passwords, home: str) -> Iterator[Remote]:
    path = f"/dav/{passwords.account}/{home}/{COLLECTIONS[home]}/"
    remote = Remote(gateway, getattr(passwords, home), path, AGENT)
    for name in remote.names():
        remote.remove(name)
    yield remote
    remote.close()


def test_from_the_address_alone_to_a_deleted_object(desk, passwords, home, there):
    make, suffix = MAKE[home], SUFFIX[home]
    there.put(f"theirs.{suffix}", make("theirs", "Theirs"))
    found = desk.discover(home, getattr(passwords, home))
    assert there.path in [path for path, _ in found]
    assert desk.open(home, getattr(passwords, home), there.path)
    assert desk.asked() == ["required"]
    assert desk.comes_to_show(home, {"theirs": "Theirs"})

    desk.create(home, make("mine", "Mine"))
    desk.change(home, "mine", "Changed here")
    (name,) = there.names() - {f"theirs.{suffix}"}
    assert f"{TITLE[home]}:Changed here\r\n" in there.get(name)

    there.put(f"theirs.{suffix}", make("theirs", "Changed there"))
    desk.refresh(home)
    assert desk.comes_to_show(home, {"mine": "Changed here", "theirs": "Changed there"})

    desk.remove(home, "mine")
    assert there.names() == {f"theirs.{suffix}"}
    there.remove(f"theirs.{suffix}")
    desk.refresh(home)
    assert desk.comes_to_show(home, {})
    assert desk.asked() == []


def test_the_wrong_password_of_the_two(desk, passwords, home, there):
    there.put(f"kept.{SUFFIX[home]}", MAKE[home]("kept", "Kept"))
    wrong = getattr(passwords, OTHER[home])
    assert desk.discover(home, wrong) == []
    desk.open(home, wrong, there.path)
    desk.refresh(home)
    assert desk.shown(home) == {}
    with pytest.raises(EvolutionError):
        desk.create(home, MAKE[home]("mine", "Mine"))
    assert desk.asked() == ["required"], "and not because it was refused"
    assert there.names() == {f"kept.{SUFFIX[home]}"}


def test_a_revoked_password_is_asked_for_anew(gateway, desk, passwords, home, there):
    name = f"kept.{SUFFIX[home]}"
    there.put(name, MAKE[home]("kept", "Kept"))
    password = gateway.issue(passwords.account, home, service="evolution")
    assert desk.open(home, password, there.path)
    assert desk.comes_to_show(home, {"kept": "Kept"})
    assert desk.asked() == ["required"]
    gateway.revoke(password)
    there.put(name, MAKE[home]("kept", "Changed there"))
    desk.refresh(home)
    assert desk.asked("rejected") == ["rejected"]
    valid = getattr(passwords, home)
    assert desk.type_password(home, valid.login, valid.text)
    desk.refresh(home)
    assert desk.comes_to_show(home, {"kept": "Changed there"})
    assert desk.asked() == []


def test_a_server_in_trouble(gateway, desk, passwords, home, there):
    name = f"kept.{SUFFIX[home]}"
    there.put(name, MAKE[home]("kept", "Kept"))
    assert desk.open(home, getattr(passwords, home), there.path)
    assert desk.comes_to_show(home, {"kept": "Kept"})
    with gateway.out_of_order():
        desk.refresh(home)
        with pytest.raises(EvolutionError, match="503"):
            desk.create(home, MAKE[home]("mine", "Mine"))
        assert desk.shown(home) == {"kept": "Kept"}
    there.put(name, MAKE[home]("kept", "Changed there"))
    desk.refresh(home)
    assert desk.comes_to_show(home, {"kept": "Changed there"})
    assert desk.asked() == ["required"], "and not once more"
