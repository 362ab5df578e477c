"""Invariant 8: what a poll, a sync, a PUT, a GET and a DELETE cost does not grow with the collection.

Counted, not timed: SQL statements, and the instructions of SQLite's machine (one for each row it steps over).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import Any

import pytest
from sqlalchemy import Engine, event

from dav_gateway.core.scope import Scope
from dav_gateway.store import collections, objects
from dav_gateway.store.database import Database
from dav_gateway.store.objects import NewObject
from tests.dav.support import Rig, calendar_object, rig_on

PATH = "/dav/ana/calendars/calendar/"
POLL = (
    b'<D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><D:prop><CS:getctag/><D:sync-token/></D:prop>'
    b"</D:propfind>"
)


def fill(rig: Rig, size: int) -> str:
    """A password that has written before, and a calendar with `size` events and one tombstone."""
    password = rig.password({Scope.CALENDARS})
    assert rig.request("PROPFIND", PATH, POLL, password=password, depth="0").status == 207
    assert rig.request("PUT", PATH + "old.ics", calendar_object("old"), password=password).status == 201
    assert rig.request("DELETE", PATH + "old.ics", password=password).status == 204
    with rig.services.database.write() as connection:
        calendar = collections.find(connection, 1, "calendars", "calendar")
        assert calendar is not None
        octets = calendar_object("x")
        new = [NewObject(f"{n}.ics", f"uid-{n}", "VEVENT", octets, n * 86_400, n * 86_400 + 3600) for n in range(size)]
        objects.put_many(connection, calendar.id, new, rig.services.clock())
    return password


@contextmanager
def listening(engine: Engine, listeners: Iterable[tuple[str, Callable[..., None]]]) -> Iterator[None]:
    """The listeners, each with the name of its event, until the end of the block."""
    with ExitStack() as ends:
        for name, listener in listeners:
            event.listen(engine, name, listener)
            ends.callback(event.remove, engine, name, listener)
        yield


@contextmanager
def counting(rig: Rig) -> Iterator[Counter[str]]:
    """Statements, and instructions of SQLite's virtual machine, until the end of the block."""
    counts: Counter[str] = Counter()
    engine = rig.services.database.engine
    seen: set[Any] = set()

    def instruction() -> int:
        counts["instructions"] += 1
        return 0

    def statement(c: Any, *_: Any) -> None:
        counts["statements"] += 1
        seen.add(c.connection.driver_connection)
        c.connection.driver_connection.set_progress_handler(instruction, 1)

    with listening(engine, [("before_cursor_execute", statement)]):
        try:
            yield counts
        finally:
            for connection in seen:
                connection.set_progress_handler(None, 0)


def asked_all_day(rig: Rig, password: str) -> list[tuple[str, str, str, bytes, int]]:
    """Name, method, path, body and status of requests, in an order that leaves the collection as it was but for the
    tombstone of a name that was never used."""
    first = rig.request("PROPFIND", PATH, POLL, password=password, depth="0")
    token = first.text_of("{DAV:}sync-token")
    new = f"{PATH}new-{token.rpartition(':')[2]}.ics"
    sync = (
        f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>'
        "<D:prop><D:getetag/></D:prop></D:sync-collection>"
    ).encode()
    return [
        ("poll", "PROPFIND", PATH, POLL, 207),
        ("get", "GET", PATH + "5.ics", b"", 200),
        ("sync, nothing changed", "REPORT", PATH, sync, 207),
        ("put new", "PUT", new, calendar_object("new"), 201),
        ("put again", "PUT", new, calendar_object("new", "SUMMARY:x"), 204),
        ("sync, one change", "REPORT", PATH, sync, 207),
        ("delete", "DELETE", new, b"", 204),
    ]


def costs(rig: Rig, password: str) -> dict[str, Counter[str]]:
    """What each request costs."""
    result = {}
    for name, method, path, body, status in asked_all_day(rig, password):
        with counting(rig) as counts:
            assert rig.request(method, path, body, password=password, depth="0").status == status
        result[name] = counts
    return result


def test_costs_do_not_grow_with_the_collection(rig: Rig) -> None:
    password = fill(rig, 10)
    small = costs(rig, password)
    fill(rig, 10_000)
    large = costs(rig, password)
    for name, counts in small.items():
        assert counts["statements"] > 0
        assert large[name]["statements"] == counts["statements"], name
        assert large[name]["instructions"] <= counts["instructions"] * 1.2 + 50, name


@pytest.mark.parametrize(
    ("name", "statements"), [("poll", 1), ("get", 1), ("sync, nothing changed", 1), ("sync, one change", 3)]
)
def test_statements_of_reading_requests(rig: Rig, name: str, statements: int) -> None:
    """One for the credential with its owner, the collection and the object; then one for each thing read."""
    assert costs(rig, fill(rig, 10))[name]["statements"] <= statements


@pytest.mark.parametrize(("name", "statements"), [("put new", 4), ("put again", 5), ("delete", 4)])
def test_statements_of_writing_requests(rig: Rig, name: str, statements: int) -> None:
    """The credential behind the lock, with the collection and the object; the count of the change, and what changes:
    a deleted object gets a tombstone. The index takes one for a new object, two for another."""
    assert costs(rig, fill(rig, 10))[name]["statements"] <= statements


def test_a_first_write_is_asked_for_in_front_of_the_lock_too(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    rig.request("PROPFIND", PATH, POLL, password=password, depth="0")
    with counting(rig) as counts:
        assert rig.request("PUT", PATH + "first.ics", calendar_object("first"), password=password).status == 201
    assert counts["statements"] == 5


OTHER = "/dav/ana/calendars/other/"
SYNC = b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>'
NAMED = b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>'
MULTIGET = b'<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop>'
QUERY = (
    b'<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/></D:prop><C:filter>'
    b'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="19700101T000000Z"'
    b' end="19700110T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
)
EVERY_KIND: dict[str, tuple[str, str, bytes, dict[str, str], int]] = {
    "home": ("PROPFIND", "/dav/ana/calendars/", b"", {"depth": "1"}, 207),
    "listing": ("PROPFIND", PATH, b"", {"depth": "1"}, 207),
    "poll": ("PROPFIND", PATH, POLL, {"depth": "0"}, 207),
    "first sync": ("REPORT", PATH, SYNC + b"</D:sync-collection>", {}, 207),
    "multiget": (
        "REPORT", PATH, MULTIGET + f"<D:href>{PATH}5.ics</D:href></C:calendar-multiget>".encode(), {}, 207,
    ),
    "query": ("REPORT", PATH, QUERY, {"depth": "1"}, 207),
    "get": ("GET", f"{PATH}5.ics", b"", {}, 200),
    "get collection": ("GET", PATH, b"", {}, 200),
    "put new": ("PUT", f"{PATH}new.ics", calendar_object("new"), {}, 201),
    "put again": ("PUT", f"{PATH}new.ics", calendar_object("new", "SUMMARY:x"), {}, 204),
    "put refused": ("PUT", f"{PATH}other.ics", calendar_object("new"), {}, 403),
    "make": ("MKCALENDAR", OTHER, b"", {}, 201),
    "properties": ("PROPPATCH", OTHER, NAMED + b"</D:propertyupdate>", {}, 207),
    "copy": ("COPY", f"{PATH}new.ics", b"", {"destination": f"https://dav.example.org{OTHER}new.ics"}, 201),
    "move": ("MOVE", f"{PATH}new.ics", b"", {"destination": f"https://dav.example.org{OTHER}new.ics"}, 204),
    "delete": ("DELETE", f"{OTHER}new.ics", b"", {}, 204),
    "delete collection": ("DELETE", OTHER, b"", {}, 204),
}  # fmt: skip


@pytest.fixture
def rigs(sqlite_database: Database, postgres_database: Database) -> list[Rig]:
    """The same on SQLite and on PostgreSQL."""
    return [rig_on(sqlite_database), rig_on(postgres_database)]


def test_postgres_is_asked_little_more(rigs: list[Rig]) -> None:
    """Round trips, with those that begin and end transactions: at most half as many again for any kind of request."""
    passwords = [fill(rig, 10) for rig in rigs]
    for name, (method, path, body, headers, status) in EVERY_KIND.items():
        sent = []
        for rig, password in zip(rigs, passwords, strict=True):
            with round_trips(rig) as counted:
                assert rig.request(method, path, body, password=password, **headers).status == status, name
            sent.append(len(counted))
        assert 0 < sent[1] <= 1.5 * sent[0], name


@contextmanager
def round_trips(rig: Rig) -> Iterator[list[str]]:
    """What is said to the database: statements, begins, commits, roll-backs."""
    engine = rig.services.database.engine
    seen: list[str] = []

    def statement(_c: Any, _cursor: Any, text: str, *_: Any) -> None:
        seen.append(text)

    listeners: list[tuple[str, Any]] = [("before_cursor_execute", statement)]
    listeners += [(name, lambda _, name=name: seen.append(name)) for name in ("begin", "commit", "rollback")]
    with listening(engine, listeners):
        yield seen


@contextmanager
def messages(engine: Engine) -> Iterator[list[str]]:
    """What is sent to PostgreSQL and waited for, as the driver's library notes it."""
    seen: list[str] = []
    with TemporaryFile("r+") as file:

        def checkout(connection: Any, *_: Any) -> None:
            connection.prepare_threshold = None  # a statement would be sent once more when it is prepared
            connection.pgconn.trace(file.fileno())

        def checkin(connection: Any, *_: Any) -> None:
            connection.pgconn.untrace()

        listeners = [("checkout", checkout), ("checkin", checkin)]
        for name, listener in listeners:
            event.listen(engine, name, listener)
        try:
            yield seen
        finally:
            for name, listener in listeners:
                event.remove(engine, name, listener)
            file.seek(0)
            seen += [line for line in file if _WAITED_FOR.match(line)]


_WAITED_FOR = re.compile(r"[^\t]*\tF\t\d+\t(Query|Sync)\b")


def test_round_trips_to_postgres(postgres_database: Database) -> None:
    """What one statement answers is asked without a transaction around it."""
    rig = rig_on(postgres_database)
    trips = {}
    password = fill(rig, 10)
    for name, method, path, body, status in asked_all_day(rig, password):
        with messages(rig.services.database.engine) as counted:
            assert rig.request(method, path, body, password=password, depth="0").status == status
        trips[name] = len(counted)
    assert trips == {
        "poll": 1,
        "get": 1,
        "sync, nothing changed": 1,
        "put new": 8,
        "put again": 9,
        "sync, one change": 1,
        "delete": 8,
    }


def test_every_request_reads_its_credential(rig: Rig) -> None:
    """Invariant 2, seen in the statements themselves: also when the secret is remembered."""
    password = fill(rig, 10)
    engine = rig.services.database.engine
    seen: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: seen.append(statement))
    for request in range(1, 4):
        assert rig.request("PROPFIND", PATH, POLL, password=password).status == 207
        assert sum("FROM credential" in statement for statement in seen) == request
