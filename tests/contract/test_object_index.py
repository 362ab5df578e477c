"""The index of objects: its rows belong to their objects, and every range finds those that lie in it."""

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.store import card_lines, collections, migration, object_index, objects, occurrence_rows
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database, open_database
from dav_gateway.store.object_index import Lesson
from dav_gateway.store.object_rows import ALWAYS, UNKNOWN, CardLine, OccurrenceRow
from dav_gateway.store.object_tables import card_line, collection, object_, occurrence
from dav_gateway.store.objects import NewObject
from dav_gateway.store.schema import account

T1 = Moment(1_790_000_000_001)
DAY = 86_400
MEETING = (OccurrenceRow(100, 200), OccurrenceRow(5 * DAY, 40 * DAY, "[1]"))
YEAR = [(0, 366 * DAY)]


def new(name: str, rows: tuple[OccurrenceRow, ...] | None = MEETING, octets: bytes = b"x") -> NewObject:
    return NewObject(name, f"uid-{name}", "VEVENT", octets, occurrences=rows)


def kept(c: Connection, inside: Collection, start: int = -(2**50), end: int = 2**50) -> list[tuple[object, ...]]:
    found = occurrence_rows.touching(c, inside.id, start, end, YEAR, octets=False)
    return sorted((name, starts, ends, detail) for starts, ends, detail, name, *_ in found)


def rows_of(name: str, rows: tuple[OccurrenceRow, ...] = MEETING) -> list[tuple[object, ...]]:
    return [(name, row.starts, row.ends, row.detail) for row in rows]


@pytest.fixture
def other(database: Database, ana: Account) -> Collection:
    with database.write() as c:
        return collections.create(
            c, account_id=ana.id, home="calendars", name="other", components=[], properties={}, now=T1
        )


def test_rows_go_where_their_object_goes(database: Database, calendar: Collection, other: Collection) -> None:
    with database.write() as c:
        objects.put(c, calendar.id, new("a"), T1)
        objects.put_many(c, calendar.id, [new("b"), new("c", ())], T1)
        assert kept(c, calendar) == rows_of("a") + rows_of("b")
        objects.put(c, calendar.id, new("a", (OccurrenceRow(7, 8),)), T1)
        assert kept(c, calendar) == [("a", 7, 8, None), *rows_of("b")]
        objects.move(c, calendar.id, "b", other.id, "moved", T1)
        assert kept(c, calendar) == [("a", 7, 8, None)]
        assert kept(c, other) == rows_of("moved")
        objects.move(c, calendar.id, "a", other.id, "moved", T1)
        assert kept(c, other) == [("moved", 7, 8, None)]
        objects.remove(c, other.id, "moved", T1)
        assert kept(c, other) == []


def test_a_copied_collection_has_rows_of_its_own(database: Database, calendar: Collection, other: Collection) -> None:
    card = NewObject("card", "card", "VCARD", b"x", lines=(CardLine("FN", "ana"),))
    with database.write() as c:
        objects.put_many(c, calendar.id, [new("a"), card], T1)
        objects.copy_all(c, calendar.id, other.id, T1)
        collections.remove(c, calendar.id)
        assert kept(c, other) == rows_of("a")
        assert [line for line, _ in card_lines.containing(c, other.id, [("FN", "n")])] == [("FN", "ana")]
        assert c.execute(select(occurrence.c.name).where(occurrence.c.collection_id == calendar.id)).all() == []


def test_an_object_without_rows_of_its_own_is_unknown(database: Database, calendar: Collection) -> None:
    with database.write() as c:
        objects.put(c, calendar.id, new("a", None), T1)
        objects.put(c, calendar.id, NewObject("b", "b", "VCARD", b"x"), T1)
        assert kept(c, calendar, 5, 6) == [("a", *ALWAYS, UNKNOWN)]
        assert [(line.property, one.name) for line, one in card_lines.containing(c, calendar.id, [])] == [("?", "b")]


def test_a_lesson_counts_no_change_and_is_of_the_object_as_it_is(database: Database, calendar: Collection) -> None:
    with database.write() as c:
        first, second, _ = objects.put_many(c, calendar.id, [new(name, None) for name in "abc"], T1)
        objects.put(c, calendar.id, new("b", None, b"other"), T1)
        before = collections.get(c, calendar.id)
    with database.write() as c:
        lessons = [Lesson(name, etag, MEETING) for name, etag in (("a", first.etag), ("b", second.etag), ("gone", "e"))]
        object_index.learn(c, calendar.id, lessons)
    with database.read() as c:
        assert kept(c, calendar, 150, 160) == [rows_of("a")[0], *((name, *ALWAYS, UNKNOWN) for name in "bc")]
        assert collections.get(c, calendar.id) == before


def test_card_lines_are_searched_for_the_text_as_it_is(database: Database, calendar: Collection) -> None:
    lines = {"a": "100% ana_x", "b": "100 ana-x", "c": "back\\slash ☕"}
    with database.write() as c:
        for name, value in lines.items():
            card = NewObject(name, name, "VCARD", b"x", lines=(CardLine("FN", value), CardLine("ORG", "100% ana_x")))
            objects.put(c, calendar.id, card, T1)
        for text, found in [
            ("0% a", "a"),
            ("ana_x", "a"),
            ("\\s", "c"),
            ("☕", "c"),
            ("100", "ab"),
            ("x" * 99_999, ""),
        ]:
            assert sorted(one.name for _, one in card_lines.containing(c, calendar.id, [("FN", text)])) == list(found)


lengths = st.one_of(st.integers(0, 3), *(st.integers(n - 2, n + 2) for n in occurrence_rows.LENGTHS), st.just(2**50))
spans = st.tuples(st.integers(-600, 600).map(lambda days: days * DAY), st.integers(-2, 2), lengths)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(of_rows=st.lists(spans, max_size=12), asked=st.lists(spans, min_size=1, max_size=4))
def test_a_range_finds_the_rows_in_it(
    database: Database, calendar: Collection, of_rows: list[tuple[int, int, int]], asked: list[tuple[int, int, int]]
) -> None:
    rows = {str(n): (OccurrenceRow(day + off, day + off + length),) for n, (day, off, length) in enumerate(of_rows)}
    with database.write() as c:
        for name in {one.name for one in objects.every(c, calendar.id)} - set(rows):
            objects.remove(c, calendar.id, name, T1)
        objects.put_many(c, calendar.id, [new(name, own) for name, own in rows.items()], T1)
        for day, off, length in asked:
            start, end = day + off, day + off + max(length, 1)
            wanted = sorted(name for name, [row] in rows.items() if row.starts < end and row.ends > start)
            assert [name for name, *_ in kept(c, calendar, start, end)] == wanted


def test_the_longest_of_each_class_is_found_to_its_last_second(database: Database, calendar: Collection) -> None:
    with database.write() as c:
        for length in occurrence_rows.LENGTHS:
            for each in (length - 1, length, length + 1):
                objects.put(c, calendar.id, new("x", (OccurrenceRow(0, each),)), T1)
                found = [len(kept(c, calendar, start, start + 1)) for start in (-1, 0, each - 1, each)]
                assert found == [0, 1, 1, 0]


def test_seasons_find_what_comes_back_every_year(database: Database, calendar: Collection) -> None:
    with database.write() as c:
        for name, day in (("january", 5), ("june", 160), ("december", 360)):
            objects.put(c, calendar.id, new(name, (OccurrenceRow(day * DAY, day * DAY + 9, "[1]", yearly=True),)), T1)
        for seasons, found in [
            ([(0, 366 * DAY)], ["december", "january", "june"]),
            ([(150 * DAY, 170 * DAY)], ["june"]),
            ([(355 * DAY, 366 * DAY), (0, 20 * DAY)], ["december", "january"]),
        ]:
            rows = occurrence_rows.touching(c, calendar.id, 0, 1, seasons, octets=True)
            assert sorted(row[3] for row in rows) == found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_searches_the_key_for_a_range(database: Database, calendar: Collection) -> None:
    with database.read() as c:
        sent: list[str] = []
        c.connection.driver_connection.set_trace_callback(sent.append)  # type: ignore[union-attr]
        kept(c, calendar, 5, 6)
        c.connection.driver_connection.set_trace_callback(None)  # type: ignore[union-attr]
        [statement] = [each for each in sent if "occurrence" in each]
        steps = [step for *_, step in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    assert (
        sum("SEARCH occurrence USING PRIMARY KEY (collection_id=? AND reach=? AND starts" in step for step in steps)
        == 7
    )
    assert any("SEARCH object" in step for step in steps)
    assert not any("SCAN object" in step or "AUTOMATIC" in step for step in steps)


def test_objects_of_before_are_unknown_after_the_upgrade(empty_database_url: str) -> None:
    database = open_database(empty_database_url)
    with database.migrate() as c:
        command.upgrade(migration._config(c), "0007")
    with database.write() as c:
        person = {
            "name": "ana",
            "email": "a@example.org",
            "display_name": "Ana",
            "admin": False,
            "active": True,
            "language": "en",
            "phones": "[]",
            "title": "",
            "department": "",
            "provisioned": True,
            "created_at": 1,
        }
        [owner] = c.execute(insert(account).values(person).returning(account.c.id)).scalars()
        inside = {
            "account_id": owner,
            "home": "calendars",
            "name": "c",
            "incarnation": "i",
            "components": "",
            "properties": "{}",
            "change": 1,
            "oldest": 0,
            "created_at": 1,
            "modified_at": 1,
            "size": 2,
        }
        [made] = c.execute(insert(collection).values(inside).returning(collection.c.id)).scalars()
        for component in ("VEVENT", "VCARD"):
            row = {
                "collection_id": made,
                "name": component,
                "uid": component,
                "etag": "e",
                "component": component,
                "size": 1,
                "change": 1,
                "modified_at": 1,
                "octets": b"x",
            }
            c.execute(insert(object_).values(row))
    migration.upgrade(database)
    with database.read() as c:
        [row] = c.execute(select(occurrence)).all()
        assert row._asdict() == {
            "collection_id": made,
            "reach": occurrence_rows.ENDLESS,
            "starts": ALWAYS[0],
            "name": "VEVENT",
            "part": 0,
            "ends": ALWAYS[1],
            "detail": UNKNOWN,
        }
        [line] = c.execute(select(card_line)).all()
        assert line._asdict() == {"collection_id": made, "property": UNKNOWN, "name": "VCARD", "part": 0, "value": ""}
    database.dispose()
