"""The example company in a real database, stored through the same analysis as a PUT."""

from datetime import date

import pytest

from dav_gateway.core.errors import Refusal
from dav_gateway.core.scope import Scope
from dav_gateway.example import filling, objects, people
from dav_gateway.service.services import assemble
from dav_gateway.store import collections
from dav_gateway.store.objects import count, every, get

TODAY = date(2026, 11, 22)


@pytest.fixture
def services(database):
    return assemble(database)


def kept(services):
    """Every object of the database by account name, home, collection and name."""
    found = {}
    with services.database.read() as connection:
        for account in services.accounts.every():
            for home in Scope:
                for collection in collections.in_home(connection, account.id, home):
                    for each in list(every(connection, collection.id)):
                        found[account.name, home, collection.name, each.name] = each.octets
    return found


def test_everything_is_stored_as_it_was_written(services):
    accounts = filling.fill(services, TODAY)
    assert [account.name for account in accounts] == [person.name for person in people()]
    assert [account.email for account in accounts] == [person.email for person in people()]
    assert [account.admin for account in accounts] == [True, False, False]
    assert kept(services) == {
        (person.name, home, collection, name): octets
        for person in people()
        for home, collection, name, octets in objects(person, TODAY)
    }


def test_the_people_are_in_the_directory_and_read_their_own_language(services):
    ana, *_ = filling.fill(services, TODAY)
    with services.database.read() as connection:
        directory = collections.directory(connection)
        assert count(connection, directory.id) == 3
        assert "TITLE:Directora" in get(connection, directory.id, "ana.vcf").octets.decode()
        calendar = collections.find(connection, ana.id, Scope.CALENDARS, "calendar")
    assert calendar.properties["D:displayname"] == "Calendario"


def test_a_second_time_changes_nothing(services):
    filling.fill(services, TODAY)
    with services.database.write() as connection:
        ana = services.accounts.get("ana")
        (calendar, _) = collections.in_home(connection, ana.id, Scope.CALENDARS)
        collections.remove(connection, calendar.id)
    before = kept(services)
    filling.fill(services, date(2027, 1, 1))
    assert kept(services) == before


def test_an_interrupted_start_is_completed(services, monkeypatch):
    def interrupted(person, today):
        yield from objects(person, today)
        if person.name == "ben":
            raise KeyboardInterrupt

    monkeypatch.setattr(filling, "objects", interrupted)
    with pytest.raises(KeyboardInterrupt):
        filling.fill(services, TODAY)
    assert {account for account, *_ in kept(services)} == {"ana"}
    monkeypatch.undo()
    filling.fill(services, TODAY)
    assert {account for account, *_ in kept(services)} == {"ana", "ben", "carla"}


def test_a_database_with_other_people_is_left_alone(services):
    services.accounts.add(name="dora", email="dora@example.com", by="test")
    with pytest.raises(Refusal, match="database of its own"):
        filling.fill(services, TODAY)
    assert [account.name for account in services.accounts.every()] == ["dora"]


def test_an_object_that_a_put_would_refuse_does_not_get_in(services, monkeypatch):
    def broken(_person, _today):
        yield Scope.CALENDARS, "calendar", "broken.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"

    monkeypatch.setattr(filling, "objects", broken)
    with pytest.raises(ValueError, match="component"):
        filling.fill(services, TODAY)
    assert kept(services) == {}
