"""Collections: one of a name in a home, a counter that every change moves, an identity that ends with them."""

import pytest
from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Scope
from dav_gateway.store import accounts, collections
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database
from dav_gateway.store.errors import CollectionExists


def test_what_is_made_is_found_again(database: Database, ana: Account, calendar: Collection, now: Moment) -> None:
    assert calendar == Collection(
        id=calendar.id,
        account_id=ana.id,
        home=Scope.CALENDARS,
        name="team",
        incarnation=calendar.incarnation,
        components=("VEVENT",),
        properties={"D:displayname": "Work"},
        change=0,
        oldest=0,
        created_at=now,
        modified_at=now,
    )
    assert calendar.etag == f'"{calendar.incarnation}-0"'
    assert calendar.sync_token == f"data:,{calendar.incarnation}:0"
    with database.read() as c:
        assert collections.find(c, ana.id, "calendars", "team") == calendar
        assert collections.get(c, calendar.id) == calendar
        assert collections.in_home(c, ana.id, "calendars") == [calendar]


def test_other_homes_owners_and_names_find_nothing(database: Database, ana: Account, calendar: Collection) -> None:
    with database.read() as c:
        assert collections.find(c, ana.id, "contacts", "team") is None
        assert collections.find(c, ana.id, "calendars", "Work") is None
        assert collections.find(c, ana.id + 1, "calendars", "team") is None
        assert collections.find(c, None, "calendars", "team") is None
        assert collections.get(c, calendar.id + 1) is None
        assert collections.in_home(c, ana.id, "contacts") == []
        assert collections.in_home(c, ana.id + 1, "calendars") == []


def test_a_home_lists_by_name(database: Database, ana: Account, calendar: Collection, now: Moment) -> None:
    with database.write() as c:
        for name in ("zoo", "art"):
            _create(c, ana.id, name, now)
        assert [found.name for found in collections.in_home(c, ana.id, "calendars")] == ["art", "team", "zoo"]


def test_a_name_is_taken_once_in_a_home(database: Database, ana: Account, calendar: Collection, now: Moment) -> None:
    with database.write() as c:
        bo = accounts.add(c, name="bo", email="bo@example.org", display_name="Bo", now=now)
        with pytest.raises(CollectionExists):
            _create(c, ana.id, "team", now)
        _create(c, bo.id, "team", now)
        _create(c, ana.id, "team", now, home="contacts")
    with database.read() as c:
        assert collections.find(c, ana.id, "calendars", "team") == calendar


def test_the_company_directory_is_one_and_in_no_home(database: Database, ana: Account, now: Moment) -> None:
    with database.write() as c:
        assert collections.directory(c) is None
        made = _create(c, None, "employees", now, home="contacts")
        with pytest.raises(CollectionExists):
            _create(c, None, "employees", now, home="contacts")
        own = _create(c, ana.id, "friends", now, home="contacts")
    with database.read() as c:
        assert collections.directory(c) == made == collections.find(c, None, "contacts", "employees")
        assert made.account_id is None
        assert collections.in_home(c, ana.id, "contacts") == [own]


def test_setting_properties_is_a_change(database: Database, calendar: Collection) -> None:
    later = Moment(calendar.modified_at + 1)
    with database.write() as c:
        changed = collections.set_properties(c, calendar.id, {"D:displayname": "Café ☕"}, later)
        assert collections.get(c, calendar.id) == changed
    assert (changed.properties, changed.change, changed.modified_at) == ({"D:displayname": "Café ☕"}, 1, later)
    assert changed.etag != calendar.etag
    assert changed.sync_token != calendar.sync_token
    with pytest.raises(NotFound), database.write() as c:
        collections.set_properties(c, calendar.id + 1, {}, later)


def test_lock_gives_what_is_there_in_order(database: Database, ana: Account, calendar: Collection, now: Moment) -> None:
    with database.write() as c:
        second = _create(c, ana.id, "second", now)
        wanted = [second.id, calendar.id, second.id, second.id + 1]
        assert collections.lock(c, wanted) == sorted([calendar, second], key=lambda each: each.id)


def test_made_again_it_is_another(database: Database, ana: Account, calendar: Collection, now: Moment) -> None:
    with database.write() as c:
        assert collections.remove(c, calendar.id)
        assert not collections.remove(c, calendar.id)
        assert collections.find(c, ana.id, "calendars", "team") is None
        again = _create(c, ana.id, "team", now)
    assert again.incarnation != calendar.incarnation
    assert again.etag != calendar.etag


def _create(c: Connection, account_id: int | None, name: str, now: Moment, home: str = "calendars") -> Collection:
    return collections.create(
        c,
        account_id=account_id,
        home=home,
        name=name,
        components=[],
        properties={},
        now=now,
    )


def test_a_new_name_is_the_same_collection(database: Database, ana: Account, calendar: Collection, now: Moment) -> None:
    with database.write() as c:
        other = _create(c, ana.id, "other", now)
        with pytest.raises(CollectionExists):
            collections.rename(c, calendar.id, "other", now)
        collections.rename(c, calendar.id, "renamed", now)  # the refusal left the transaction usable
        with pytest.raises(NotFound):
            collections.rename(c, other.id + 1, "none", now)
    with database.read() as c:
        found = collections.find(c, ana.id, "calendars", "renamed")
        assert found is not None
        assert (found.id, found.sync_token) == (calendar.id, calendar.sync_token)
        assert collections.find(c, ana.id, "calendars", "team") is None
