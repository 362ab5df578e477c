"""Objects: the octets come back as they went in, a UID is there once, and whatever is refused changes nothing."""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy import event as events

from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import Moment
from dav_gateway.store import collections, objects, occurrence_rows
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database
from dav_gateway.store.errors import UidConflict
from dav_gateway.store.object_reads import LARGE
from dav_gateway.store.object_rows import OccurrenceRow
from dav_gateway.store.objects import NewObject, StoredObject

MakeEvent = Callable[..., NewObject]
T1, T2 = Moment(1_790_000_000_001), Moment(1_790_000_000_002)


def test_octets_come_back_as_they_went_in(database: Database, calendar: Collection) -> None:
    octets = bytes(range(256)) * 5000
    new = NewObject("é ☕.ics", "uid\u2028x", "VTODO", octets, starts=-(2**40), ends=2**40)
    with database.write() as c:
        stored = objects.put(c, calendar.id, new, T1)
    assert stored == StoredObject(
        name=new.name,
        uid=new.uid,
        etag=f'"{blake2b(octets, digest_size=16).hexdigest()}"',
        component="VTODO",
        size=len(octets),
        starts=-(2**40),
        ends=2**40,
        change=1,
        modified_at=T1,
        octets=octets,
    )
    with database.read() as c:
        assert objects.get(c, calendar.id, new.name) == stored
        assert objects.get(c, calendar.id, "e ☕.ics") is None
        assert objects.get(c, calendar.id + 1, new.name) is None


def test_put_counts_one_change_and_replaces(database: Database, calendar: Collection, event: MakeEvent) -> None:
    with database.write() as c:
        first = objects.put(c, calendar.id, event("a", starts=1, ends=2), T1)
        other = objects.put(c, calendar.id, event("b"), T1)
        second = objects.put(c, calendar.id, event("a", octets=b"new", uid="new uid"), T2)
    assert (first.change, other.change, second.change) == (1, 2, 3)
    assert (second.starts, second.ends, second.size, second.modified_at) == (None, None, 3, T2)
    with database.read() as c:
        assert list(objects.every(c, calendar.id)) == [second, other]
        after = collections.get(c, calendar.id)
        assert after is not None
        assert (after.change, after.modified_at) == (3, T2)


def test_put_into_a_collection_that_is_gone(database: Database, calendar: Collection, event: MakeEvent) -> None:
    with pytest.raises(NotFound), database.write() as c:
        objects.put(c, calendar.id + 1, event("a"), T1)


def test_a_second_object_of_a_uid_is_refused_naming_the_first(
    database: Database, calendar: Collection, event: MakeEvent
) -> None:
    with database.write() as c:
        objects.put(c, calendar.id, event("a", uid="same"), T1)
        objects.put(c, calendar.id, event("b"), T1)
    before = _state(database, calendar)
    for name in ("c", "b"):
        with pytest.raises(UidConflict) as refused, database.write() as c:
            objects.put(c, calendar.id, event(name, uid="same"), T2)
        assert refused.value.holder == "a"
    assert _state(database, calendar) == before


def test_the_constraint_stands_behind_the_guard(database: Database, calendar: Collection, event: MakeEvent) -> None:
    with database.write() as c:
        objects.put(c, calendar.id, event("a", uid="same"), T1)
    with pytest.raises(Exception, match=r"(?i)unique"), database.write() as c:
        c.exec_driver_sql(
            "INSERT INTO object SELECT collection_id, 'b', uid, etag, component, size, starts, ends, change,"
            " modified_at, octets FROM object"
        )


def test_the_same_uid_in_another_collection_is_fine(
    database: Database, ana: Account, calendar: Collection, event: MakeEvent
) -> None:
    with database.write() as c:
        second = _second(c, ana)
        objects.put(c, calendar.id, event("a", uid="same"), T1)
        objects.put(c, second.id, event("a", uid="same"), T1)
        assert objects.count(c, calendar.id) == objects.count(c, second.id) == 1


def test_put_many_is_one_change(database: Database, calendar: Collection, event: MakeEvent) -> None:
    with database.write() as c:
        stored = objects.put_many(c, calendar.id, [event(name) for name in "abc"], T1)
        assert [one.change for one in stored] == [1, 1, 1]
        assert list(objects.every(c, calendar.id)) == stored
        assert objects.put_many(c, calendar.id, [], T1) == []
    with pytest.raises(UidConflict), database.write() as c:
        objects.put_many(c, calendar.id, [event("d"), event("e", uid="uid-of-a")], T1)
    with database.read() as c:
        assert objects.get(c, calendar.id, "d") is None


def test_remove_once(database: Database, calendar: Collection, event: MakeEvent) -> None:
    with database.write() as c:
        objects.put(c, calendar.id, event("a"), T1)
        objects.put(c, calendar.id, event("b"), T1)
        assert objects.remove(c, calendar.id, "a", T2)
        assert not objects.remove(c, calendar.id, "a", T2)
        assert not objects.remove(c, calendar.id + 1, "b", T2)
        assert [one.name for one in objects.every(c, calendar.id)] == ["b"]
        after = collections.get(c, calendar.id)
        assert after is not None
        assert (after.change, after.modified_at) == (3, T2)
        objects.put(c, calendar.id, event("c", uid="uid-of-a"), T2)


def test_reading_some_and_all(database: Database, calendar: Collection, event: MakeEvent) -> None:
    with database.write() as c:
        stored = [objects.put(c, calendar.id, event(f"{number:04}"), T1) for number in range(1203)]
    heads = [one._replace(octets=b"") for one in stored]
    with database.read() as c:
        assert list(objects.every(c, calendar.id)) == stored
        assert list(objects.every(c, calendar.id, octets=False)) == heads
        names = [one.name for one in stored]
        wanted = [*reversed(names), "missing", names[0]]
        assert sorted(objects.get_many(c, calendar.id, wanted)) == stored
        assert sorted(objects.get_many(c, calendar.id, wanted, octets=False)) == heads
        assert objects.get_many(c, calendar.id, []) == []
        assert objects.count(c, calendar.id) == 1203
        # A reader may ask other things while it goes through the objects.
        assert all(objects.get(c, calendar.id, one.name) == one for one in objects.every(c, calendar.id))


def test_total_size_is_the_accounts(database: Database, ana: Account, calendar: Collection, event: MakeEvent) -> None:
    with database.write() as c:
        assert collections.total_size(c, ana.id) == 0
        objects.put(c, calendar.id, event("a", octets=b"12345"), T1)
        objects.put(c, _second(c, ana).id, event("a", octets=b"123"), T1)
        assert collections.total_size(c, ana.id) == 8
        assert collections.total_size(c, ana.id + 1) == 0


def test_move_to_another_collection(database: Database, ana: Account, calendar: Collection, event: MakeEvent) -> None:
    with database.write() as c:
        second = _second(c, ana)
        stored = objects.put(c, calendar.id, event("a"), T1)
        objects.put(c, second.id, event("b"), T1)
        moved = objects.move(c, calendar.id, "a", second.id, "z", T2)
        assert moved == stored._replace(name="z", change=2)
        assert objects.get(c, calendar.id, "a") is None
        assert objects.get(c, second.id, "z") == moved
        counters = [each.change for each in collections.lock(c, [calendar.id, second.id])]
        assert counters == [2, 2]


def test_move_within_a_collection(database: Database, calendar: Collection, event: MakeEvent) -> None:
    with database.write() as c:
        stored = objects.put(c, calendar.id, event("a"), T1)
        moved = objects.move(c, calendar.id, "a", calendar.id, "b", T2)
        assert moved == stored._replace(name="b", change=2)
        assert list(objects.every(c, calendar.id)) == [moved]
        assert objects.move(c, calendar.id, "b", calendar.id, "b", T2) == moved
        after = collections.get(c, calendar.id)
        assert after is not None
        assert after.change == 2


@pytest.mark.parametrize("uid", ["uid-of-a", "uid-of-b"])
def test_move_replaces_its_target(
    database: Database, ana: Account, calendar: Collection, event: MakeEvent, uid: str
) -> None:
    with database.write() as c:
        second = _second(c, ana)
        objects.put(c, calendar.id, event("a"), T1)
        objects.put(c, second.id, event("b", uid=uid), T1)
        moved = objects.move(c, calendar.id, "a", second.id, "b", T2)
        assert list(objects.every(c, second.id)) == [moved]
        assert moved.uid == "uid-of-a"
        here = objects.put(c, second.id, event("c"), T2)
        assert objects.move(c, second.id, "c", second.id, "b", T2).uid == here.uid
        assert objects.count(c, second.id) == 1


def test_move_is_refused_where_a_third_object_has_the_uid(
    database: Database, ana: Account, calendar: Collection, event: MakeEvent
) -> None:
    with database.write() as c:
        second = _second(c, ana)
        objects.put(c, calendar.id, event("a", uid="same"), T1)
        objects.put(c, second.id, event("target"), T1)
        objects.put(c, second.id, event("third", uid="same"), T1)
    before = _state(database, calendar), _state(database, second)
    with pytest.raises(UidConflict) as refused, database.write() as c:
        objects.move(c, calendar.id, "a", second.id, "target", T2)
    assert refused.value.holder == "third"
    with pytest.raises(NotFound), database.write() as c:
        objects.move(c, calendar.id, "missing", second.id, "target", T2)
    with pytest.raises(NotFound), database.write() as c:
        objects.move(c, calendar.id, "a", second.id + 1, "target", T2)
    assert (_state(database, calendar), _state(database, second)) == before


def _second(c: Connection, owner: Account) -> Collection:
    return collections.create(
        c, account_id=owner.id, home="calendars", name="second", components=[], properties={}, now=T1
    )


def _state(database: Database, inside: Collection) -> tuple[Collection | None, list[StoredObject]]:
    with database.read() as c:
        return collections.get(c, inside.id), list(objects.every(c, inside.id))


def test_a_whole_collection_is_copied_as_one_change(
    database: Database, ana: Account, calendar: Collection, event: MakeEvent
) -> None:
    with database.write() as c:
        objects.put_many(c, calendar.id, [event("a"), event("b")], T1)
        other = collections.create(
            c, account_id=ana.id, home="calendars", name="copy", components=(), properties={}, now=T1
        )
        objects.copy_all(c, calendar.id, other.id, T1)
    with database.read() as c:
        first, second = (list(objects.every(c, each.id)) for each in (calendar, other))
        assert [each._replace(change=0) for each in first] == [each._replace(change=0) for each in second]
        copied = collections.get(c, other.id)
        assert copied is not None
        assert {each.change for each in second} == {copied.change} == {1}
        assert copied.size == sum(each.size for each in second)


def test_large_objects_are_read_one_by_one(database: Database, calendar: Collection, event: MakeEvent) -> None:
    """Hundreds of rows are fetched at once; with ten megabytes in each they would be gigabytes."""
    always = (OccurrenceRow(0, 10, None), OccurrenceRow(5, 15, None))
    with database.write() as c:
        stored = [
            objects.put(c, calendar.id, event(name, octets=b"x" * size, occurrences=always), T1)
            for name, size in (("a", 10), ("b", LARGE + 1), ("c", LARGE + 2), ("d", LARGE))
        ]
    names = [one.name for one in stored]
    readings: list[tuple[Callable[[Connection], Iterable[Any]], list[Any]]] = [
        (lambda c: objects.every(c, calendar.id), stored),
        (lambda c: objects.each_of(c, calendar.id, names), stored),
        (lambda c: objects.listing(c, calendar.id, ("octets", "etag")), [(o.name, o.octets, o.etag) for o in stored]),
    ]
    with database.read() as c:
        rows = objects.short_listing(c, calendar.id, ("octets",), 9)
        assert sorted(map(tuple, rows)) == [(one.name, one.octets) for one in stored]
    with database.read() as c:
        statements: list[str] = []
        events.listen(c, "before_cursor_execute", lambda *given: statements.append(given[2]))
        for read, expected in readings:
            statements.clear()
            assert sorted(map(tuple, read(c))) == sorted(map(tuple, expected))
            assert len(statements) == 3
        short = objects.get_many(c, calendar.id, names)
        assert {one.name: len(one.octets) for one in short} == {"a": 10, "b": 0, "c": 0, "d": LARGE}
        assert sorted(filter(None, (objects.whole(c, calendar.id, one) for one in short))) == stored
        rows = occurrence_rows.touching(c, calendar.id, 0, 20, [(0, 1)], octets=True)
        assert max(len(row[-1]) for row in rows) == LARGE
        assert objects.whole(c, calendar.id, short[0]._replace(name="gone", octets=b"", size=LARGE + 1)) is None
