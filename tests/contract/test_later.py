"""Calls that are made after a while, unless they are not needed any more."""

import threading

import pytest

from dav_gateway.store import later

FOR_EVER = 3600.0


def test_it_is_made_once() -> None:
    made: list[threading.Thread] = []
    done = threading.Event()

    def note() -> None:
        made.append(threading.current_thread())
        done.set()

    call = later.call(0.01, note)
    assert done.wait(10)
    thread = call.cancel()
    assert thread is not None
    thread.join()
    assert made == [thread]


def test_one_that_is_not_needed_any_more_starts_no_thread() -> None:
    made: list[int] = []
    after = threading.Event()
    calls = [later.call(0.05, lambda: made.append(1)) for _ in range(3)]
    assert [call.cancel() for call in calls] == [None] * 3
    later.call(0.05, after.set)
    assert after.wait(10)  # it was due after them
    assert made == []


def test_one_that_is_due_before_others_is_not_kept_waiting() -> None:
    last = later.call(FOR_EVER, lambda: None)
    soon = threading.Event()
    later.call(0.01, soon.set)
    assert soon.wait(10)
    assert last.cancel() is None


def test_one_that_takes_long_holds_up_nobody() -> None:
    go, soon = threading.Event(), threading.Event()
    slow = later.call(0, go.wait)
    later.call(0.01, soon.set)
    assert soon.wait(10)
    go.set()
    thread = slow.cancel()
    assert thread is not None
    thread.join()


def test_one_for_which_there_is_no_room_now_is_begun_a_little_later(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[threading.Thread] = []
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "later-call" and not refused:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    made = threading.Event()
    call = later.call(0, made.set)
    assert made.wait(10)
    thread = call.cancel()
    assert thread is not None
    thread.join()
    assert len(refused) == 1


def test_one_that_was_refused_is_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    made: list[int] = []
    after = threading.Event()
    with monkeypatch.context() as full:
        full.setattr(later, "_runner", None)
        full.setattr(threading.Thread, "start", no_room)
        with pytest.raises(RuntimeError):
            later.call(0, lambda: made.append(1))
    later.call(0.01, after.set)
    assert after.wait(10)
    assert made == []


def test_the_thread_that_keeps_the_time_ends_and_comes_back() -> None:
    with later._changed:
        later._calls.clear()
        idle, later._IDLE_SECONDS = later._IDLE_SECONDS, 0.01
        later._changed.notify()
    try:
        first, second = threading.Event(), threading.Event()
        later.call(0, first.set)
        assert first.wait(10)
        runner = later._runner
        if runner is not None:
            runner.join(10)
        assert later._runner is None
        later.call(0, second.set)
        assert second.wait(10)
    finally:
        later._IDLE_SECONDS = idle
