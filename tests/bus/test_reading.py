"""Reading: every member learns of every changed credential once, in the order of commit, and of nothing else."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from dav_gateway.bus.opening import open_bus
from dav_gateway.bus.postgres_connection import BusConnection
from dav_gateway.bus.protocol import Member
from dav_gateway.core.moment import Moment
from dav_gateway.store import accounts, cuts, workers
from dav_gateway.store.database import Database, boottime, open_database


@contextmanager
def joined(database: Database) -> Iterator[Member]:
    member = open_bus(database).join(None)
    try:
        yield member
    finally:
        member.leave()


def _read(member: Member) -> list[str]:
    return list(member.read(0).ids)


def _cut(database: Database, *ids: str) -> None:
    with database.change_credentials(ids):
        pass


def test_a_member_hears_what_comes_after_it_joined(database: Database, database_url: str) -> None:
    other = open_database(database_url)
    _cut(other, "before")
    with joined(database) as member:
        assert _read(member) == []
        assert _read(member) == []
        _cut(other, "b", "a", "a")
        _cut(other, "c")
        _cut(database, "own")
        assert _read(member) == ["a", "b", "c"]  # who says it has carried it out
        assert _read(member) == []
        _cut(other, "a")
        assert _read(member) == ["a"]
    other.dispose()


def test_a_read_tells_when_it_began(database: Database) -> None:
    with joined(database) as member:
        before = boottime()
        heard = member.read(0.1)
        assert before <= heard.at <= boottime()


def test_other_writes_are_no_cuts(database: Database) -> None:
    with joined(database) as member:
        with database.write() as c:
            accounts.add(
                c, name="ana", email="a@x.example", display_name="Ana", admin=False, language="en", now=Moment(1)
            )
        with database.change_credentials([]):
            pass
        heard = member.read(0)
        assert (heard.number, heard.ids) == (0, ())


def test_a_change_wakes_a_member(database: Database, database_url: str) -> None:
    """Far sooner than its next beat. SQLite's is woken by the question of who wants to know."""
    other = open_database(database_url)
    with joined(database) as member:
        member.read(0)
        took: list[float] = []

        def listen() -> None:
            heard = member.read(5)
            took.append(time.monotonic())
            member.acknowledge(heard.number, {})

        thread = threading.Thread(target=listen)
        thread.start()
        time.sleep(0.1)
        with open_bus(other).asking() as asking:
            begun = time.monotonic()
            with other.change_credentials(["a"], asking.begin):
                pass
            [acknowledgement] = asking.settle()
        thread.join()
        assert acknowledgement.how == "cut"
        assert took[0] - begun < 1
    other.dispose()


def test_a_member_is_woken_to_stop(database: Database) -> None:
    with joined(database) as member:
        threading.Timer(0.1, member.wake).start()
        begun = time.monotonic()
        member.read(10)
        assert time.monotonic() - begun < 5


def test_cuts_carry_the_time_and_are_forgotten_by_it(database_url: str) -> None:
    moment = Moment(5)
    database = open_database(database_url, clock=lambda: moment)
    _cut(database, "a")
    moment = Moment(6)
    _cut(database, "b")
    with database.write() as c:
        [(first, *_), (second, *_)] = cuts.after(c, 0)
        assert cuts.forget(c, before=Moment(6), keep=0) == 1
        assert cuts.after(c, 0) == [(second, "b", database.process)]
        assert cuts.forget(c, before=Moment(7), keep=0) == 1
        assert cuts.last(c) == 0
    _cut(database, "c")
    with database.read() as c:
        assert cuts.last(c) > second > first
        assert cuts.after(c, second) == [(cuts.last(c), "c", database.process)]
    database.dispose()


def test_a_wrong_clock_puts_no_cut_away_that_may_not_have_been_read(database: Database, database_url: str) -> None:
    """A worker that starts on a node whose clock is a year ahead; the connection would never be cut."""
    other = open_database(database_url)
    with joined(database) as member:
        _read(member)
        _cut(other, "a", "b")
        with other.write() as c:
            assert cuts.forget(c, before=Moment(2**52)) == 0
            assert cuts.forget(c, before=Moment(2**52), keep=1) == 1
        assert "b" in _read(member)
    other.dispose()


def test_no_cut_becomes_visible_after_a_later_one(database: Database, database_url: str) -> None:
    """Sequence numbers are drawn before the commit: without an order a reader would pass over the slower one."""
    stop = threading.Event()
    told: list[str] = []
    other = open_database(database_url)
    with joined(other) as member:

        def follow() -> None:
            while not stop.is_set():
                told.extend(_read(member))

        def cut(thread: int) -> None:
            for number in range(40):
                _cut(database, f"{thread}-{number}", *(f"{thread}-{number}-{more}" for more in range(5)))

        reader = threading.Thread(target=follow)
        writers = [threading.Thread(target=cut, args=(thread,)) for thread in range(4)]
        for thread in [reader, *writers]:
            thread.start()
        for thread in writers:
            thread.join()
        time.sleep(0.05)
        stop.set()
        reader.join()
        told.extend(_read(member))
    other.dispose()
    assert len(told) == len(set(told)) == 4 * 40 * 6


def test_expiries_are_told_once(database: Database) -> None:
    with joined(database) as member:
        assert member.expired(Moment(0), Moment(10)) == []


def _done(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as administrator:
        row = administrator.execute("SELECT done FROM worker").fetchone()
    assert row is not None
    return int(row[0])


def test_a_notification_is_no_more_than_a_hint(postgres_database: Database, postgres_url: str) -> None:
    """Anybody who may use the database can send one: it renews no lease, it acknowledges nothing, and no cut is passed
    over for it."""
    other = open_database(postgres_url)
    with joined(other) as member:
        last = member.read(0)
        with psycopg.connect(postgres_url, autocommit=True) as stranger:
            stranger.execute("""SELECT pg_notify('dav_gateway_cut', '["x", [[1, "forged"], [90000, "forged"]]]')""")
        heard = member.read(5)
        assert heard.ids == ("forged",)
        assert heard.at == last.at
        member.acknowledge(heard.number, {"forged": (1, 0)})
        assert _done(postgres_url) == last.number
        _cut(postgres_database, "a")
        assert sorted([*_read(member), *_read(member)]) == ["a"]
    other.dispose()


@pytest.mark.parametrize("word", ["", "no JSON", "[1]", '["x", [["y", 1]]]', '["x", 1]', "{}"])
def test_a_notification_that_says_nothing_means_that_there_is_something_to_read(
    postgres_database: Database, postgres_url: str, word: str
) -> None:
    other = open_database(postgres_url)
    with joined(other) as member:
        before = member.read(0)
        with psycopg.connect(postgres_url, autocommit=True) as stranger:
            stranger.execute("SELECT pg_notify('dav_gateway_cut', %s)", [word])
        heard = member.read(60)
        assert heard.ids == ()
        assert heard.at > before.at
    other.dispose()


def test_what_was_not_carried_out_is_not_acknowledged(postgres_database: Database, postgres_url: str) -> None:
    """A notification got lost, and the next one tells of a later cut only."""
    other = open_database(postgres_url)
    with joined(other) as member:
        member.read(0)
        with psycopg.connect(postgres_url, autocommit=True) as administrator:
            administrator.execute("INSERT INTO cut (credential_id, at, process) VALUES ('a', 1, 'x')")
        _cut(postgres_database, "b")
        heard = member.read(5)
        assert heard.ids == ("b",)
        before = _done(postgres_url)
        member.acknowledge(heard.number, {"b": (1, 0)})
        assert _done(postgres_url) == before
        with psycopg.connect(postgres_url, autocommit=True) as listener:
            listener.execute("LISTEN dav_gateway_done")
            later = member.read(0)
            assert later.ids == ("a",)
            assert later.number == heard.number
            member.acknowledge(later.number, {"a": (1, 0)})
            assert _done(postgres_url) == heard.number
            [said] = listener.notifies(timeout=5, stop_after=1)
        assert json.loads(said.payload)[1:] == [heard.number, {"b": [1, 0], "a": [1, 0]}]
    other.dispose()


def test_more_cuts_than_a_notification_takes(postgres_database: Database, postgres_url: str) -> None:
    other = open_database(postgres_url)
    ids = [f"k{number:05}" for number in range(1000)]
    with joined(other) as member:
        member.read(0)
        _cut(postgres_database, *ids)
        heard = member.read(60)
        assert sorted(heard.ids) == ids
        member.acknowledge(heard.number, dict.fromkeys(ids, (1, 0)))
        assert _done(postgres_url) == heard.number
    other.dispose()


def test_a_cut_costs_a_member_one_question(
    postgres_database: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The acknowledgement, which is the next read as well."""
    other = open_database(postgres_url)
    with joined(other) as member:
        member.read(0)
        asked: list[str] = []
        execute = BusConnection.execute

        def counted(self: BusConnection, query: str, *more: object) -> object:
            asked.append(query)
            return execute(self, query, *more)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(BusConnection, "execute", counted)
            before = boottime()
            _cut(postgres_database, "a")
            heard = member.read(60)
            assert heard.ids == ("a",)
            member.acknowledge(heard.number, {"a": (1, 0)})
            again = member.read(60)
        assert asked == [workers.DONE]
        assert again.ids == ()
        assert again.at > before
        assert _done(postgres_url) == heard.number
    other.dispose()
