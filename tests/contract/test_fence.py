"""The promise of revocation at the store: when `change_credentials` has returned, no write is committed any more.

The oracle counts a credential's rows right after its revocation returned and again when all is quiet. Meanwhile six
threads in two processes write flat out.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dav_gateway.core.credential import Credential
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.store import audit as audit_rows
from dav_gateway.store import credentials
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database, Fence, open_database
from dav_gateway.store.postgres_backend import PATIENCE
from dav_gateway.store.schema import audit

ROUNDS = 40
T1 = Moment(1_790_000_000_001)
PROGRAM = Path(__file__).with_name("writing_process.py")


def test_nothing_is_committed_after_revocation_returned(
    database: Database, database_url: str, issue: Callable[..., Credential]
) -> None:
    grown, waited = _race(database, database_url, issue, "fenced")
    assert grown == 0
    # Fair: a revocation among six writers waits for a turn, not for a gap.
    assert max(waited) < 1
    assert sorted(waited)[len(waited) // 2] < 0.25


def test_the_oracle_sees_a_check_in_front_of_the_lock(
    database: Database, database_url: str, issue: Callable[..., Credential]
) -> None:
    grown, _ = _race(database, database_url, issue, "early")
    assert grown > 0


def _race(database: Database, url: str, issue: Callable[..., Credential], mode: str) -> tuple[int, list[float]]:
    """How many credentials have more rows at the end than when their revocation returned, and how long each took."""
    ids = [issue(id=f"id{number:03}").id for number in range(ROUNDS)]
    command = [sys.executable, str(PROGRAM), url, mode, "3", *ids]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    counted, waited = [], []
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
        for credential_id in ids:
            while _rows(database, credential_id) < 10:
                time.sleep(0.001)
            begun = time.monotonic()
            with database.change_credentials([credential_id]) as c:
                credentials.change(c, credential_id, revoked_at=T1)
            waited.append(time.monotonic() - begun)
            counted.append(_rows(database, credential_id))
        assert [writer.wait(60) for writer in writers] == [0, 0]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    return sum(_rows(database, each) != rows for each, rows in zip(ids, counted, strict=True)), waited


def _rows(database: Database, credential_id: str) -> int:
    with database.read() as c:
        return c.execute(select(func.count()).where(audit.c.credential_id == credential_id)).scalar_one()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_writer_that_is_stuck_does_not_hold_up_a_revocation(
    database: Database, database_url: str, issue: Callable[..., Credential]
) -> None:
    """Its session is ended and rolled back. (On SQLite it would hold the whole file: see test_writer_mutex.)"""
    issue()
    node = open_database(database_url)
    waited = []

    def get_stuck() -> None:
        with node.write(Fence("k7mqx", lambda _: None)) as c:
            audit_rows.append(c, Event(T1, "used", credential_id="k7mqx"))
            begun = time.monotonic()
            with database.change_credentials(["k7mqx"]) as other:
                credentials.change(other, "k7mqx", revoked_at=T1)
            waited.append(time.monotonic() - begun)

    with pytest.raises(StoreUnavailable):
        get_stuck()
    node.dispose()
    assert PATIENCE * 0.9 < waited[0] < PATIENCE + 2
    assert _rows(database, "k7mqx") == 0


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_writers_of_other_credentials_do_not_wait(
    database: Database, database_url: str, issue: Callable[..., Credential]
) -> None:
    issue(id="mine")
    issue(id="other")
    with database.write(Fence("other", lambda _: None)):
        begun = time.monotonic()
        with database.change_credentials(["mine"]) as c:
            credentials.change(c, "mine", revoked_at=T1)
        assert time.monotonic() - begun < 0.5
