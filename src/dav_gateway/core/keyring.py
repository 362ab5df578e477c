"""The installation's key: seals what must be read again (a TOTP secret), and digests what only has to be recognised.

Each purpose has a subkey of its own, so that a text made for one is worthless in another. Sealing is AES-256-GCM
(NIST SP 800-38D) with a random nonce of 96 bits; the context (whose row it is) is authenticated, so that a sealed text
moved to another row cannot be opened there.
"""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dav_gateway.core.errors import StoreUnavailable

KEY_LENGTH = 32
NONCE_LENGTH = 12

_VERSION = b"\x01"
_PERSON = b"dav-gateway"
_DIGEST_LENGTH = 32


class Keyring:
    """The subkeys of one installation. The key itself does not print."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """`key` is 32 random bytes that are kept outside the database (ValueError for another length)."""
        if len(key) != KEY_LENGTH:
            raise ValueError(f"a key has {KEY_LENGTH} bytes")
        self._key = key

    def __repr__(self) -> str:
        return "Keyring(...)"

    def seal(self, purpose: str, context: str, plain: bytes, nonce: bytes) -> bytes:
        """`plain` so that only `open` with the same purpose and context reads it; `nonce` is 12 fresh random bytes."""
        if len(nonce) != NONCE_LENGTH:
            raise ValueError(f"a nonce has {NONCE_LENGTH} bytes")
        return _VERSION + nonce + AESGCM(self._subkey(purpose)).encrypt(nonce, plain, context.encode())

    def open(self, purpose: str, context: str, sealed: bytes) -> bytes:
        """What was sealed. Raises StoreUnavailable when it was sealed under another key or the row is damaged: that is
        never the fault of who typed a code, so never "wrong"."""
        nonce, rest = sealed[1 : 1 + NONCE_LENGTH], sealed[1 + NONCE_LENGTH :]
        try:
            if sealed[:1] != _VERSION:
                raise InvalidTag
            return AESGCM(self._subkey(purpose)).decrypt(nonce, rest, context.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreUnavailable("a sealed row cannot be opened: is this the key file that sealed it?") from error

    def digest(self, purpose: str, text: str) -> str:
        """What is kept of a generated secret: without the key file, a copy of the database does not even let it be
        tried out."""
        return hashlib.blake2b(text.encode(), digest_size=_DIGEST_LENGTH, key=self._subkey(purpose)).hexdigest()

    def _subkey(self, purpose: str) -> bytes:
        return hashlib.blake2b(purpose.encode(), digest_size=KEY_LENGTH, key=self._key, person=_PERSON).digest()
