"""Verifiers: what is kept of a secret, as PHC strings (github.com/P-H-C/phc-string-format).

`$argon2id$` is the default, `$blake2b$` is for fleets; `$argon2id$` and `$argon2i$` with other numbers, as another
issuing store made them, are checked as they are. Parameters are named profiles that say where their numbers come from.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from argon2 import Parameters, Type, extract_parameters
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import hash_secret, verify_secret

from dav_gateway.core.errors import Overloaded, StoreUnavailable

SALT_LENGTH = 16
"""RFC 9106 section 3.1 recommends 16 bytes; BLAKE2b takes no more (RFC 7693 section 2.5)."""

DECOY_LENGTH = SALT_LENGTH + 32

_DIGEST_LENGTH = 32
_BLAKE2B = "$blake2b$"
_PERSON = b"dav-gateway"
_LARGEST_MEMORY = 256 * 1024
_LARGEST_TIME = 16
_LARGEST_PARALLELISM = 16


@dataclass(frozen=True, slots=True)
class Profile:
    """One way of making verifiers. `memory_cost` is in KiB; the three numbers are 0 for BLAKE2b."""

    name: str
    time_cost: int = 0
    memory_cost: int = 0
    parallelism: int = 0

    @property
    def is_slow(self) -> bool:
        """Whether a check takes milliseconds and megabytes, so that the number at once must be bounded."""
        return self.memory_cost > 0


ARGON2ID = Profile("argon2id", time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""For generated secrets, the default: the OWASP Password Storage Cheat Sheet's minimum for Argon2id (19 MiB, t=2, p=1;
about 30 ms). More would buy nothing: 90 random bits cannot be tried out at any speed."""

BLAKE2B = Profile("blake2b")
"""For generated secrets of a fleet: salted BLAKE2b-256, 2 us. Enough for 90 random bits and for nothing less."""

HUMAN = Profile("human", time_cost=3, memory_cost=64 * 1024, parallelism=4)
"""For passwords that people invent: the second recommended option of RFC 9106 section 4."""

CHEAPEST = Profile("cheapest", time_cost=1, memory_cost=8, parallelism=1)
"""Only for testing: the least that Argon2 allows."""

SCHEMES: Mapping[str, Profile] = MappingProxyType({"argon2id": ARGON2ID, "blake2b": BLAKE2B})
"""The values of the setting that chooses how app passwords are kept."""


def make(secret: str, profile: Profile, salt: bytes) -> str:
    """The verifier of `secret` under `profile`; `salt` is 16 fresh random bytes (ValueError for another length)."""
    if len(salt) != SALT_LENGTH:
        raise ValueError(f"a salt has {SALT_LENGTH} bytes")
    if not profile.is_slow:
        return f"{_BLAKE2B}{_encode(salt)}${_encode(_blake2b(secret, salt))}"
    try:
        verifier = hash_secret(
            secret.encode(),
            salt,
            time_cost=profile.time_cost,
            memory_cost=profile.memory_cost,
            parallelism=profile.parallelism,
            hash_len=_DIGEST_LENGTH,
            type=Type.ID,
        )
    except HashingError as error:
        raise Overloaded("there is no memory for another verification") from error
    return verifier.decode("ascii")


def decoy(profile: Profile, octets: bytes) -> str:
    """A verifier that no secret has, of 48 random bytes: checking it takes as long as any other of the profile."""
    if len(octets) != DECOY_LENGTH:
        raise ValueError(f"a decoy is made of {DECOY_LENGTH} bytes")
    salt, digest = _encode(octets[:SALT_LENGTH]), _encode(octets[SALT_LENGTH:])
    if not profile.is_slow:
        return f"{_BLAKE2B}{salt}${digest}"
    numbers = f"m={profile.memory_cost},t={profile.time_cost},p={profile.parallelism}"
    return f"$argon2id$v=19${numbers}${salt}${digest}"


def check(verifier: str, secret: str) -> bool:
    """Whether `secret` is the one that `verifier` was made of.

    Raises StoreUnavailable for a verifier that nothing here can read (the row is damaged: not the client's fault, so
    never "wrong") and Overloaded when the memory it asks for is not there.
    """
    if verifier.startswith(_BLAKE2B):
        salt, digest = _parts_of_blake2b(verifier)
        return hmac.compare_digest(_blake2b(secret, salt), digest)
    parameters = _parameters(verifier)
    try:
        return verify_secret(verifier.encode("ascii"), secret.encode(), parameters.type)
    except VerifyMismatchError:
        return False
    except VerificationError as error:
        if "memory" in str(error).lower():
            raise Overloaded("there is no memory for another verification") from error
        raise _unreadable() from error


def needs_rehash(verifier: str, profile: Profile) -> bool:
    """Whether `verifier` was made otherwise than `profile` says, so that the next successful use replaces it."""
    if verifier.startswith(_BLAKE2B):
        return profile.is_slow
    if not profile.is_slow:
        return True
    found = _parameters(verifier)
    return (found.type, found.time_cost, found.memory_cost, found.parallelism, found.hash_len) != (
        Type.ID,
        profile.time_cost,
        profile.memory_cost,
        profile.parallelism,
        _DIGEST_LENGTH,
    )


def is_slow(verifier: str) -> bool:
    """Whether checking `verifier` is Argon2 work (see `Profile.is_slow`)."""
    return not verifier.startswith(_BLAKE2B)


def _parameters(verifier: str) -> Parameters:
    """The numbers of an Argon2 verifier, within what one worker may spend on a stranger's request."""
    try:
        parameters = extract_parameters(verifier)
        verifier.encode("ascii")
    except (InvalidHashError, UnicodeEncodeError) as error:
        raise _unreadable() from error
    bounded = (
        parameters.type in (Type.ID, Type.I)
        and 0 < parameters.memory_cost <= _LARGEST_MEMORY
        and 0 < parameters.time_cost <= _LARGEST_TIME
        and 0 < parameters.parallelism <= _LARGEST_PARALLELISM
    )
    if not bounded:
        raise _unreadable()
    return parameters


def _parts_of_blake2b(verifier: str) -> tuple[bytes, bytes]:
    salt, _, digest = verifier.removeprefix(_BLAKE2B).partition("$")
    try:
        parts = _decode(salt), _decode(digest)
    except (binascii.Error, ValueError) as error:
        raise _unreadable() from error
    if len(parts[0]) != SALT_LENGTH or len(parts[1]) != _DIGEST_LENGTH:
        raise _unreadable()
    return parts


def _blake2b(secret: str, salt: bytes) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=_DIGEST_LENGTH, salt=salt, person=_PERSON).digest()


def _encode(octets: bytes) -> str:
    """Base64 without padding, as the PHC string format has it."""
    return base64.b64encode(octets).decode("ascii").rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _unreadable() -> StoreUnavailable:
    return StoreUnavailable("a stored verifier cannot be read")
