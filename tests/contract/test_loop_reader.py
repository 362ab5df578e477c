"""The event loop's own connections to PostgreSQL."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import func, literal, select, text

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.store.database import Database, open_database
from dav_gateway.store.loop_reader import LoopReader
from dav_gateway.store.postgres_loop_reader import CONNECTIONS
from dav_gateway.store.prepared import Prepared

ONE = Prepared(select(literal(1)))
ASLEEP = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()")


@pytest.fixture
def reader(postgres_database: Database) -> LoopReader:
    found = postgres_database.loop_reader()
    assert found is not None
    return found


@pytest.fixture
def runner(reader: LoopReader) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
        reader.close()


def sleeping(seconds: float) -> Prepared:
    return Prepared(select(literal(1)).where(func.pg_sleep(seconds).is_not(None)))


async def opened(reader: LoopReader, statements: int = 1) -> None:
    """Return when so many statements can be asked at once."""
    for _ in range(500):
        found = await asyncio.gather(
            *(reader.rows(sleeping(0.02), {}) for _ in range(statements)), return_exceptions=True
        )
        if not any(isinstance(each, BaseException) for each in found):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("there are too few connections")


def test_nobody_waits_where_nobody_has_to(sqlite_database: Database) -> None:
    assert sqlite_database.loop_reader() is None


def test_connections_are_opened_as_they_are_needed(reader: LoopReader, runner: asyncio.Runner) -> None:
    with pytest.raises(StoreUnavailable):
        runner.run(reader.rows(ONE, {}))
    runner.run(opened(reader))
    assert [tuple(row) for row in runner.run(reader.rows(ONE, {}))] == [(1,)]
    runner.run(opened(reader, CONNECTIONS))

    async def one_more() -> list[object]:
        asked = (reader.rows(sleeping(0.05), {}) for _ in range(CONNECTIONS + 1))
        return await asyncio.gather(*asked, return_exceptions=True)

    for _ in range(3):
        failed = [each for each in runner.run(one_more()) if isinstance(each, BaseException)]
        assert [type(each) for each in failed] == [StoreUnavailable]


def test_what_is_cancelled_is_not_waited_for(
    reader: LoopReader, runner: asyncio.Runner, postgres_database: Database
) -> None:
    def asleep() -> int:
        with postgres_database.read() as c:
            return int(c.execute(ASLEEP).scalar_one())

    async def cancelled() -> None:
        task = asyncio.create_task(reader.rows(sleeping(20), {}))
        while not await asyncio.to_thread(asleep):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asleep() == 1, "the database was asked to end it"

    runner.run(opened(reader))
    runner.run(cancelled())
    runner.run(opened(reader))


def test_a_database_that_is_away_is_told_as_unavailable() -> None:
    database = open_database("postgresql://nobody@127.0.0.1:9/none")
    reader = database.loop_reader()
    assert reader is not None

    async def asked() -> None:
        for _ in range(5):
            with pytest.raises(StoreUnavailable):
                await reader.rows(ONE, {})
            await asyncio.sleep(0.02)

    asyncio.run(asked())
    database.dispose()
