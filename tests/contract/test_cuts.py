"""Cuts: every process learns of every changed credential once, in the order of commit, and of nothing else."""

import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from dav_gateway.core.credential import Credential
from dav_gateway.core.moment import Moment
from dav_gateway.store import credentials, cuts
from dav_gateway.store.database import Database, open_database


def test_a_feed_tells_what_came_after_its_first_look(database: Database, database_url: str) -> None:
    other = open_database(database_url)
    with closing(database.credential_changes()) as feed:
        _cut(other, "before")
        assert feed.take() == []
        assert feed.take() == []
        _cut(other, "b", "a", "a")
        _cut(other, "c")
        _cut(database, "own")
        assert feed.take() == ["a", "b", "c"]  # who says it has carried it out
        assert feed.take() == []
        _cut(other, "a")
        assert feed.take() == ["a"]
    other.dispose()


def test_other_writes_are_no_cuts(database: Database, issue: Callable[..., Credential]) -> None:
    with closing(database.credential_changes()) as feed:
        assert feed.take() == []
        issue()
        with database.write() as c:
            credentials.change(c, "k7mqx", label="renamed")
        with database.change_credentials([]):
            pass
        assert feed.take() == []


def test_a_closed_feed_goes_on_where_it_was(database: Database, database_url: str) -> None:
    other = open_database(database_url)
    feed = database.credential_changes()
    feed.take()
    feed.close()
    _cut(other, "a")
    assert feed.take() == ["a"]
    feed.close()
    other.dispose()


def test_cuts_carry_the_time_and_are_forgotten_by_it(database_url: str) -> None:
    moment = Moment(5)
    database = open_database(database_url, clock=lambda: moment)
    _cut(database, "a")
    moment = Moment(6)
    _cut(database, "b")
    with database.write() as c:
        [(first, _), (second, _)] = credentials.cuts_after(c, 0)
        assert cuts.forget(c, before=Moment(6)) == 1
        assert credentials.cuts_after(c, 0) == [(second, "b")]
        assert cuts.forget(c, before=Moment(7)) == 1
        assert credentials.last_cut(c) == 0
    _cut(database, "c")
    with database.read() as c:
        assert credentials.last_cut(c) > second > first
        assert credentials.cuts_after(c, second) == [(credentials.last_cut(c), "c")]
    database.dispose()


def test_no_cut_becomes_visible_after_a_later_one(database: Database, database_url: str) -> None:
    """Sequence numbers are drawn before the commit: without an order a reader would pass over the slower one."""
    stop = threading.Event()
    told: list[str] = []
    other = open_database(database_url)
    feed = other.credential_changes()
    feed.take()

    def follow() -> None:
        while not stop.is_set():
            told.extend(feed.take())

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
    told.extend(feed.take())
    feed.close()
    other.dispose()
    assert len(told) == len(set(told)) == 4 * 40 * 6


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_feed_notices_within_the_watchers_interval(database: Database, database_url: str) -> None:
    other = open_database(database_url)
    with closing(database.credential_changes()) as feed:
        feed.take()
        _cut(other, "a")
        begun = time.monotonic()
        assert feed.take() == ["a"]
        assert time.monotonic() - begun < 0.02
    other.dispose()


def _cut(database: Database, *ids: str) -> None:
    with database.change_credentials(ids):
        pass
