"""Passkeys (WebAuthn level 3) of an account: register, sign in, rename, remove.

The relying party is the host of the configured public address; browsers accept a name or localhost, never an IP
address. No attestation is asked for: which maker's device it is does not matter here.

The library is imported with the first passkey: it is 12 MB, and most workers never see one.
"""

import base64
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.errors import Refusal
from dav_gateway.service.ceremonies import LIFETIME, Ceremonies
from dav_gateway.service.means import Means
from dav_gateway.service.passkey_answers import label_from, read_registration
from dav_gateway.store import passkeys
from dav_gateway.store.passkeys import Passkey

if TYPE_CHECKING:
    from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
    from webauthn.helpers.structs import AuthenticationCredential, PublicKeyCredentialDescriptor

MOST = 20
LONGEST_ANSWER = 64 * 1024

_REGISTER, _SIGN_IN = "passkey-register", "passkey-sign-in"
_CHALLENGE_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Options:
    """What the browser's `navigator.credentials` is given, and the half of the ceremony that the session keeps."""

    json: str
    handle: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """A passkey that answered its challenge. `verified`: it made sure of its user."""

    passkey: Passkey
    verified: bool


class Passkeys:
    """The ceremonies of both kinds. Whether the person may do so is decided in `own_factors` and `identity`."""

    def __init__(
        self,
        means: Means,
        ceremonies: Ceremonies,
        *,
        public_url: str,
        name: str,
    ) -> None:
        """`public_url` is what the browser's address must be; `name` is shown by the browser."""
        self._database = means.database
        self._keys = means.keys
        self._clock = means.clock
        self._choose = means.choose
        self._ceremonies = ceremonies
        self._origin = public_url.rstrip("/")
        self._host = urlsplit(public_url).hostname or ""
        self._name = name

    @property
    def are_possible(self) -> bool:
        """Whether browsers offer passkeys at this address: a name over https, or localhost."""
        try:
            ip_address(self._host)
        except ValueError:
            return bool(self._host) and (self._origin.startswith("https:") or self._host == "localhost")
        return False

    def registration(self, account: Account) -> Options:
        """Options to make a passkey. Raises Refusal for one too many, and where browsers offer none."""
        import webauthn
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        if not self.are_possible:
            raise Refusal("passkeys need a public address with a host name and https")
        with self._database.read() as connection:
            known = passkeys.of_account(connection, account.id)
        if len(known) >= MOST:
            raise Refusal(f"at most {MOST} passkeys are kept: remove one first")
        challenge = self._choose(_CHALLENGE_LENGTH)
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name=self._name,
            user_name=account.name,
            user_display_name=account.display_name,
            user_id=self._user_handle(account.id),
            challenge=challenge,
            timeout=LIFETIME,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=[_descriptor(each) for each in known],
        )
        return self._begin(_REGISTER, account.id, challenge, webauthn.options_to_json(options))

    def verify_registration(self, account: Account, handle: str, answer: str, label: str) -> Passkey:
        """The passkey that the browser made, not stored yet. Raises Refusal for an answer to another question."""
        name = label_from(label)
        challenge = self._challenge(_REGISTER, handle, account.id)
        if challenge is None or len(answer) > LONGEST_ANSWER:
            raise Refusal("this took too long or was sent twice: begin again")
        made = read_registration(answer, challenge, rp_id=self._host, origin=self._origin)
        return Passkey(
            made.id, account.id, name, made.public_key, made.sign_count, made.transports, made.backed_up, self._clock()
        )

    def sign_in(self, account_id: int | None, *, alone: bool) -> Options:
        """Options to show a passkey: of this account, or with None of whoever it belongs to.

        `alone`: it is the only proof, so it must make sure of its user.
        """
        import webauthn
        from webauthn.helpers.structs import UserVerificationRequirement

        allowed = None
        if account_id is not None:
            with self._database.read() as connection:
                allowed = [_descriptor(each) for each in passkeys.of_account(connection, account_id)]
        challenge = self._choose(_CHALLENGE_LENGTH)
        options = webauthn.generate_authentication_options(
            rp_id=self._host,
            challenge=challenge,
            timeout=LIFETIME,
            allow_credentials=allowed,
            user_verification=UserVerificationRequirement.REQUIRED if alone else UserVerificationRequirement.PREFERRED,
        )
        return self._begin(_SIGN_IN, account_id, challenge, webauthn.options_to_json(options))

    def check(self, account_id: int | None, handle: str, answer: str, *, alone: bool) -> Shown | None:
        """The passkey that answered, its use noted; None when the answer is wrong, late, replayed or another account's.

        `account_id` and `alone` are those of the options.
        """
        from webauthn.helpers import bytes_to_base64url, parse_authentication_credential_json

        challenge = self._challenge(_SIGN_IN, handle, account_id)
        if challenge is None or len(answer) > LONGEST_ANSWER:
            return None
        try:
            credential = parse_authentication_credential_json(answer)
        except Exception:  # noqa: BLE001 - whatever a parser raises on a stranger's octets, the answer is wrong
            return None
        with self._database.write() as connection:
            known = passkeys.get(connection, bytes_to_base64url(credential.raw_id))
            if known is None or account_id not in (None, known.account_id) or not self._is_handle(credential, known):
                return None
            verified = self._verified(credential, challenge, known, alone=alone)
            if verified is None or not passkeys.use(
                connection,
                known.id,
                verified.new_sign_count,
                self._clock(),
                backed_up=verified.credential_backed_up,
            ):
                return None
        return Shown(known, verified.user_verified)

    def _verified(
        self, credential: "AuthenticationCredential", challenge: bytes, known: Passkey, *, alone: bool
    ) -> "VerifiedAuthentication | None":
        import webauthn

        try:
            return webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=known.public_key,
                credential_current_sign_count=known.sign_count,
                require_user_verification=alone,
            )
        except Exception:  # noqa: BLE001 - as above: signatures, CBOR and flags are the stranger's octets
            return None

    def _is_handle(self, credential: "AuthenticationCredential", known: Passkey) -> bool:
        """Whether the user handle, where the authenticator sends one, is that of the passkey's owner."""
        handle = credential.response.user_handle
        return not handle or handle == self._user_handle(known.account_id)

    def _begin(self, kind: str, account_id: int | None, challenge: bytes, options: str) -> Options:
        detail = {"challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("=")}
        return Options(options, self._ceremonies.begin(kind, account_id, detail))

    def _challenge(self, kind: str, handle: str, account_id: int | None) -> bytes | None:
        taken = self._ceremonies.take(kind, handle)
        if taken is None or taken.account_id != account_id:
            return None
        return base64.urlsafe_b64decode(taken.detail["challenge"] + "==")

    def _user_handle(self, account_id: int) -> bytes:
        """WebAuthn section 14.6.1: no name and no e-mail in it, and the same for every passkey of the account."""
        return bytes.fromhex(self._keys().digest("passkey-user", str(account_id)))


def add(connection: Connection, passkey: Passkey) -> None:
    """Store a verified passkey. Raises Refusal when it is registered already, to anybody, or is one too many."""
    if passkeys.count(connection, passkey.account_id) >= MOST or not passkeys.add(connection, passkey):
        raise Refusal("this passkey is registered already, or there are too many")


def _descriptor(passkey: Passkey) -> "PublicKeyCredentialDescriptor":
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    known = {each.value for each in AuthenticatorTransport}
    transports = [AuthenticatorTransport(each) for each in passkey.transports if each in known]
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.id), transports=transports or None)
