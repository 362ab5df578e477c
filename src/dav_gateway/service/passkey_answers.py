"""What the browser sends back when a passkey was made, and the name that the person gives it."""

import unicodedata
from dataclasses import dataclass

from dav_gateway.core.errors import Refusal

LONGEST_LABEL = 80
_LONGEST_ID = 1023
"""WebAuthn section 4, "credential ID": at most 1023 bytes."""


@dataclass(frozen=True, slots=True)
class Made:
    """The public half of a new passkey."""

    id: str
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backed_up: bool


def read_registration(answer: str, challenge: bytes, *, rp_id: str, origin: str) -> Made:
    """The new passkey of an answer to `challenge`. Raises Refusal for any other octets."""
    import webauthn
    from webauthn.helpers import bytes_to_base64url, parse_registration_credential_json

    try:
        credential = parse_registration_credential_json(answer)
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=False,
        )
        transports = tuple(sorted({each.value for each in credential.response.transports or ()}))
    except Exception:  # noqa: BLE001 - whatever a parser raises on a stranger's octets, the answer is wrong
        raise Refusal("the passkey's answer could not be verified: begin again") from None
    if not 0 < len(verified.credential_id) <= _LONGEST_ID:
        raise Refusal("the passkey's answer could not be verified: begin again")
    return Made(
        bytes_to_base64url(verified.credential_id),
        verified.credential_public_key,
        verified.sign_count,
        transports,
        verified.credential_backed_up,
    )


def label_from(text: str) -> str:
    """The person's name for a passkey as it is stored. Raises Refusal for none, a long one or control characters."""
    label = unicodedata.normalize("NFC", text).strip()
    if not label or len(label) > LONGEST_LABEL or not label.isprintable():
        raise Refusal(f"a passkey's name is one line of 1 to {LONGEST_LABEL} characters")
    return label
