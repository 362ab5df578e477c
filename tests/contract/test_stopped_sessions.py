"""PostgreSQL: a node that has stopped, or is cut off, inside a transaction does not keep a revocation waiting."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from dav_gateway.core.moment import Moment
from dav_gateway.store import accounts
from dav_gateway.store.database import Database
from dav_gateway.store.postgres_backend import PATIENCE, _key

SLOW = 3.0
"""Seconds that a machine busy with other tests may add."""


@pytest.fixture
def stopped(postgres_url: str) -> Iterator["Stopped"]:
    with ExitStack() as rooms:
        yield Stopped(postgres_url, rooms)


class Stopped:
    """Sessions of another node, each inside a transaction that does not go on."""

    def __init__(self, url: str, rooms: ExitStack) -> None:
        self._url = url
        self._rooms = rooms

    def after(self, *statements: str) -> psycopg.Connection:
        connection = self._rooms.enter_context(psycopg.connect(self._url))
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]
        return connection


def is_ended(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


@pytest.fixture
def ana(postgres_database: Database) -> int:
    with postgres_database.write() as c:
        return accounts.add(
            c, name="ana", email="ana@x.example", display_name="Ana", admin=False, language="en", now=Moment(1)
        ).id


def test_a_row_lock_of_a_stopped_session(postgres_database: Database, ana: int, stopped: Stopped) -> None:
    holder = stopped.after("UPDATE account SET title = 'x'")
    begun = time.monotonic()
    with postgres_database.change_credentials(["k7mqx"]) as c:
        accounts.change(c, ana, active=False)
    assert PATIENCE * 0.9 < time.monotonic() - begun < PATIENCE + SLOW
    assert is_ended(holder)


def test_a_stopped_revocation(postgres_database: Database, stopped: Stopped) -> None:
    """It holds the lock that orders cuts."""
    holder = stopped.after("INSERT INTO cut (credential_id, at, process) VALUES ('zzzzz', 1, 'x')", CUT_ORDER)
    begun = time.monotonic()
    with postgres_database.change_credentials(["k7mqx"]):
        pass
    assert time.monotonic() - begun < PATIENCE + SLOW
    assert is_ended(holder)


CUT_ORDER = f"SELECT pg_advisory_xact_lock({0x0DA8}, 0)"


def test_many_stopped_writers_together_cost_one_wait(postgres_database: Database, stopped: Stopped) -> None:
    ids = [f"k7mq{letter}" for letter in "abcdef"]
    writers = [stopped.after(f"SELECT pg_advisory_xact_lock_shared({0x0DA7}, {_key(each)})") for each in ids]
    begun = time.monotonic()
    with postgres_database.change_credentials(ids):
        pass
    assert PATIENCE * 0.9 < time.monotonic() - begun < PATIENCE + SLOW
    assert all(is_ended(writer) for writer in writers)


def test_a_session_that_only_reads_is_left_alone(postgres_database: Database, ana: int, stopped: Stopped) -> None:
    reader = stopped.after("SELECT * FROM account")
    holder = stopped.after("UPDATE account SET title = 'x'")
    with postgres_database.change_credentials(["k7mqx"]) as c:
        accounts.change(c, ana, active=False)
    assert is_ended(holder)
    assert not is_ended(reader)
