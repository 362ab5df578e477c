"""Bounded Argon2 work: so many at once, so many waiting, so long; suspects share one slot; BLAKE2b never waits."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from dav_gateway.core.errors import Overloaded
from dav_gateway.core.verifier import BLAKE2B, CHEAPEST, Profile, check, make
from dav_gateway.service.hashing import Hashing

SLOW = Profile("slow", time_cost=3, memory_cost=8 * 1024, parallelism=1)


def hashing(profile: Profile = CHEAPEST, *, slots: int = 2, waiting: int = 2, patience: float = 0.05) -> Hashing:
    return Hashing(profile, os.urandom, slots=slots, waiting=waiting, patience=patience)


def fill(stack: ExitStack, bounded: Hashing, slots: int) -> None:
    for _ in range(slots):
        stack.enter_context(bounded._all.slot())


@pytest.mark.parametrize("profile", [CHEAPEST, BLAKE2B], ids=lambda profile: profile.name)
def test_it_makes_and_checks(profile: Profile) -> None:
    bounded = hashing(profile)
    verifier = bounded.make("secret")
    assert bounded.check(verifier, "secret")
    assert not bounded.check(verifier, "other")
    assert not bounded.needs_rehash(verifier)
    assert bounded.make("secret") != verifier


def test_beyond_the_bound_it_is_an_overload_and_afterwards_it_works_again() -> None:
    bounded = hashing()
    verifier = bounded.make("secret")
    with ExitStack() as busy:
        fill(busy, bounded, 2)
        started = time.monotonic()
        with pytest.raises(Overloaded, match="too long"):
            bounded.check(verifier, "secret")
        assert time.monotonic() - started >= 0.05
        with pytest.raises(Overloaded):
            bounded.make("secret")
        with pytest.raises(Overloaded):
            bounded.check_nothing("secret")
    assert bounded.check(verifier, "secret")


def test_no_more_may_wait_than_there_is_room() -> None:
    bounded = hashing(waiting=1, patience=5)
    verifier = bounded.make("secret")
    with ThreadPoolExecutor(1) as pool:
        with ExitStack() as busy:
            fill(busy, bounded, 2)
            waiting = pool.submit(bounded.check, verifier, "secret")
            while bounded._all._room:
                time.sleep(0.001)
            started = time.monotonic()
            with pytest.raises(Overloaded, match="too many"):
                bounded.check(verifier, "secret")
            assert time.monotonic() - started < 1
        assert waiting.result(timeout=5)
    assert bounded._all._room == 1


def test_a_failing_check_gives_its_slot_back() -> None:
    bounded = hashing(slots=1)
    verifier = bounded.make("secret")
    for _ in range(3):
        with pytest.raises(Overloaded), ExitStack() as busy:
            fill(busy, bounded, 2)
    assert bounded.check(verifier, "secret")


def test_suspects_leave_room_for_the_others() -> None:
    bounded = hashing(SLOW, slots=2, waiting=8, patience=5)
    verifier = bounded.make("secret")
    most = 0

    def suspect(_number: int) -> bool:
        return bounded.check(verifier, "other", suspect=True)

    with ThreadPoolExecutor(3) as pool:
        attack = [pool.submit(suspect, number) for number in range(6)]
        while not all(each.done() for each in attack):
            most = max(most, 2 - bounded._all._free._value)  # type: ignore[attr-defined]
    assert most == 1


def test_blake2b_never_waits() -> None:
    bounded = hashing(BLAKE2B)
    verifier = bounded.make("secret")
    with ExitStack() as busy:
        fill(busy, bounded, 2)
        assert bounded.check(verifier, "secret", suspect=True)
        bounded.check_nothing("secret")
        assert check(bounded.make("secret"), "secret")


def test_a_change_of_the_setting_is_noticed() -> None:
    verifier = make("secret", CHEAPEST, bytes(16))
    assert hashing(BLAKE2B).needs_rehash(verifier)
    assert hashing(SLOW).needs_rehash(verifier)
    assert not hashing(CHEAPEST).needs_rehash(verifier)
