"""The writer mutex: in order, between processes too, and never for ever."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.store.writer_mutex import WriterMutex

HOLDER = """
import sys, time
from pathlib import Path
from dav_gateway.store.writer_mutex import WriterMutex
mutex = WriterMutex(Path(sys.argv[1]), 30)
mutex.acquire()
print("held", flush=True)
time.sleep(60)
"""

TAKER = """
import mmap, sys, time
from pathlib import Path
from dav_gateway.store.writer_mutex import WriterMutex
mutex = WriterMutex(Path(sys.argv[1]), 30)
with open(sys.argv[2], "r+b") as file:
    turns = mmap.mmap(file.fileno(), 8)
print("ready", flush=True)
until = time.monotonic() + float(sys.argv[3])
while time.monotonic() < until:
    mutex.acquire()
    time.sleep(0.001)
    turns[:] = (int.from_bytes(turns[:], "big") + 1).to_bytes(8, "big")
    mutex.release()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a database, beside which the lock files stand."""
    return tmp_path / "gateway.db"


@contextmanager
def _mutex(path: Path, limit: float = 10) -> Iterator[WriterMutex]:
    mutex = WriterMutex(path, limit)
    try:
        yield mutex
    finally:
        mutex.close()


@contextmanager
def _process(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_threads_get_it_in_the_order_in_which_they_asked(path: Path) -> None:
    served: list[str] = []
    with _mutex(path) as mutex:
        mutex.acquire()
        threads = [_asking(mutex, served, name) for name in "abcdef"]
        threads.append(_asking(mutex, served, "revoke 1", urgent=True))
        threads.append(_asking(mutex, served, "revoke 2", urgent=True))
        mutex.release()
        for thread in threads:
            thread.join()
    assert served == ["revoke 1", "revoke 2", *"abcdef"]


def _asking(mutex: WriterMutex, served: list[str], name: str, *, urgent: bool = False) -> threading.Thread:
    def run() -> None:
        mutex.acquire(urgent=urgent)
        served.append(name)
        mutex.release()

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.02)
    assert thread.is_alive()
    return thread


def test_one_at_a_time_in_a_process_and_between_objects(path: Path) -> None:
    inside, most = 0, 0

    def run(mutex: WriterMutex) -> None:
        nonlocal inside, most
        for _ in range(200):
            mutex.acquire()
            inside += 1
            most = max(most, inside)
            time.sleep(0)
            inside -= 1
            mutex.release()

    with _mutex(path) as one, _mutex(path) as two:
        threads = [threading.Thread(target=run, args=(mutex,)) for mutex in (one, one, one, two, two, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (inside, most) == (0, 1)


def test_a_thread_that_waits_too_long_gives_up_and_leaves_no_trace(path: Path) -> None:
    with _mutex(path, limit=0.2) as mutex:
        mutex.acquire()
        late: list[BaseException] = []

        def run() -> None:
            try:
                mutex.acquire()
            except StoreUnavailable as error:
                late.append(error)

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(late) == 3
        mutex.release()
        mutex.acquire()
        mutex.release()


def test_without_room_for_a_thread_it_is_refused_and_nothing_is_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with _mutex(path, limit=0.5) as one, _mutex(path, limit=0.5) as two:
        one.acquire()
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", no_room)
            with pytest.raises(StoreUnavailable):
                two.acquire()
        thread = threading.Timer(0.05, one.release)
        thread.start()
        two.acquire()
        two.release()
        thread.join()
        two.acquire()
        two.release()


def test_a_second_turn_of_the_same_thread_is_a_mistake(path: Path) -> None:
    with _mutex(path, limit=0.2) as mutex:
        mutex.acquire()
        with pytest.raises(RuntimeError):
            mutex.acquire()
        mutex.release()


def test_a_process_that_dies_gives_it_back(path: Path) -> None:
    with _mutex(path) as mutex, _process(HOLDER, path) as holder:
        killer = threading.Timer(0.2, holder.kill)
        killer.start()
        begun = time.monotonic()
        mutex.acquire()
        assert 0.1 < time.monotonic() - begun < 5
        mutex.release()


def test_a_process_that_is_stopped_is_not_waited_for(path: Path) -> None:
    with _mutex(path, limit=0.3) as mutex, _process(HOLDER, path) as holder:
        holder.send_signal(signal.SIGSTOP)
        for _ in range(2):
            begun = time.monotonic()
            with pytest.raises(StoreUnavailable):
                mutex.acquire()
            assert 0.25 < time.monotonic() - begun < 2
        holder.kill()
        holder.wait()
        mutex.acquire()
        mutex.release()


def test_no_process_overtakes_another_for_long(path: Path, tmp_path: Path) -> None:
    """Two processes take it again at once whenever they gave it back; a third asks now and then, and counts how many
    turns the others have while it waits."""
    counter = tmp_path / "turns"
    counter.write_bytes(bytes(8))
    overtaken = []
    with _mutex(path) as mutex, _process(TAKER, path, counter, 30), _process(TAKER, path, counter, 30):
        for _ in range(200):
            before = int.from_bytes(counter.read_bytes(), "big")
            mutex.acquire()
            overtaken.append(int.from_bytes(counter.read_bytes(), "big") - before)
            mutex.release()
            time.sleep(0.003)
    assert sum(overtaken) > 0
    assert sum(overtaken) / len(overtaken) < 2.5
    assert max(overtaken) <= 20


def test_an_interrupted_wait_passes_the_turn_on(path: Path) -> None:
    """Ctrl-C while the main thread waits for its turn: the next one gets it."""
    with _mutex(path) as mutex:
        mutex.acquire()
        held, interrupted = threading.Event(), threading.Event()

        def run() -> None:
            mutex.acquire()
            held.set()
            interrupted.wait(5)
            mutex.release()

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.05)
        mutex.release()
        held.wait(5)
        interrupt = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        interrupt.start()
        # Whatever a test before this one has made of the signal.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                mutex.acquire()
        finally:
            signal.signal(signal.SIGINT, before)
            interrupted.set()
        thread.join()
        mutex.acquire()
        mutex.release()


def test_closing_while_the_porter_waits(path: Path) -> None:
    with _process(HOLDER, path):
        with _mutex(path, limit=0.1) as mutex, pytest.raises(StoreUnavailable):
            mutex.acquire()
        mutex.close()
    with _mutex(path) as mutex:
        mutex.acquire()
        mutex.release()
