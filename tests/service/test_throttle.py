"""Token buckets of failures: per address prefix, per credential and prefix, bounded in memory."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.core.moment import HOUR, MINUTE, SECOND, Moment
from dav_gateway.service.throttle import Throttle, prefix_of


class Clock:
    def __init__(self) -> None:
        self.now = Moment(1_790_000_000_000)

    def __call__(self) -> Moment:
        return self.now

    def advance(self, milliseconds: int) -> None:
        self.now = Moment(self.now + milliseconds)


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:" + "x" * 100, "unix:" + "x" * 59),
    ],
)
def test_what_counts_as_one_origin(address: str, prefix: str) -> None:
    assert prefix_of(address) == prefix


def test_thirty_failures_of_an_address_then_one_a_second() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    assert [throttle.fail("192.0.2.7", str(number)) for number in range(31)] == [0] * 30 + [1]
    assert throttle.wait("192.0.2.7", "new") == 1
    assert throttle.wait("192.0.2.8", "new") == 0
    clock.advance(SECOND)
    assert throttle.wait("192.0.2.7", "new") == 0
    assert [throttle.fail("192.0.2.7", "new") for _ in range(2)] == [0, 1]
    clock.advance(HOUR)
    assert [throttle.fail("192.0.2.7", f"later {number}") for number in range(31)] == [0] * 30 + [1]


def test_ten_failures_of_a_credential_in_a_quarter_of_an_hour() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    assert [throttle.fail("192.0.2.7", "k7mqx") for _ in range(11)] == [0] * 10 + [90]
    assert throttle.fail("192.0.2.7", "other") == 0
    assert throttle.fail("192.0.2.8", "k7mqx") == 0
    clock.advance(15 * MINUTE)
    assert [throttle.fail("192.0.2.7", "k7mqx") for _ in range(11)] == [0] * 10 + [90]


def test_asking_counts_nothing_and_so_does_being_refused() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(1000):
        assert throttle.wait("192.0.2.7", "k7mqx") == 0
    for _ in range(1000):
        throttle.fail("192.0.2.7", "k7mqx")
    clock.advance(90 * SECOND)
    assert throttle.fail("192.0.2.7", "k7mqx") == 0


def test_memory_is_bounded() -> None:
    clock = Clock()
    throttle = Throttle(clock, size=100)
    chance = random.Random(1)
    for _ in range(5000):
        throttle.fail(f"192.0.{chance.randrange(256)}.{chance.randrange(256)}", str(chance.randrange(10_000)))
    assert len(throttle) <= 200
    throttle = Throttle(clock)
    for number in range(5000):
        throttle.fail("192.0.2.7", str(number))
    assert len(throttle) == 31  # what is refused leaves no trace


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(31):
        throttle.fail("192.0.2.7", "k7mqx")
    clock.advance(-24 * HOUR)
    assert throttle.wait("192.0.2.7", "k7mqx") <= 90
    clock.advance(15 * MINUTE)
    assert throttle.fail("192.0.2.7", "k7mqx") == 0


@given(st.lists(st.integers(0, 5000), max_size=200))
def test_never_more_than_the_allowance(pauses: list[int]) -> None:
    clock = Clock()
    started = clock.now
    throttle = Throttle(clock)
    allowed = 0
    for number, pause in enumerate(pauses):
        clock.advance(pause)
        allowed += throttle.fail("192.0.2.7", str(number)) == 0
    assert allowed <= 30 + (clock.now - started) // SECOND + 1


def test_a_failure_that_was_none_is_taken_back() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    throttle.forgive("192.0.2.7", "abcde")
    assert len(throttle) == 0
    for _ in range(100):
        assert throttle.fail("192.0.2.7", "abcde") == 0
        throttle.forgive("192.0.2.7", "abcde")
    assert len(throttle) == 0
    for _ in range(10):
        assert throttle.fail("192.0.2.7", "abcde") == 0
    assert throttle.fail("192.0.2.7", "abcde") > 0
    throttle.forgive("192.0.2.7", "abcde")
    assert throttle.fail("192.0.2.7", "abcde") == 0
    assert throttle.fail("192.0.2.7", "abcde") > 0
    throttle.forgive("192.0.2.8", "abcde")
    assert throttle.fail("192.0.2.7", "abcde") > 0
