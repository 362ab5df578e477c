"""Writers that share a commit: each has its own all-or-nothing, and nobody returns before the commit is on disk."""

import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from dav_gateway.core.credential import Credential, Reason
from dav_gateway.core.errors import Fenced, StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.store import credentials, group_commit, objects, writer_mutex
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database, Fence, open_database
from dav_gateway.store.objects import NewObject
from dav_gateway.store.writer_mutex import _Turn

T1 = Moment(1_790_000_000_001)
PATIENCE = 20.0
"""Seconds after which a step that should have come is called missing."""

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Step = Callable[[Connection], object]
Check = Callable[[Connection], None]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group stays open however slow the machine is."""
    monkeypatch.setattr(group_commit, "SECONDS", 3600.0)


def anybody(_: Connection) -> None:
    """A fence that lets everybody write."""


@dataclass
class Writers:
    """Threads that write to a calendar, one object each; started in order, all in the queue before the first ends."""

    database: Database
    calendar: Collection
    threads: dict[str, threading.Thread] = field(default_factory=dict)
    ended: dict[str, BaseException | None] = field(default_factory=dict)
    entered: dict[str, threading.Event] = field(default_factory=dict)

    def start(self, name: str, step: Step = lambda _: None, check: Check = anybody) -> None:
        """Put the object `name`, then do `step`, in a write of its own. `ended` tells how it came out."""
        self.entered[name] = threading.Event()

        def run() -> None:
            try:
                with self.database.write(Fence("k7mqx", check)) as c:
                    self.entered[name].set()
                    objects.put(c, self.calendar.id, NewObject(name, name, "VEVENT", name.encode()), T1)
                    step(c)
            except BaseException as error:  # noqa: BLE001 - it is looked at
                self.ended[name] = error
            else:
                self.ended[name] = None

        self._begin(name, run)

    def first(self, name: str = "first") -> threading.Event:
        """A writer that keeps its turn until the event is set; those started meanwhile queue behind it."""
        go = threading.Event()
        self.start(name, lambda _: go.wait(PATIENCE))
        assert self.entered[name].wait(PATIENCE)
        return go

    def _begin(self, name: str, run: Callable[[], None]) -> None:
        thread = self.threads[name] = threading.Thread(target=run)
        thread.start()
        time.sleep(0.05)  # it is in the queue before the next one

    def join(self) -> dict[str, BaseException | None]:
        """Wait for all, and tell how each came out."""
        for thread in self.threads.values():
            thread.join(PATIENCE)
            assert not thread.is_alive()
        return self.ended

    def stored(self) -> list[str]:
        """The names that another connection sees."""
        with self.database.read() as c:
            return [one.name for one in objects.every(c, self.calendar.id)]


@pytest.fixture
def writers(database: Database, calendar: Collection) -> Writers:
    return Writers(database, calendar)


@contextmanager
def counting_commits(database: Database) -> Iterator[list[str]]:
    """One entry for every commit."""
    commits: list[str] = []

    def note(_: Connection) -> None:
        commits.append("commit")

    event.listen(database.engine, "commit", note)
    try:
        yield commits
    finally:
        event.remove(database.engine, "commit", note)


def commits_of_six(writers: Writers) -> int:
    """How many commits there are when five writers wait behind a first one; none of them fails."""
    with counting_commits(writers.database) as commits:
        go = writers.first()
        for number in range(5):
            writers.start(f"w{number}")
        go.set()
        assert set(writers.join().values()) == {None}
    return len(commits)


@on_sqlite
def test_who_waits_shares_the_commit(writers: Writers) -> None:
    assert commits_of_six(writers) == 1
    assert writers.stored() == ["first", "w0", "w1", "w2", "w3", "w4"]


@on_sqlite
@pytest.mark.parametrize(("setting", "value", "groups"), [("MOST", 3, 2), ("SECONDS", 0.0, 6)])
def test_a_group_is_bounded(
    writers: Writers, monkeypatch: pytest.MonkeyPatch, setting: str, value: float, groups: int
) -> None:
    monkeypatch.setattr(group_commit, setting, value)
    assert commits_of_six(writers) == groups


@on_sqlite
def test_nobody_returns_before_the_commit(writers: Writers) -> None:
    """The first has written and given its turn away; while the second still writes, the first must not be back."""
    early: list[list[str]] = []
    go = writers.first()
    writers.start("second", lambda _: (time.sleep(0.3), early.append(list(writers.ended))))
    at_commit: list[list[str]] = []
    event.listen(writers.database.engine, "commit", lambda _: (time.sleep(0.3), at_commit.append(list(writers.ended))))
    go.set()
    assert writers.join() == {"first": None, "second": None}
    assert (early, at_commit) == ([[]], [[]])


def test_what_returned_is_seen_by_others(database: Database, database_url: str, calendar: Collection) -> None:
    missing: list[str] = []
    other = open_database(database_url)

    def run(thread: int) -> None:
        for number in range(10):
            name = f"{thread}-{number}"
            with database.write(Fence("k7mqx", anybody)) as c:
                objects.put(c, calendar.id, NewObject(name, name, "VEVENT", b"x"), T1)
            with other.read() as c:
                if objects.get(c, calendar.id, name) is None:
                    missing.append(name)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with other.read() as c:
        stored = list(objects.every(c, calendar.id))
    other.dispose()
    assert missing == []
    assert sorted(one.change for one in stored) == list(range(1, 121))


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(1)], ids=repr)
@pytest.mark.parametrize("fails", ["first", "second", "third"])
def test_who_fails_undoes_its_own_work_only(writers: Writers, fails: str, error: BaseException) -> None:
    def fail(_: Connection) -> None:
        raise error

    def step(name: str) -> Step:
        return fail if name == fails else lambda _: None

    go = threading.Event()
    writers.start("first", lambda c: (go.wait(PATIENCE), step("first")(c)))
    assert writers.entered["first"].wait(PATIENCE)
    writers.start("second", step("second"))
    writers.start("third", step("third"))
    go.set()
    ended = writers.join()
    assert ended.pop(fails) is error
    assert set(ended.values()) == {None}
    assert writers.stored() == sorted(ended)


def test_a_member_sees_what_the_one_before_it_wrote(writers: Writers) -> None:
    """As if it had come later, which it has: nothing is lost, and the counter has no gap."""
    seen: list[bool] = []
    go = writers.first()
    writers.start(
        "second",
        lambda c: seen.append(objects.get(c, writers.calendar.id, "first") is not None),
        lambda _: None,
    )
    go.set()
    assert writers.join() == {"first": None, "second": None}
    assert seen == [True]


@on_sqlite
def test_a_failed_commit_is_everybodys(writers: Writers) -> None:
    """The file may not grow: the commit itself fails. Whoever was refused because of a companion's work is told so
    too, for that work is gone."""

    def refuse(c: Connection) -> None:
        assert objects.get(c, writers.calendar.id, "first") is not None
        raise Fenced(Reason.REVOKED)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    assert writers.database.file is not None
    log = Path(f"{writers.database.file.path}-wal")

    def no_room(_: Connection) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, limits[1]))

    go = writers.first()
    writers.start("second")
    writers.start("refused", check=refuse)
    writers.start("fourth")
    event.listen(writers.database.engine, "commit", no_room)
    try:
        go.set()
        ended = writers.join()
    finally:
        event.remove(writers.database.engine, "commit", no_room)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, heard)
    assert {type(error) for error in ended.values()} == {StoreUnavailable}
    assert writers.stored() == []
    writers.start("later")
    assert writers.join()["later"] is None
    assert writers.stored() == ["later"]


@on_sqlite
@pytest.mark.parametrize("swallowed", [False, True])
def test_a_transaction_that_sqlite_gave_up_is_lost_for_everybody(writers: Writers, swallowed: bool) -> None:
    """On a full disk or an I/O error SQLite rolls back by itself; a write after that would be a transaction of its own,
    also when the member hides the error."""

    def lose(c: Connection) -> None:
        driver = c.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute("ROLLBACK")
        if not swallowed:
            raise sqlite3.OperationalError("disk I/O error")

    go = writers.first()
    writers.start("second", lose)
    writers.start("third")
    go.set()
    ended = writers.join()
    assert isinstance(ended["first"], StoreUnavailable)
    assert isinstance(ended["second"], StoreUnavailable)
    assert ended["third"] is None
    assert writers.stored() == ["third"]


@on_sqlite
def test_a_change_of_credentials_goes_first_and_alone(writers: Writers, issue: Callable[..., Credential]) -> None:
    """It waits for the writer whose turn it is; who queued before it is refused after it."""
    issue()

    def check(c: Connection) -> None:
        found = credentials.get(c, "k7mqx")
        assert found is not None
        if found.revoked_at is not None:
            raise Fenced(Reason.REVOKED)

    with counting_commits(writers.database) as commits:
        go = writers.first()
        writers.start("second", check=check)
        writers.start("third", check=check)
        stored: list[str] = []

        def revoke() -> None:
            with writers.database.change_credentials(["k7mqx"]) as c:
                credentials.change(c, "k7mqx", revoked_at=T1)
            stored.extend(writers.stored())

        writers._begin("revoke", revoke)
        go.set()
        ended = writers.join()
    assert ended["first"] is None
    assert {type(ended[name]) for name in ("second", "third")} == {Fenced}
    assert stored == writers.stored() == ["first"]
    assert len(commits) == 2


@on_sqlite
def test_the_fence_is_asked_in_the_transaction_that_commits(writers: Writers) -> None:
    """It sees what its companion has not committed yet, on a connection inside a transaction."""
    asked: list[tuple[bool, bool, list[str]]] = []

    def check(c: Connection) -> None:
        driver = c.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        companion = objects.get(c, writers.calendar.id, "first") is not None
        asked.append((driver.in_transaction, companion, writers.stored()))

    go = writers.first()
    writers.start("second", check=check)
    go.set()
    assert writers.join() == {"first": None, "second": None}
    assert asked == [(True, True, [])]


@on_sqlite
def test_other_writes_stay_alone(writers: Writers) -> None:
    with counting_commits(writers.database) as commits:
        go = writers.first()

        def alone() -> None:
            with writers.database.write() as c:
                assert objects.get(c, writers.calendar.id, "first") is not None
                assert writers.stored() == ["first"]  # here the third one cannot have come between
            writers.ended["alone"] = None

        writers._begin("alone", alone)
        writers.start("third")
        go.set()
        assert writers.join() == {"first": None, "alone": None, "third": None}
    assert len(commits) == 3


class Interrupted:
    """A lock of which nobody learns that it was got, because Ctrl-C comes in that moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.release = self._lock.release

    def acquire(self, timeout: float = -1) -> bool:
        self._lock.acquire(timeout=timeout)
        if timeout > 0:
            raise KeyboardInterrupt
        return True


@on_sqlite
def test_an_interrupt_in_the_moment_in_which_the_turn_comes(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets the open transaction without knowing commits it all the same, and the next one has its turn."""
    go = writers.first()
    with monkeypatch.context() as patched:
        patched.setattr(writer_mutex, "_Turn", lambda _, joins: _Turn(Interrupted(), joins))  # type: ignore[arg-type]
        writers.start("interrupted")
    writers.start("third")
    go.set()
    ended = writers.join()
    assert isinstance(ended.pop("interrupted"), KeyboardInterrupt)
    assert ended == {"first": None, "third": None}
    assert writers.stored() == ["first", "third"]
