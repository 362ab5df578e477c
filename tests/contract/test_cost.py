"""What a request costs does not grow with the collection: the same statements, each of which reads the same few rows.

Statements are those that SQLAlchemy sends; rows are told by the engines themselves: SQLite counts the instructions of
its virtual machine and names the index of every step, PostgreSQL counts the rows that each node of the plan looked at.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, update

from dav_gateway.core.credential import Credential
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Kind, Resource, Scope
from dav_gateway.store import accounts, collections, credentials, held_sight, objects, sight
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database
from dav_gateway.store.object_tables import collection, object_, tombstone
from dav_gateway.store.objects import NewObject

SMALL, LARGE = 10, 10_000
T1 = Moment(1_790_000_000_001)
REPLACED = NewObject("5.ics", "uid5", "VEVENT", b"new", 5, 6)
ADDED = NewObject("new.ics", "new", "VEVENT", b"new", 5, 6)


@dataclass(frozen=True)
class Sides:
    """The same collection twice: with few objects and with many; each with as many tombstones."""

    small: Collection
    large: Collection


def _at(inside: Collection, name: str = "") -> Resource:
    return Resource(Kind.OBJECT if name else Kind.COLLECTION, "", Scope(inside.home), inside.name, name)


Operation = Callable[[Connection, Collection], object]
OPERATIONS: dict[str, tuple[int, Operation]] = {
    "verify": (1, lambda c, _: credentials.with_owner(c, "k7mqx")),
    "see a collection": (1, lambda c, inside: sight.look(c, "k7mqx", _at(inside))),
    "see an object": (1, lambda c, inside: sight.look(c, "k7mqx", _at(inside, "5.ics"))),
    "see what changed": (1, lambda c, inside: sight.look(c, "k7mqx", _at(inside), since=inside.change - 1)),
    "poll": (1, lambda c, inside: collections.find(c, inside.account_id, inside.home, inside.name)),
    "lock": (1, lambda c, inside: collections.lock(c, [inside.id])),
    "see and hold a collection": (1, lambda c, inside: held_sight.look(c, "k7mqx", _at(inside))),
    "see and hold an object": (2, lambda c, inside: held_sight.look(c, "k7mqx", _at(inside, "5.ics"))),
    "get": (1, lambda c, inside: objects.get(c, inside.id, "5.ics")),
    "get nothing": (1, lambda c, inside: objects.get(c, inside.id, "nothing.ics")),
    "multiget": (1, lambda c, inside: objects.get_many(c, inside.id, ["1.ics", "5.ics"])),
    "replace": (4, lambda c, inside: objects.put(c, inside.id, REPLACED, T1)),
    "add": (3, lambda c, inside: objects.put(c, inside.id, ADDED, T1)),
    "add what was deleted": (4, lambda c, inside: objects.put(c, inside.id, replace(ADDED, name="gone5.ics"), T1)),
    "remove": (3, lambda c, inside: objects.remove(c, inside.id, "5.ics", T1)),
    "remove nothing": (1, lambda c, inside: objects.remove(c, inside.id, "nothing.ics", T1)),
    "move": (7, lambda c, inside: objects.move(c, inside.id, "5.ics", inside.id, "moved.ics", T1)),
    "sync, nothing new": (0, lambda c, inside: objects.changes_since(c, inside, inside.change)),
    "sync, one object": (1, lambda c, inside: objects.changes_since(c, inside, inside.change - 1)),
    "properties": (1, lambda c, inside: collections.set_properties(c, inside.id, {"D:displayname": "x"}, T1)),
}
ROWS = 5
"""The most that any one statement of these may look at: its own row, its uniqueness, its collection."""


@pytest.fixture
def sides(database: Database, issue: Callable[..., Credential]) -> Sides:
    """Both collections, filled."""
    issued = issue()
    owner = issued.account_id
    with database.write() as c:
        for number in range(LARGE // 10):
            other = accounts.add(c, name=f"a{number}", email=f"a{number}@example.org", display_name="A", now=T1)
            credentials.add(c, replace(issued, id=f"{number:05}", account_id=other.id))
        small = _filled(c, owner, "small", SMALL)
        large = _filled(c, owner, "large", LARGE)
        c.exec_driver_sql("ANALYZE")
    return Sides(small, large)


def _filled(c: Connection, owner: int, name: str, size: int) -> Collection:
    made = collections.create(
        c, account_id=owner, home="calendars", name=name, components=["VEVENT"], properties={}, now=T1
    )
    gone = {"collection_id": made.id}
    row = gone | {"etag": '"e"', "component": "VEVENT", "size": 300, "modified_at": T1, "octets": b"x" * 300}
    c.execute(insert(tombstone), [gone | {"name": f"gone{number}.ics", "change": number + 1} for number in range(size)])
    c.execute(
        insert(object_),
        [
            row | {"name": f"{n}.ics", "uid": f"uid{n}", "change": n + 1, "starts": n, "ends": n + 1}
            for n in range(size)
        ],
    )
    c.execute(update(collection).where(collection.c.id == made.id).values(change=size))
    collections.set_properties(c, made.id, {}, T1)
    objects.put(c, made.id, NewObject("last.ics", "last", "VEVENT", b"x"), T1)
    found = collections.get(c, made.id)
    assert found is not None
    return found


def test_the_same_statements(database: Database, sides: Sides) -> None:
    for name, (most, operation) in OPERATIONS.items():
        small = _statements(database, operation, sides.small)
        large = _statements(database, operation, sides.large)
        assert [statement for statement, _ in small] == [statement for statement, _ in large], name
        assert len(large) == most, name


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_does_the_same_work(database: Database, sides: Sides) -> None:
    for name, (_, operation) in OPERATIONS.items():
        # The second pass: the first one also parses statements and reads the schema.
        small = [_instructions(database, operation, sides.small) for _ in range(2)][1]
        large = [_instructions(database, operation, sides.large) for _ in range(2)][1]
        assert large <= small * 1.2 + 10, name


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_searches_an_index_at_every_step(database: Database, sides: Sides) -> None:
    for name, (_, operation) in OPERATIONS.items():
        for statement, parameters in _statements(database, operation, sides.large):
            with _undone(database) as c:
                plan = c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            for *_, step in plan:
                assert not step.startswith("SCAN") or step == "SCAN CONSTANT ROW", (name, statement)
                assert "AUTOMATIC" not in step, (name, statement)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_postgres_looks_at_few_rows(database: Database, sides: Sides) -> None:
    for (name, (_, operation)), side in product(OPERATIONS.items(), (sides.small, sides.large)):
        sent = _statements(database, operation, side)
        with _undone(database) as c:
            for statement, parameters in sent:
                [[plan]] = c.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).all()
                assert _rows(plan[0]["Plan"]) <= ROWS, (name, statement)


def test_reading_much_is_one_statement(database: Database, sides: Sides) -> None:
    reads: list[Operation] = [
        lambda c, inside: list(objects.every(c, inside.id, octets=False)),
        lambda c, inside: list(objects.every(c, inside.id)),
    ]
    for read in reads:
        assert len(_statements(database, read, sides.large)) == 1


class _RolledBack(Exception):
    """Leaves a write without committing it."""


@contextmanager
def _undone(database: Database) -> Iterator[Connection]:
    try:
        with database.write() as c:
            yield c
            raise _RolledBack
    except _RolledBack:
        pass


def _statements(database: Database, operation: Operation, inside: Collection) -> list[tuple[str, Any]]:
    sent: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        sent.append((statement, parameters))

    with _undone(database) as c:
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            operation(c, inside)
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
    return sent


def _instructions(database: Database, operation: Operation, inside: Collection) -> int:
    done = 0

    def count() -> int:
        nonlocal done
        done += 1
        return 0

    with _undone(database) as c:
        driver = c.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(count, 1)
        try:
            operation(c, inside)
        finally:
            driver.set_progress_handler(None, 0)
    return done


def _rows(node: dict[str, Any]) -> int:
    """Rows that the scans below a node of a plan gave or threw away."""
    own = 0
    if "Scan" in node["Node Type"]:
        own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return round(own + sum(_rows(child) for child in node.get("Plans", [])))
