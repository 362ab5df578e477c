"""Sealing and digests under the installation's key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.keyring import KEY_LENGTH, NONCE_LENGTH, Keyring

KEY = bytes(range(KEY_LENGTH))
NONCE = bytes(NONCE_LENGTH)


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=20), st.binary(min_size=12, max_size=12))
def test_what_is_sealed_is_opened_by_the_same_key(plain: bytes, purpose: str, context: str, nonce: bytes) -> None:
    sealed = Keyring(KEY).seal(purpose, context, plain, nonce)
    assert Keyring(KEY).open(purpose, context, sealed) == plain
    if len(plain) > 3:
        assert plain not in sealed[1 + NONCE_LENGTH :]


def test_another_key_purpose_context_or_octet_opens_nothing() -> None:
    ring = Keyring(KEY)
    sealed = ring.seal("totp", "account 1", b"secret", NONCE)
    broken = bytes([sealed[0] ^ 1]) + sealed[1:]
    for opener, purpose, context, text in [
        (Keyring(KEY[::-1]), "totp", "account 1", sealed),
        (ring, "ceremony", "account 1", sealed),
        (ring, "totp", "account 2", sealed),
        (ring, "totp", "account 1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (ring, "totp", "account 1", broken),
        (ring, "totp", "account 1", b""),
        (ring, "totp", "account 1", sealed[:10]),
    ]:
        with pytest.raises(StoreUnavailable, match="key file"):
            opener.open(purpose, context, text)


def test_a_digest_depends_on_key_purpose_and_text() -> None:
    ring = Keyring(KEY)
    digests = [
        ring.digest("a", "x"),
        ring.digest("a", "y"),
        ring.digest("b", "x"),
        Keyring(KEY[::-1]).digest("a", "x"),
    ]
    assert len(set(digests)) == len(digests)
    assert ring.digest("a", "x") == digests[0]


def test_a_keyring_does_not_print_its_key_and_wants_32_bytes() -> None:
    assert repr(Keyring(KEY)) == "Keyring(...)"
    assert KEY.hex() not in str(Keyring(KEY))
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring(b"short")
    with pytest.raises(ValueError, match="12 bytes"):
        Keyring(KEY).seal("a", "b", b"c", b"short")
