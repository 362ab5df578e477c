"""A passkey in software, as an authenticator and a browser make them (WebAuthn level 3, sections 5.8.1, 6.1, 6.5).

It is honest unless a test tells it otherwise: every field that a server must look at can be set to something else.
"""

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode("ascii").rstrip("=")


@dataclass
class Authenticator:
    """One device with one key."""

    origin: str
    rp_id: str
    credential_id: bytes = b"\x07" * 16
    count: int = 1
    flags: int = PRESENT | VERIFIED
    user_handle: bytes | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self, options: str) -> str:
        """The answer to `navigator.credentials.create()`."""
        asked = json.loads(options)
        self.user_handle = base64.urlsafe_b64decode(asked["user"]["id"] + "==")
        client = self._client_data("webauthn.create", asked["challenge"])
        attested = b"\0" * 16 + struct.pack(">H", len(self.credential_id)) + self.credential_id + self._cose_key()
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + attested})
        response = {
            "clientDataJSON": base64url(client),
            "attestationObject": base64url(attestation),
            "transports": ["internal", "hybrid"],
        }
        return self._envelope(response)

    def sign_in(self, options: str) -> str:
        """The answer to `navigator.credentials.get()`; the counter grows before."""
        self.count += 1 if self.count else 0
        client = self._client_data("webauthn.get", json.loads(options)["challenge"])
        data = self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": base64url(client),
            "authenticatorData": base64url(data),
            "signature": base64url(signature),
            "userHandle": base64url(self.user_handle) if self.user_handle else None,
        }
        return self._envelope(response)

    def _envelope(self, response: dict[str, Any]) -> str:
        name = base64url(self.credential_id)
        return json.dumps(
            {"id": name, "rawId": name, "type": "public-key", "clientExtensionResults": {}, "response": response}
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        client = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(client).encode()

    def _data(self, more: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([self.flags | more]) + struct.pack(">I", self.count)

    def _cose_key(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
