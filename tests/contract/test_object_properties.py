"""Dead properties of objects: their row belongs to the object, and no entity tag or counter moves with it."""

import pytest
from sqlalchemy.exc import IntegrityError

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.store import collections, object_properties, objects
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database
from dav_gateway.store.objects import KEPT, NewObject

T1 = Moment(1_790_000_000_001)
ONE, TWO = {"{urn:a}b": "é ☕"}, {"D:displayname": "x", "xml:{urn:a}c": "<c xmlns='urn:a'><d/></c>"}


def new(name: str, octets: bytes = b"x") -> NewObject:
    return NewObject(name, f"uid-{name}", "VEVENT", octets)


@pytest.fixture
def other(database: Database, ana: Account) -> Collection:
    with database.write() as c:
        return collections.create(
            c, account_id=ana.id, home="calendars", name="other", components=[], properties={}, now=T1
        )


def test_they_go_where_their_object_goes(database: Database, calendar: Collection, other: Collection) -> None:
    """RFC 4918 sections 9.6.1, 9.7.1 and 9.9.1."""
    with database.write() as c:
        objects.put_many(c, calendar.id, [new("a"), new("b"), new("c")], T1)
        for name, kept in (("a", ONE), ("b", TWO)):
            object_properties.replace(c, calendar.id, name, kept)
        assert object_properties.of_many(c, calendar.id, "abcd") == {"a": ONE, "b": TWO}
        objects.put(c, calendar.id, new("a", b"other"), T1)
        assert object_properties.of(c, calendar.id, "a") == ONE
        objects.move(c, calendar.id, "a", other.id, "moved", T1)
        assert object_properties.of(c, calendar.id, "a") == {}
        assert object_properties.of(c, other.id, "moved") == ONE
        objects.move(c, calendar.id, "c", other.id, "moved", T1)
        assert object_properties.of(c, other.id, "moved") == {}
        objects.remove(c, calendar.id, "b", T1)
        objects.put(c, calendar.id, new("b"), T1)
        assert object_properties.of(c, calendar.id, "b") == {}


def test_a_copy_has_those_of_the_original_and_its_own_from_then_on(
    database: Database, calendar: Collection, other: Collection
) -> None:
    """RFC 4918 section 9.8.2."""
    with database.write() as c:
        objects.put_many(c, calendar.id, [new("a"), new("b")], T1)
        objects.put(c, other.id, new("x"), T1)
        object_properties.replace(c, other.id, "x", TWO)
        object_properties.replace(c, calendar.id, "a", ONE)
        object_properties.copy(c, calendar.id, "a", other.id, "x")
        assert object_properties.of(c, other.id, "x") == ONE
        object_properties.replace(c, calendar.id, "a", {})
        assert object_properties.of(c, other.id, "x") == ONE
        object_properties.copy(c, calendar.id, "a", other.id, "x")
        assert object_properties.of(c, other.id, "x") == {}


def test_a_copied_collection_and_a_deleted_one(database: Database, calendar: Collection, other: Collection) -> None:
    with database.write() as c:
        objects.put_many(c, calendar.id, [new("a"), new("b")], T1)
        object_properties.replace(c, calendar.id, "a", ONE)
        objects.copy_all(c, calendar.id, other.id, T1)
        collections.remove(c, calendar.id)
        assert object_properties.of(c, calendar.id, "a") == {}
        assert object_properties.of_many(c, other.id, "ab") == {"a": ONE}


def test_they_change_no_entity_tag_and_no_counter(database: Database, calendar: Collection) -> None:
    with database.write() as c:
        objects.put(c, calendar.id, new("a"), T1)
    with database.read() as c:
        before = collections.get(c, calendar.id), objects.get(c, calendar.id, "a")
    with database.write() as c:
        object_properties.replace(c, calendar.id, "a", ONE)
        object_properties.replace(c, calendar.id, "a", TWO)
    with database.read() as c:
        assert (collections.get(c, calendar.id), objects.get(c, calendar.id, "a")) == before
        assert object_properties.of(c, calendar.id, "a") == TWO


def test_a_listing_reads_them_where_they_are_asked_for(database: Database, calendar: Collection) -> None:
    with database.write() as c:
        objects.put_many(c, calendar.id, [new("a"), new("b"), new("c")], T1)
        object_properties.replace(c, calendar.id, "b", TWO)
        rows = list(objects.listing(c, calendar.id, ("size", KEPT)))
        assert [(name, size, object_properties.read(kept)) for name, size, kept in rows] == [
            ("a", 1, {}), ("b", 1, TWO), ("c", 1, {}),
        ]  # fmt: skip
        assert [tuple(row) for row in objects.listing(c, calendar.id, ("size",))] == [("a", 1), ("b", 1), ("c", 1)]


def test_their_size_is_the_accounts(database: Database, ana: Account, calendar: Collection, other: Collection) -> None:
    with database.write() as c:
        assert object_properties.total_size(c, ana.id) == 0
        objects.put(c, calendar.id, new("a"), T1)
        objects.put(c, other.id, new("a"), T1)
        object_properties.replace(c, calendar.id, "a", TWO)
        object_properties.replace(c, calendar.id, "a", ONE)
        object_properties.replace(c, other.id, "a", TWO)
        sizes = object_properties.size(ONE), object_properties.size(TWO)
        assert sizes == (len('{"{urn:a}b":"é ☕"}'.encode()), object_properties.size(TWO))
        assert object_properties.total_size(c, ana.id) == sum(sizes)
        assert object_properties.total_size(c, ana.id + 1) == 0
        objects.remove(c, other.id, "a", T1)
        assert object_properties.total_size(c, ana.id) == sizes[0]


def test_there_are_none_without_an_object(database: Database, calendar: Collection) -> None:
    with pytest.raises(IntegrityError), database.write() as c:
        object_properties.replace(c, calendar.id, "nothing", ONE)
