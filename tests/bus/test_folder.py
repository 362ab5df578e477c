"""The folder beside a SQLite file: who enters, who is found, and what dead ones left."""

import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dav_gateway.bus import sqlite_folder
from dav_gateway.bus.opening import open_bus
from dav_gateway.bus.protocol import Member
from dav_gateway.bus.sqlite_folder import SqliteFolder
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.store.database import Database, open_database


@pytest.fixture
def folder(sqlite_database: Database) -> Iterator[SqliteFolder]:
    """The folder as a revocation opens it."""
    opened = SqliteFolder(_file(sqlite_database))
    yield opened
    opened.close()


def _file(database: Database) -> Path:
    assert database.file is not None
    return database.file.path


@contextmanager
def _no_room() -> Iterator[None]:
    """No file of this process grows, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_who_could_not_enter_a_full_disk_can_try_again(sqlite_database: Database, folder: SqliteFolder) -> None:
    bus = open_bus(sqlite_database)
    with _no_room(), pytest.raises(StoreUnavailable, match="cannot be joined"):
        bus.join(None)
    member = bus.join(None)
    assert [each.id for each in folder.members()] == [sqlite_database.process]
    member.leave()


def test_what_a_dead_one_left_is_removed(sqlite_database: Database, folder: SqliteFolder) -> None:
    ear = folder.bind("dead")
    ear.close()
    os.close(folder.enter("dead", None))
    place = _file(sqlite_database).with_name(_file(sqlite_database).name + "-bus")
    assert len(list(place.iterdir())) == 2
    assert list(folder.members()) == []
    assert list(place.iterdir()) == []


def test_one_that_joins_anew_is_not_taken_for_the_one_it_was(
    sqlite_url: str, folder: SqliteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a revocation's opening of its file and the look at the lock: other revocations would not wait for it."""
    other = open_database(sqlite_url)
    bus = open_bus(other)
    joined: list[Member] = [bus.join(None)]
    is_free = sqlite_folder._is_free

    def late(file: int) -> bool:
        monkeypatch.setattr(sqlite_folder, "_is_free", is_free)
        joined.pop().leave()
        joined.append(bus.join(None))
        return is_free(file)

    monkeypatch.setattr(sqlite_folder, "_is_free", late)
    assert list(folder.members()) == []
    assert [each.id for each in folder.members()] == [other.process]
    joined[0].read(0)
    joined[0].leave()
    other.dispose()


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(sqlite_database: Database, folder: SqliteFolder) -> None:
    path = _file(sqlite_database)
    shutil.rmtree(path.with_name(path.name + "-bus"))
    with pytest.raises(OSError, match="No such file"):
        list(folder.members())
