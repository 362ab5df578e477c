"""The lease and its guard: everything is cut once for each lost lease, and what was served since is not forgotten."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dav_gateway.bus.times import LEASE, WATCHDOG, boottime
from dav_gateway.core.errors import GatewayError
from dav_gateway.service.cutter import Count
from dav_gateway.service.lease import Lease

from .test_watch import wait_for


class Counter:
    """A Cutter and a Watchdog that write down what they are asked; `during` is called in each cut of everything."""

    def __init__(self, during: Callable[[], None] = lambda: None) -> None:
        self.cuts = 0
        self.during = during
        self.until = 0.0

    def cut(self, ids: object) -> Count:
        return Count()

    def cut_all(self) -> Count:
        self.cuts += 1
        self.during()
        return Count(3, 1)

    def put_off(self, until: float) -> None:
        self.until = until

    def lift(self) -> None:
        self.until = 0.0


@contextmanager
def guarded(counter: Counter) -> Iterator[tuple[Lease, threading.Event]]:
    lease, stopping = Lease(counter, counter), threading.Event()
    thread = threading.Thread(target=lease.guard, args=(stopping,))
    thread.start()
    try:
        yield lease, stopping
    finally:
        stopping.set()
        thread.join()


def test_everything_is_cut_once_for_a_lost_lease() -> None:
    counter = Counter()
    with guarded(counter) as (lease, _):
        for lost in (1, 2):
            lease.renew(boottime())
            assert lease.holds
            assert not lease.empty
            wait_for(lambda: lease.empty)
            assert not lease.holds
            put_off = counter.until
            wait_for(lambda put_off=put_off: counter.until > put_off)  # type: ignore[misc]
            assert counter.cuts == lost
            assert counter.until <= boottime() + WATCHDOG


def test_a_process_that_was_never_served_from_has_nothing_to_cut() -> None:
    counter = Counter()
    with guarded(counter) as (lease, stopping):
        wait_for(lambda: counter.until)
        lease.give_up("told to", stopping)
        assert lease.empty
    assert counter.cuts == 0


@pytest.mark.parametrize("error", [GatewayError("not confirmed"), RuntimeError("unforeseen")], ids=repr)
def test_a_cut_that_is_not_confirmed_is_tried_again_and_the_watchdog_waits_for_it(error: Exception) -> None:
    failures = [error] * 3

    def fail() -> None:
        if failures:
            assert not lease.empty
            raise failures.pop()

    counter = Counter(fail)
    with guarded(counter) as (lease, _):
        began = boottime()
        lease.renew(began)
        put_off = counter.until
        wait_for(lambda: lease.empty)
        assert put_off == began + WATCHDOG
    assert counter.cuts == 4


def test_what_is_served_on_a_lease_renewed_during_a_cut_is_cut_at_its_end() -> None:
    """The renewal comes when the guard has looked at the connections, and is not yet back."""
    renewed: list[float] = []

    def renew() -> None:
        if not renewed:
            renewed.append(boottime())
            lease.renew(renewed[0])

    counter = Counter(renew)
    with guarded(counter) as (lease, stopping):
        lease.renew(boottime())
        wait_for(lambda: renewed)
        stopping.wait(0.1)
        assert lease.holds
        assert not lease.empty
        assert counter.until == renewed[0] + WATCHDOG
        lease.give_up("told to", stopping)
        assert lease.empty
    assert counter.cuts == 2


def test_a_read_that_took_too_long_renews_nothing() -> None:
    lease = Lease(counter := Counter(), counter)
    lease.renew(boottime() - LEASE)
    assert not lease.holds
    assert lease.empty
    assert counter.until == 0.0


def test_each_cut_is_told_with_its_reason_and_its_times(caplog: pytest.LogCaptureFixture) -> None:
    """The stress campaign judges by these words."""
    from tests.stress.cluster import told_cut

    caplog.set_level(logging.WARNING)
    counter = Counter()
    with guarded(counter) as (lease, stopping):
        lease.renew(began := boottime())
        lease.give_up("a revocation stopped waiting", stopping)
        lease.renew(boottime())
    [cut] = [told for record in caplog.records if (told := told_cut(record.getMessage().encode(), 80)) is not None]
    assert (cut.port, cut.why, cut.connections) == (80, "a revocation stopped waiting", 3)
    assert cut.lease_from == pytest.approx(began - boottime() + time.monotonic(), abs=0.1)
    assert cut.lease_from <= cut.began <= cut.ended
    assert "the database is followed again" in caplog.messages[-1]
