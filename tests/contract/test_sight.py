"""One statement tells what three would: of the same rows, for own collections and the company's, and for nothing.

A writer's look tells the same, and what it tells of the collection and the object stays so."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Resource, resource_at
from dav_gateway.store import accounts, collections, credentials, held_sight, objects, sight
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database
from dav_gateway.store.objects import NewObject
from dav_gateway.store.sight import MOST_CHANGES, Changes

Issue = Callable[..., Credential]
AT = {
    "/ana/calendars/team/": ("calendars", "team"),
    "/ana/calendars/team/1.ics": ("calendars", "team"),
    "/ana/calendars/team/none.ics": ("calendars", "team"),
    "/ana/calendars/none/": ("calendars", "none"),
    "/ana/calendars/none/1.ics": ("calendars", "none"),
    "/ana/contacts/team/": ("contacts", "team"),
    "/ana/calendars/bens/": ("calendars", "bens"),
    "/ana/contacts/employees/": ("contacts", "employees"),
    "/ana/contacts/employees/ana.vcf": ("contacts", "employees"),
}


def resource(path: str) -> Resource:
    found = resource_at(path)
    assert found is not None
    return found


@pytest.fixture
def filled(database: Database, ana: Account, calendar: Collection, issue: Issue, now: Moment) -> Database:
    """Ana's calendar with an object, one of Ben's, and the company's directory."""
    issue()
    with database.write() as c:
        ben = accounts.add(c, name="ben", email="ben@example.org", display_name="Ben", now=now)
        for owner, home, name in ((ben.id, "calendars", "bens"), (ben.id, "contacts", "employees")):
            collections.create(c, account_id=owner, home=home, name=name, components=(), properties={}, now=now)
        company = collections.create(
            c, account_id=None, home="contacts", name="employees", components=(), properties={}, now=now
        )
        for inside, name in ((calendar, "1.ics"), (company, "ana.vcf")):
            objects.put(c, inside.id, NewObject(name, name, "VEVENT", b"octets"), now)
    return database


@pytest.mark.parametrize("path", AT)
@pytest.mark.parametrize("most", [None, 6, 5])
def test_it_is_what_three_statements_tell(filled: Database, ana: Account, path: str, most: int | None) -> None:
    asked, (home, name) = resource(path), AT[path]
    with filled.read() as c:
        found = sight.look(c, "k7mqx", asked, most_octets=most)
        inside = collections.find(c, None if name == "employees" else ana.id, home, name)
        stored = objects.get(c, inside.id, asked.name, most_octets=most) if inside and asked.name else None
        assert found is not None
        assert (found.credential, found.owner) == credentials.with_owner(c, "k7mqx")
        assert (found.collection, found.object) == (inside, stored)
    with filled.write() as c:
        assert held_sight.look(c, "k7mqx", asked, most_octets=most) == found


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_who_waited_for_the_collection_sees_the_object_that_came_meanwhile(filled: Database, now: Moment) -> None:
    asked = resource("/ana/calendars/team/1.ics")

    def look() -> sight.Sight | None:
        with filled.write() as c:
            return held_sight.look(c, "k7mqx", asked)

    with ThreadPoolExecutor(1) as pool:
        with filled.write() as c:
            held = held_sight.look(c, "k7mqx", asked)
            assert held is not None
            assert held.collection is not None
            second = pool.submit(look)
            while not _somebody_waits(filled):
                time.sleep(0.01)
            stored = objects.put(c, held.collection.id, NewObject("1.ics", "1.ics", "VEVENT", b"newer"), now)
            assert not second.done()
        seen = second.result(10)
    assert seen is not None
    assert seen.collection is not None
    assert seen.object == stored
    assert seen.collection.change == stored.change


def _somebody_waits(database: Database) -> bool:
    with database.read() as c:
        return bool(c.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def test_without_the_credential_nothing_is_seen(filled: Database) -> None:
    with filled.read_once() as c:
        assert sight.look(c, "zzzzz", resource("/ana/calendars/team/1.ics")) is None
    with filled.write() as c:
        assert held_sight.look(c, "zzzzz", resource("/ana/calendars/team/1.ics")) is None


@pytest.mark.parametrize("path", ["/ana/calendars/team/", "/ana/contacts/employees/"])
def test_what_changed_is_what_the_changes_since_tell(filled: Database, ana: Account, now: Moment, path: str) -> None:
    home, name = AT[path]
    with filled.write() as c:
        inside = collections.find(c, None if name == "employees" else ana.id, home, name)
        assert inside is not None
        for number in range(5):
            objects.put(c, inside.id, NewObject(f"n{number}.ics", f"n{number}", "VEVENT", b"octets"), now)
        for number in (1, 3):
            objects.remove(c, inside.id, f"n{number}.ics", now)
        objects.put(c, inside.id, NewObject("n0.ics", "n0", "VEVENT", b"other"), now)
    with filled.read() as c:
        inside = collections.get(c, inside.id)
        assert inside is not None
        for since in range(inside.change + 1):
            changed, removed = objects.changes_since(c, inside, since)
            heads = sorted(objects.get_many(c, inside.id, changed, octets=False))
            found = sight.look(c, "k7mqx", resource(path), since=since)
            assert found is not None
            assert (found.collection, found.changes) == (inside, Changes(since, heads, removed))
        assert sight.look(c, "zzzzz", resource(path), since=0) is None


def test_many_changes_are_not_told(filled: Database, calendar: Collection, now: Moment) -> None:
    with filled.write() as c:
        for number in range(MOST_CHANGES):
            objects.put(c, calendar.id, NewObject(f"n{number}.ics", f"n{number}", "VEVENT", b"octets"), now)
    with filled.read_once() as c:
        found = sight.look(c, "k7mqx", resource("/ana/calendars/team/"), since=0)
        assert found is not None
        assert (found.collection and found.collection.name, found.changes) == ("team", None)
        found = sight.look(c, "k7mqx", resource("/ana/calendars/team/"), since=1)
        assert found is not None
        assert found.changes is not None
        assert len(found.changes.changed) == MOST_CHANGES
