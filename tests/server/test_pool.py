"""The threads."""

import asyncio
import gc
import threading
import weakref

import pytest

from dav_gateway.server.pool import Busy, ThreadPool


@pytest.fixture
def pool():
    made = ThreadPool(2, 1)
    yield made
    made.close()


def test_results_and_errors_come_back(pool):
    def fail(error):
        raise error

    async def main():
        assert await pool.run(lambda a, b: a + b, 1, 2) == 3
        for error in (ValueError("x"), SystemExit(), KeyboardInterrupt()):
            with pytest.raises(type(error)):
                await pool.run(fail, error)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await pool.run(fail, StopIteration())
        assert await pool.run(threading.get_ident) != threading.get_ident()

    asyncio.run(main())


def test_the_thread_that_worked_last_is_asked_first(pool):
    async def main():
        seen = set()
        for _ in range(20):
            seen.add(await pool.run(threading.get_ident))
            while len(pool._idle) < 2:
                await asyncio.sleep(0)
        assert len(seen) == 1

    asyncio.run(main())


def test_bound_and_recovery(pool):
    release = threading.Event()

    async def main():
        waiting = [asyncio.create_task(pool.run(release.wait, 5)) for _ in range(3)]
        await asyncio.sleep(0.05)
        with pytest.raises(Busy):
            await pool.run(int)
        release.set()
        assert await asyncio.gather(*waiting) == [True] * 3
        assert await pool.run(int) == 0

    asyncio.run(main())


def test_a_call_given_up_while_it_waits_is_not_made(pool):
    release = threading.Event()
    called = []

    async def main():
        blocking = [asyncio.create_task(pool.run(release.wait, 5)) for _ in range(2)]
        await asyncio.sleep(0.05)
        given_up = asyncio.create_task(pool.run(called.append, 1))
        await asyncio.sleep(0.01)
        given_up.cancel()
        await asyncio.sleep(0.01)
        release.set()
        await asyncio.gather(*blocking)
        assert await pool.run(int) == 0

    asyncio.run(main())
    assert called == []


def test_a_waiting_thread_keeps_nothing_alive(pool):
    class Request:
        pass

    async def main():
        request = Request()
        seen = weakref.ref(request)
        await pool.run(id, request)
        del request
        await asyncio.sleep(0.05)
        gc.collect()
        assert seen() is None

    asyncio.run(main())


def test_a_loop_that_is_gone_ends_the_thread_quietly():
    pool = ThreadPool(1, 1)
    release = threading.Event()

    async def main():
        task = asyncio.create_task(pool.run(release.wait, 5))
        await asyncio.sleep(0.02)
        task.cancel()

    asyncio.run(main())
    release.set()
    pool.close()
    assert not pool._threads[0].is_alive()
