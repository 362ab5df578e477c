"""Transactions: all or nothing whatever leaves the block, one snapshot for a reader, the fence asked first."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Reason
from dav_gateway.core.errors import Fenced, Refusal, StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.store import accounts, audit, collections, credentials, cuts, objects
from dav_gateway.store.audit import Event
from dav_gateway.store.collections import Collection
from dav_gateway.store.cut_tables import receipt_credential
from dav_gateway.store.database import Database, Fence, open_database
from dav_gateway.store.object_tables import object_
from dav_gateway.store.objects import NewObject
from dav_gateway.store.postgres_dialect import DriverConnection
from dav_gateway.store.prepared import Prepared
from dav_gateway.store.schema import credential as credential_table
from dav_gateway.store.sqlite_dialect import driver

MakeEvent = Callable[..., NewObject]
T1 = Moment(1_790_000_000_001)


class Cancelled(BaseException):
    """What a thread is stopped with from outside: no Exception."""


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("x"), Refusal("x"), KeyboardInterrupt(), SystemExit(1), Cancelled()], ids=repr
)
def test_any_exception_rolls_everything_back(
    database: Database, ana: Account, calendar: Collection, event: MakeEvent, error: BaseException
) -> None:
    with database.write() as c:
        objects.put(c, calendar.id, event("kept"), T1)

    def fail() -> None:
        with database.write() as c:
            objects.put(c, calendar.id, event("new"), T1)
            objects.remove(c, calendar.id, "kept", T1)
            accounts.change(c, ana.id, active=False)
            collections.set_properties(c, calendar.id, {}, T1)
            raise error

    with pytest.raises(type(error)):
        fail()
    with database.read() as c:
        assert [one.name for one in objects.every(c, calendar.id)] == ["kept"]
        assert accounts.by_id(c, ana.id) == ana
        after = collections.get(c, calendar.id)
        assert after is not None
        assert (after.change, after.properties) == (1, calendar.properties)
    with database.write() as c:
        objects.put(c, calendar.id, event("next"), T1)


def test_a_failed_change_of_credentials_names_no_cut(database: Database, issue: Callable[..., Credential]) -> None:
    issue()

    def fail() -> None:
        with database.change_credentials(["k7mqx"]) as c:
            credentials.change(c, "k7mqx", revoked_at=T1)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    with database.read() as c:
        found = credentials.get(c, "k7mqx")
        assert found is not None
        assert found.revoked_at is None
        assert cuts.last(c) == 0


def test_a_reader_sees_one_moment(database: Database, calendar: Collection, event: MakeEvent) -> None:
    with database.read() as c:
        assert collections.get(c, calendar.id) == calendar
        with database.write() as other:
            objects.put(other, calendar.id, event("a"), T1)
        assert objects.get(c, calendar.id, "a") is None
        assert collections.get(c, calendar.id) == calendar
    with database.read() as c:
        assert objects.get(c, calendar.id, "a") is not None


def test_nothing_is_written_in_a_read(database: Database, calendar: Collection, event: MakeEvent) -> None:
    try:
        with database.read() as c:
            objects.put(c, calendar.id, event("a"), T1)
    except Exception:  # noqa: BLE001 - PostgreSQL refuses, SQLite rolls back
        assert database.dialect == "postgresql"
    with database.read() as c:
        assert collections.get(c, calendar.id) == calendar


def test_the_fence_is_asked_first_and_in_the_transaction(
    database: Database, issue: Callable[..., Credential], calendar: Collection, event: MakeEvent
) -> None:
    issue()
    asked = []

    def check(c: object) -> None:
        asked.append(c)

    with database.write(Fence("k7mqx", check)) as c:
        assert asked == [c]
        objects.put(c, calendar.id, event("a"), T1)

    def refuse(_: object) -> None:
        raise Fenced(Reason.REVOKED)

    entered = False
    with pytest.raises(Fenced), database.write(Fence("k7mqx", refuse)):
        entered = True
    assert not entered
    with database.write() as c:
        assert objects.count(c, calendar.id) == 1


def test_a_list_of_credentials_may_be_filled_inside(
    database: Database, issue: Callable[..., Credential], ana: Account
) -> None:
    issue(id="a")
    issue(id="b")
    ids: list[str] = []
    with database.change_credentials(ids) as c:
        accounts.change(c, ana.id, active=False)
        ids += [found.id for found in credentials.of_account(c, ana.id)] * 2
    with database.read() as c:
        assert sorted(credential_id for _, credential_id, _ in cuts.after(c, 0)) == ["a", "b"]


def test_writers_of_one_collection_follow_each_other(
    database: Database, calendar: Collection, event: MakeEvent
) -> None:
    """Four threads read an etag under the lock and write if it is what they saw: none may be lost."""
    with database.write() as c:
        objects.put(c, calendar.id, event("counter", octets=b"0"), T1)

    def count() -> None:
        for _ in range(20):
            with database.write() as c:
                collections.lock(c, [calendar.id])
                seen = objects.get(c, calendar.id, "counter")
                assert seen is not None
                objects.put(c, calendar.id, event("counter", octets=b"%d" % (int(seen.octets) + 1)), T1)

    _together(count, count, count, count)
    with database.read() as c:
        counter = objects.get(c, calendar.id, "counter")
        after = collections.get(c, calendar.id)
    assert counter is not None
    assert after is not None
    assert (counter.octets, after.change) == (b"80", 81)


def test_moves_in_opposite_directions_do_not_deadlock(
    database: Database, ana: Account, calendar: Collection, event: MakeEvent
) -> None:
    with database.write() as c:
        other = collections.create(
            c, account_id=ana.id, home="calendars", name="other", components=[], properties={}, now=T1
        )
        objects.put(c, calendar.id, event("a"), T1)
        objects.put(c, other.id, event("b"), T1)

    def swap(name: str, one: int, two: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(15):
                for source, target in ((one, two), (two, one)):
                    with database.write() as c:
                        objects.move(c, source, name, target, name, T1)

        return run

    _together(swap("a", calendar.id, other.id), swap("b", other.id, calendar.id))
    with database.read() as c:
        assert [one.name for one in objects.every(c, calendar.id)] == ["a"]
        assert [one.name for one in objects.every(c, other.id)] == ["b"]


def test_a_write_inside_a_write_is_a_mistake_that_says_so(sqlite_database: Database) -> None:
    with sqlite_database.write(), pytest.raises(RuntimeError, match="inside a write"), sqlite_database.write():
        pass
    with sqlite_database.write():
        pass


@pytest.mark.parametrize("through", ["SQLAlchemy", "the driver"])
def test_the_own_reader_sees_one_moment_and_recovers(sqlite_database: Database, now: Moment, through: str) -> None:
    reader = sqlite_database.own_reader()
    assert reader is not None

    def add(name: str) -> None:
        with sqlite_database.write() as c:
            accounts.add(c, name=name, email=f"{name}@example.org", display_name=name, now=now)

    def count(c: Connection) -> int:
        if through == "SQLAlchemy":
            return len(accounts.every(c))
        return int(driver(c).execute("SELECT count(*) FROM account").fetchone()[0])

    def fail(c: Connection) -> None:
        assert count(c) == 2
        raise StoreUnavailable

    add("ana")
    with reader.read() as c:
        assert count(c) == 1
        add("ben")
        assert count(c) == 1
    with pytest.raises(StoreUnavailable), reader.read() as c:
        fail(c)
    with reader.read() as c:
        assert count(c) == 2


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://localhost/x", "sqlite://", "sqlite:///relative.db", "sqlite:///:memory:"],
)
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(Refusal, match="database URL"):
        open_database(url)


def test_the_password_of_the_address_is_not_shown(sqlite_url: str) -> None:
    database = open_database("postgresql://gateway:hunter2@db.example.org/gateway")
    assert repr(database) == "Database(postgresql://gateway:***@db.example.org/gateway)"
    assert database.dialect == "postgresql"
    database.dispose()


def test_a_new_file_is_for_its_owner_only(sqlite_database: Database, empty_sqlite_url: str) -> None:
    folder = Path(empty_sqlite_url.removeprefix("sqlite:///")).parent / "made" / "here"
    database = open_database(f"sqlite:///{folder}/new.db")
    with database.write() as c:
        c.exec_driver_sql("CREATE TABLE t (x)")
    assert folder.stat().st_mode & 0o777 == 0o700
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [
        "new.db",
        "new.db-shm",
        "new.db-wal",
        "new.db-writer",
        "new.db-writer-next",
    ]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    database.dispose()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_what_root_makes_beside_a_file_is_for_the_owner_of_the_file(sqlite_url: str) -> None:
    """A command after a restore, before the server starts: it could not open the locks of writers otherwise."""
    path, nobody = Path(sqlite_url.removeprefix("sqlite:///")), 65534
    os.chown(path, nobody, nobody)
    database = open_database(sqlite_url)
    with database.write() as c:
        c.exec_driver_sql("CREATE TABLE t (x)")
    owners = {file.name: file.stat().st_uid for file in path.parent.iterdir()}
    assert owners == dict.fromkeys(
        ["gateway.db", "gateway.db-shm", "gateway.db-wal", "gateway.db-writer", "gateway.db-writer-next"], nobody
    )
    database.dispose()


def test_sqlite_is_set_up_to_survive_a_power_cut(sqlite_database: Database) -> None:
    with sqlite_database.read() as c:
        settings = [
            c.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert settings == ["wal", 2, 1]


def test_postgres_waits_for_nothing_for_ever(postgres_url: str) -> None:
    database = open_database(postgres_url, busy_timeout=2.5)
    with database.write() as c:
        names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "synchronous_commit")
        settings = [c.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]
        assert settings == ["2500ms", "30s", "1min", "on"]
        assert c.exec_driver_sql("SHOW transaction_isolation").scalar_one() == "read committed"
    with database.read() as c:
        assert c.exec_driver_sql("SHOW transaction_isolation").scalar_one() == "repeatable read"
        assert c.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on"
    database.dispose()


def _together(*runs: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def guarded(run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_row_that_cannot_be_added_fails_an_urgent_write(database: Database) -> None:
    """On PostgreSQL it is answered with the commit, or with the next question."""
    wrong = [{"receipt_id": 7, "credential_id": "a"}] * 2

    def add(*, ask: bool) -> None:
        with database.write(urgent=True) as c:
            audit.append(c, Event(T1, "first"))
            c.execute(insert(receipt_credential), wrong)
            if ask:
                cuts.last(c)
            audit.append(c, Event(T1, "second"))

    for ask in (False, True, False):
        with pytest.raises(IntegrityError):
            add(ask=ask)
    with database.write(urgent=True) as c:
        audit.append(c, Event(T1, "third"))
    with database.read() as c:
        assert [event.event for event in audit.select(c)] == ["third"]


def test_an_urgent_write_knows_how_many_rows_it_changed(
    database: Database, calendar: Collection, event: MakeEvent
) -> None:
    """Also by a statement that goes past SQLAlchemy, whose answer PostgreSQL's pipeline has not brought yet."""
    remove = Prepared(delete(object_).where(object_.c.name == bindparam("called")))
    with database.write() as c:
        objects.put(c, calendar.id, event("a"), T1)
    with database.write(urgent=True) as c:
        assert remove.change(c, {"called": "a"}) == 1
        assert remove.change(c, {"called": "a"}) == 0


def test_an_urgent_write_that_is_given_up_keeps_nothing(database: Database) -> None:
    def give_up() -> None:
        with database.write(urgent=True) as c:
            audit.append(c, Event(T1, "first"))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        give_up()
    with database.write(urgent=True) as c:
        assert audit.select(c) == []


def test_a_change_of_credentials_may_read_much(
    database: Database, issue: Callable[..., Credential], calendar: Collection, event: MakeEvent
) -> None:
    """Rows that come a few at a time have a cursor in the server, which is nothing for a pipeline."""
    issue()
    with database.write() as c:
        objects.put(c, calendar.id, event("a"), T1)
    with database.change_credentials(["k7mqx"]) as c:
        credentials.change(c, "k7mqx", revoked_at=T1)
        audit.append(c, Event(T1, "revoked", credential_id="k7mqx"))
        assert [each.name for each in objects.get_many(c, calendar.id, ["a"])] == ["a"]
        rows = c.execute(select(credential_table.c.id), execution_options={"yield_per": 10})
        assert list(rows.scalars()) == ["k7mqx"]
    with database.read() as c:
        assert [credential_id for _, credential_id, _ in cuts.after(c, 0)] == ["k7mqx"]
        assert [each.event for each in audit.select(c)] == ["revoked"]


def test_a_change_of_credentials_ends_with_one_question(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The locks that it has taken are not kept while a client's turn is waited for."""
    order: list[str] = []
    for name in ("execute", "catch_up", "fall_back"):
        of_driver = getattr(DriverConnection, name)

        def noted(self: DriverConnection, *words: Any, _name: str = name, _call: Any = of_driver, **more: Any) -> Any:
            order.append(_name)
            return _call(self, *words, **more)

        monkeypatch.setattr(DriverConnection, name, noted)
    with postgres_database.change_credentials(["k7mqx"]) as c:
        audit.append(c, Event(T1, "revoked"))
        order.clear()
    # The lock, the cuts and COMMIT are said, and only then an answer is waited for; what follows is the barrier.
    assert order[:4] == ["execute", "execute", "execute", "fall_back"]
