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
        assert await pool.run("ana", lambda a, b: a + b, 1, 2) == 3
        for error in (ValueError("x"), SystemExit(), KeyboardInterrupt()):
            with pytest.raises(type(error)):
                await pool.run("ana", fail, error)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await pool.run("ana", fail, StopIteration())
        assert await pool.run("ana", threading.get_ident) != threading.get_ident()

    asyncio.run(main())


def test_the_thread_that_worked_last_is_asked_first(pool):
    async def main():
        seen = set()
        for _ in range(20):
            seen.add(await pool.run("ana", threading.get_ident))
            while len(pool._idle) < 2:
                await asyncio.sleep(0)
        assert len(seen) == 1

    asyncio.run(main())


def test_bound_and_recovery(pool):
    release = threading.Event()

    async def main():
        waiting = [asyncio.create_task(pool.run(whose, release.wait, 5)) for whose in ("ana", "ben", "eva")]
        await asyncio.sleep(0.05)
        with pytest.raises(Busy):
            await pool.run("zoe", int)
        release.set()
        assert await asyncio.gather(*waiting) == [True] * 3
        assert await pool.run("ana", int) == 0

    asyncio.run(main())


def test_who_has_much_to_do_leaves_room_for_others():
    pool = ThreadPool(4, 12)
    release = threading.Event()

    async def main():
        many = [asyncio.create_task(pool.run("ana", release.wait, 5)) for _ in range(3 + 6)]
        await asyncio.sleep(0.05)
        assert pool._idle, "one thread is not for her"
        with pytest.raises(Busy):
            await pool.run("ana", int)
        assert await pool.run("ben", int) == 0
        release.set()
        assert await asyncio.gather(*many) == [True] * 9
        assert await pool.run("ana", int) == 0

    asyncio.run(main())
    pool.close()


def test_what_is_queued_is_done_before_the_threads_end():
    pool = ThreadPool(2, 8)
    release = threading.Event()
    done = []

    async def main():
        calls = [(release.wait, 5), (done.append, 1), (done.append, 2)]
        tasks = [asyncio.create_task(pool.run("ana", call, argument)) for call, argument in calls]
        await asyncio.sleep(0.02)
        release.set()
        pool.close()
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert done == [1, 2]
    assert not any(thread.is_alive() for thread in pool._threads)


def test_a_call_given_up_while_it_waits_is_not_made(pool):
    release = threading.Event()
    called = []

    async def main():
        blocking = [asyncio.create_task(pool.run(whose, release.wait, 5)) for whose in ("ben", "eva")]
        await asyncio.sleep(0.05)
        given_up = asyncio.create_task(pool.run("ana", called.append, 1))
        await asyncio.sleep(0.01)
        given_up.cancel()
        await asyncio.sleep(0.01)
        release.set()
        await asyncio.gather(*blocking)
        assert await pool.run("ana", int) == 0

    asyncio.run(main())
    assert called == []


def test_a_waiting_thread_keeps_nothing_alive(pool):
    class Request:
        pass

    async def main():
        request = Request()
        seen = weakref.ref(request)
        await pool.run("ana", id, request)
        del request
        await asyncio.sleep(0.05)
        gc.collect()
        assert seen() is None

    asyncio.run(main())


def test_a_loop_that_is_gone_ends_the_thread_quietly():
    pool = ThreadPool(1, 1)
    release = threading.Event()

    async def main():
        task = asyncio.create_task(pool.run("ana", release.wait, 5))
        await asyncio.sleep(0.02)
        task.cancel()

    asyncio.run(main())
    release.set()
    pool.close()
    assert not pool._threads[0].is_alive()


def test_threads_that_hang_are_waited_for_together(monkeypatch):
    release, waits = threading.Event(), []
    join = threading.Thread.join

    def noted(thread, timeout=None):
        waits.append(timeout)
        join(thread, timeout)

    def hang():
        begun.append(None)
        release.wait()

    pool, begun = ThreadPool(4, 1), []

    async def main():
        hanging = [asyncio.ensure_future(pool.run(whose, hang)) for whose in "abcd"]
        while len(begun) < 4:
            await asyncio.sleep(0)
        assert not any(each.done() for each in hanging)

    asyncio.run(main())
    with monkeypatch.context() as counted:
        counted.setattr(threading.Thread, "join", noted)
        pool.close(0.1)
    assert len(waits) == 4
    assert sum(waits) < 0.2
    release.set()
    pool.close()
