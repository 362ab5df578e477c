"""Acknowledgements: a revocation returns when every member has carried it out, has ended, or has no lease any more."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psycopg
import pytest

from dav_gateway.bus.opening import open_bus
from dav_gateway.bus.protocol import Expelled
from dav_gateway.bus.times import LIMIT, WATCHDOG
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.store import workers
from dav_gateway.store.database import Database, boottime, open_database

from .conftest import Serving, cut, turn

MEMBER = """
import sys
from dav_gateway.bus.opening import open_bus
from dav_gateway.bus.times import WATCHDOG
from dav_gateway.bus.watchdog import Watchdog
from dav_gateway.store.database import open_database

member = open_bus(open_database(sys.argv[1])).join(None)
watchdog = Watchdog()
ready = False
while True:
    heard = member.read(0.2 if ready else 0)
    if sys.argv[2] == "watched":
        watchdog.put_off(heard.at + WATCHDOG)
    member.acknowledge(heard.number, {})
    if not ready:
        print("ready", flush=True)
        ready = True
"""


def member_process(url: str, how: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", MEMBER, url, how], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_nobody_serves(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for."""
    monkeypatch.setattr("dav_gateway.bus.postgres_bus.PostgresAsking._hear", _not_needed)
    monkeypatch.setattr("dav_gateway.bus.sqlite_bus.SqliteAsking._answers", _not_needed)
    assert cut(database, "a") == []


def _not_needed(*_: object) -> None:
    raise AssertionError("nobody is there to be heard")


def test_every_member_says_what_it_cut(database: Database, serve: Callable[[], Serving]) -> None:
    members = [serve(), serve(), serve()]
    acknowledgements = cut(database, "a", "b")
    assert [each.how for each in acknowledgements] == ["cut"] * 3
    assert all({one: each.tally[one] for one in "ab"} == {"a": (1, 0), "b": (1, 0)} for each in acknowledgements)
    assert all(sorted(member.heard) == ["a", "b"] for member in members)


def test_it_returns_only_when_it_is_carried_out(database: Database, serve: Callable[[], Serving]) -> None:
    quick, slow = serve(), serve()
    slow.allowed.clear()
    time.sleep(0.3)  # what it was waiting for is over
    import threading

    returned = threading.Event()
    early: list[bool] = []

    def allow() -> None:
        early.append(returned.is_set())
        slow.allowed.set()

    threading.Timer(0.4, allow).start()
    acknowledgements = cut(database, "a")
    returned.set()
    assert early == [False]
    assert {each.how for each in acknowledgements} == {"cut"}
    assert quick.heard == slow.heard == ["a"]


def test_many_at_once(database_url: str, serve: Callable[[], Serving]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    members = [serve(), serve()]
    others = [open_database(database_url) for _ in range(3)]

    def run(number: int) -> list[str]:
        return [each.how for round_ in range(10) for each in cut(others[number], f"{number}-{round_}")]

    with ThreadPoolExecutor(3) as pool:
        said = [how for found in pool.map(run, range(3)) for how in found]
    assert said == ["cut"] * 60
    for member in members:
        assert len(member.heard) == len(set(member.heard)) == 30
        assert member.errors == []
    for other in others:
        other.dispose()


def test_one_that_leaves_is_not_waited_for(database: Database, serve: Callable[[], Serving]) -> None:
    serve().stop()
    assert cut(database, "a") == []


def test_one_that_is_killed_is_not_waited_for_long(database: Database, database_url: str) -> None:
    process = member_process(database_url, "watched")
    process.kill()
    process.communicate()
    found = [each.how for each in cut(database, "a")]
    if database.dialect == "sqlite":
        assert found == []  # its file was not even listed
    else:
        assert found == ["lapsed"]  # nobody has said that it is dead
    assert cut(database, "b") == []


def test_a_frozen_one_is_ended_by_the_kernel(database: Database, database_url: str) -> None:
    process = member_process(database_url, "watched")
    os.kill(process.pid, signal.SIGSTOP)
    [acknowledgement] = cut(database, "a")
    assert acknowledgement.how in {"ended", "lapsed"}
    assert acknowledgement.seconds < LIMIT + 0.3
    assert process.wait(0.1) == -signal.SIGKILL
    process.communicate()


def test_the_kernel_leaves_one_alone_that_reads(database_url: str) -> None:
    process = member_process(database_url, "watched")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(WATCHDOG + 0.5)
    process.kill()
    process.communicate()


def test_one_that_says_nothing_is_given_up_at_the_limit(database: Database, database_url: str) -> None:
    process = member_process(database_url, "unwatched")
    os.kill(process.pid, signal.SIGSTOP)
    [acknowledgement] = cut(database, "a")
    assert acknowledgement.how == "lapsed"
    # From before its change on PostgreSQL, from its commit on SQLite.
    assert LIMIT * 0.8 <= acknowledgement.seconds < LIMIT + 0.5
    process.kill()
    process.communicate()


def test_who_could_not_be_listed_is_waited_for(
    postgres_database: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question who serves is cancelled by an administrator; the connection lives on, and could ask again."""
    other = open_database(postgres_url)
    member = open_bus(other).join(None)
    member.read(0)
    with open_bus(postgres_database).asking() as asking:
        with monkeypatch.context() as cancelled:
            cancelled.setattr(
                workers,
                "OTHERS",
                "SELECT %(own)s, pg_cancel_backend(pg_backend_pid())::text, 0, 0 FROM generate_series(1, 1000000)",
            )
            with postgres_database.change_credentials(["a"], asking.begin):
                pass
        assert [each.how for each in asking.settle()] == ["lapsed"]
    member.leave()
    other.dispose()


def test_an_expelled_member_is_told(postgres_database: Database, postgres_url: str) -> None:
    """Revocations do not wait for it any more, so it must know before it serves again."""
    other = open_database(postgres_url)
    member = open_bus(other).join(None)
    member.read(0)
    assert [each.how for each in cut(postgres_database, "a")] == ["lapsed"]
    assert cut(postgres_database, "b") == []
    with pytest.raises(Expelled):
        turn(member)
    member.leave()
    other.dispose()


def test_an_expelled_member_takes_nothing_back(postgres_database: Database, postgres_url: str) -> None:
    """What it says when it leaves may arrive when its process has joined anew, under the same name."""
    other = open_database(postgres_url)
    bus = open_bus(other)
    member = bus.join(None)
    with psycopg.connect(postgres_url, autocommit=True) as administrator:
        administrator.execute("DELETE FROM worker")
    with pytest.raises(Expelled):
        member.read(0)
    again = bus.join(None)
    member.leave()
    again.read(0)
    again.leave()
    assert cut(postgres_database, "a") == []
    other.dispose()


def test_one_that_beats_is_not_expelled(postgres_database: Database, postgres_url: str) -> None:
    other = open_database(postgres_url)
    member = open_bus(other).join(None)
    import threading

    def beat() -> None:
        """Without a word about what a notification has told."""
        before = boottime()
        while member.read(0).at < before:
            pass

    beats = threading.Timer(0.5, beat)
    beats.start()
    assert [each.how for each in cut(postgres_database, "a")] == ["lapsed"]
    beats.join()
    assert member.read(0).number > 0
    member.leave()
    other.dispose()


def test_a_worker_takes_the_place_of_the_dead_one_before_it(postgres_database: Database, postgres_url: str) -> None:
    place = WorkerPlace("node", 1)
    first, second = open_database(postgres_url), open_database(postgres_url)
    dead = open_bus(first).join(place)
    alive = open_bus(second).join(place)
    with pytest.raises(Expelled):
        dead.read(0)
    alive.read(0)
    dead.leave()
    alive.leave()
    assert cut(postgres_database, "a") == []
    first.dispose()
    second.dispose()


def test_a_member_whose_folder_is_removed_is_told(sqlite_database: Database, sqlite_url: str) -> None:
    import shutil

    assert sqlite_database.file is not None
    other = open_database(sqlite_url)
    member = open_bus(other).join(None)
    member.read(0)
    path = sqlite_database.file.path
    shutil.rmtree(path.with_name(path.name + "-bus"))
    with pytest.raises(Expelled):
        member.read(0)
    member.leave()
    member = open_bus(other).join(None)
    member.read(0)
    member.leave()
    other.dispose()


def test_a_database_that_goes_away_meanwhile_is_waited_for(postgres_database: Database, postgres_url: str) -> None:
    """Committed, and then nobody can be asked: at the limit every lease is over."""
    other = open_database(postgres_url)
    member = open_bus(other).join(None)
    member.read(0)
    with open_bus(postgres_database).asking() as asking:
        with postgres_database.change_credentials(["a"], asking.begin):
            pass
        with psycopg.connect(postgres_url, autocommit=True) as administrator:
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        begun = time.monotonic()
        [acknowledgement] = asking.settle()
        assert acknowledgement.how == "lapsed"
        assert time.monotonic() - begun > LIMIT - 0.5
    told: list[str] = []

    def read_to_the_end() -> None:
        while True:
            told.extend(member.read(0).ids)  # what had come before the farewell, if anything had

    with pytest.raises(StoreUnavailable):
        read_to_the_end()
    assert [*told, *member.read(0).ids] == ["a"]
    member.leave()
    other.dispose()


def test_a_revocation_after_the_server_restarted_its_sessions(postgres_database: Database, postgres_url: str) -> None:
    bus = open_bus(postgres_database)
    with bus.asking():
        pass
    with psycopg.connect(postgres_url, autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    with bus.asking():
        pass


def test_a_process_with_more_than_a_thousand_files_can_revoke(
    sqlite_database: Database, serve_sqlite: Callable[[], Serving]
) -> None:
    """A busy worker's next descriptor is beyond what select(2) knows."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    serving = serve_sqlite()
    held = [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC) for _ in range(1100)]
    try:
        assert [each.how for each in cut(sqlite_database, "a")] == ["cut"]
        assert serving.heard == ["a"]
    finally:
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_join_that_fails_leaves_nothing_open(sqlite_database: Database, sqlite_url: str) -> None:
    from pathlib import Path

    assert sqlite_database.file is not None
    path = sqlite_database.file.path
    other = open_database(sqlite_url)
    with other.read():
        pass
    bus = open_bus(other)
    bus.join(None).leave()
    before = len(list(Path("/proc/self/fd").iterdir()))
    path.rename(path.with_suffix(".away"))
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            bus.join(None)
    path.with_suffix(".away").rename(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert cut(sqlite_database, "a") == []
    other.dispose()


def test_a_session_that_ends_before_it_listens_is_replaced(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is just stopping accepts, and says farewell: the member must not keep what is left of that."""
    from dav_gateway.bus.postgres_member import PostgresMember

    other = open_database(postgres_url)
    member = open_bus(other).join(None)
    listen = PostgresMember._listen

    def severed(connection: psycopg.Connection) -> None:
        with psycopg.connect(postgres_url, autocommit=True) as administrator:
            administrator.execute("SELECT pg_terminate_backend(%s, 2000)", [connection.info.backend_pid])
        listen(connection)  # type: ignore[arg-type]

    with psycopg.connect(postgres_url, autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    with pytest.raises(StoreUnavailable):
        member.read(0)
    with monkeypatch.context() as patch:
        patch.setattr(PostgresMember, "_listen", staticmethod(severed))
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                member.read(0)
    assert member.read(0).ids == ()
    member.leave()
    other.dispose()


@pytest.mark.parametrize("moves", ["never", "at first", "at last"])
def test_the_wait_for_the_locks_of_one_who_has_stopped_counts(postgres_url: str, moves: str) -> None:
    """It is expelled LIMIT after its beat was seen to stand, not after the commit; unless it was still alive then."""
    database = open_database(postgres_url)
    other = open_database(postgres_url)
    member = open_bus(other).join(None)
    waited = LIMIT * 0.7
    with open_bus(database).asking() as asking:
        if moves == "at first":
            member.read(0)
        time.sleep(waited)  # as a change of credentials waits for locks
        if moves == "at last":
            member.read(0)
        with database.change_credentials(["a"], asking.begin):
            pass
        begun = time.monotonic()
        [acknowledgement] = asking.settle()
    took = time.monotonic() - begun
    assert acknowledgement.how == "lapsed"
    assert took > LIMIT * 0.8 if moves == "at last" else took < LIMIT * 0.6
    with pytest.raises(Expelled):
        turn(member)
    member.leave()
    other.dispose()
    database.dispose()
