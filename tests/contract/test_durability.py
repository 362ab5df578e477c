"""What was answered survives kill -9: each object whose commit had returned is there, whole, and counted."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from dav_gateway.store import collections, objects
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database

PROGRAM = Path(__file__).with_name("writing_process.py")


@pytest.mark.parametrize(("seconds", "threads"), [(0.1, 1), (0.3, 1), (0.2, 8), (0.4, 8)])
def test_a_killed_writer_loses_nothing_acknowledged(
    database: Database, database_url: str, calendar: Collection, seconds: float, threads: int
) -> None:
    command = [sys.executable, str(PROGRAM), database_url, "acknowledged", str(threads)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline()]
        time.sleep(seconds)
        writer.kill()
        said += writer.stdout.readlines()
    acknowledged = [line.decode().strip() for line in said if line.endswith(b"\n")]
    assert acknowledged
    with database.write() as c:
        inside = collections.get(c, calendar.id)
        stored = list(objects.every(c, calendar.id))
    assert inside is not None
    names = {one.name for one in stored}
    assert names >= set(acknowledged)
    # The last of each thread may have been committed without being acknowledged; nothing may be there by half.
    assert len(names) <= len(acknowledged) + threads
    assert sorted(one.change for one in stored) == list(range(1, inside.change + 1))
    assert all(one.octets == one.name.encode() * 100 for one in stored)
