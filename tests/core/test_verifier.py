"""Verifiers: both schemes, foreign ones, when one is replaced, and that damage is never mistaken for a wrong secret."""

import subprocess
import sys

import argon2
import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.verifier import (
    ARGON2ID,
    BLAKE2B,
    CHEAPEST,
    HUMAN,
    SCHEMES,
    Profile,
    check,
    decoy,
    is_slow,
    make,
    needs_rehash,
)

SALT = bytes(range(16))


@pytest.mark.parametrize("profile", [ARGON2ID, BLAKE2B, HUMAN, CHEAPEST], ids=lambda profile: profile.name)
def test_a_verifier_knows_its_secret_only(profile: Profile) -> None:
    verifier = make("k7mqx3f9tb", profile, SALT)
    assert check(verifier, "k7mqx3f9tb")
    assert not check(verifier, "k7mqx3f9tc")
    assert "k7mqx" not in verifier
    assert not needs_rehash(verifier, profile)
    assert is_slow(verifier) is profile.is_slow
    assert make("k7mqx3f9tb", profile, bytes(16)) != verifier


def test_the_settings_name_the_profiles_for_generated_secrets() -> None:
    assert dict(SCHEMES) == {"argon2id": ARGON2ID, "blake2b": BLAKE2B}
    assert make("s", ARGON2ID, SALT).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert make("s", BLAKE2B, SALT).startswith("$blake2b$")


@settings(max_examples=30)
@given(st.text(max_size=40), st.binary(min_size=16, max_size=16))
def test_any_text_is_a_secret(secret: str, salt: bytes) -> None:
    for profile in (CHEAPEST, BLAKE2B):
        assert check(make(secret, profile, salt), secret)


@pytest.mark.parametrize(
    "hasher",
    [
        PasswordHasher(time_cost=1, memory_cost=64, parallelism=2, hash_len=16, salt_len=8),
        PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=argon2.Type.I),
    ],
    ids=["argon2id", "argon2i"],
)
def test_a_verifier_of_another_store_is_checked_as_it_is(hasher: PasswordHasher) -> None:
    foreign = hasher.hash("geheim")
    assert check(foreign, "geheim")
    assert not check(foreign, "Geheim")
    assert needs_rehash(foreign, CHEAPEST)


def test_a_verifier_is_replaced_when_scheme_or_numbers_differ() -> None:
    slow, fast = make("s", CHEAPEST, SALT), make("s", BLAKE2B, SALT)
    assert needs_rehash(slow, BLAKE2B)
    assert needs_rehash(fast, CHEAPEST)
    assert needs_rehash(slow, ARGON2ID)


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "plain",
        "$argon2id$v=19$m=8,t=1,p=1$",
        "$argon2id$v=19$m=8,t=1$c29tZXNhbHQ$AAAA",
        "$argon2d$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAA",
        "$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=9999,p=1$c29tZXNhbHQ$AAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=1,p=1$\u00e9$AAAA",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$!",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$blake2b$",
        "$blake2b$AAAA$AAAA",
        "$blake2b$!!$!!",
    ],
)
def test_a_damaged_verifier_is_our_trouble_not_a_wrong_secret(damaged: str) -> None:
    with pytest.raises(StoreUnavailable):
        check(damaged, "secret")


@pytest.mark.parametrize("profile", [CHEAPEST, BLAKE2B], ids=lambda profile: profile.name)
def test_a_decoy_looks_like_any_other_and_has_no_secret(profile: Profile) -> None:
    false, true = decoy(profile, bytes(range(48))), make("secret", profile, SALT)
    assert not check(false, "")
    assert not check(false, "secret")
    assert not needs_rehash(false, profile)
    assert len(false) == len(true)
    with pytest.raises(ValueError, match="48 bytes"):
        decoy(profile, b"short")


def test_a_salt_of_another_length_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        make("s", BLAKE2B, b"short")


def test_no_memory_is_an_overload() -> None:
    """In a process whose address space is too small for the hash; the real library fails, and so do we, with 503."""
    program = """
import resource
from dav_gateway.core.errors import Overloaded
from dav_gateway.core.verifier import Profile, check, make

whole = Profile("whole", time_cost=1, memory_cost=200 * 1024, parallelism=1)
verifier = make("secret", whole, bytes(16))
resource.setrlimit(resource.RLIMIT_AS, (150 * 2**20, 150 * 2**20))
for attempt in (lambda: make("secret", whole, bytes(16)), lambda: check(verifier, "secret")):
    try:
        attempt()
    except Overloaded:
        print("overloaded")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["overloaded", "overloaded"]
