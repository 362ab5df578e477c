"""Signing in by an OpenID provider: state, nonce and PKCE are kept on the server, a subject is linked to an account.

The browser that comes back must be the one that was sent: `binding` is a text of its session (a cookie), without which
somebody could be signed in to a stranger's account. An account is found by the link of an earlier sign-in, or, where
the configuration allows it, by an e-mail address that the provider has verified, and is then linked: whoever changes an
address later changes nobody's account.
"""

import base64
import hmac
from collections.abc import Mapping
from hashlib import sha256

from sqlalchemy import Connection

from dav_gateway.core import sign_in
from dav_gateway.core.account import Account
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import MINUTE, Moment
from dav_gateway.core.sign_in import SignIn, SignInReason
from dav_gateway.service.caller import Caller, note
from dav_gateway.service.ceremonies import Ceremonies
from dav_gateway.service.identity import Identity, Outcome
from dav_gateway.service.mail.notices import Notices
from dav_gateway.service.means import Means
from dav_gateway.service.oidc_provider import Claims, OidcProvider
from dav_gateway.service.standings import IdentityNeeded, standing_of
from dav_gateway.store import accounts, oidc_identities

LIFETIME = 10 * MINUTE
"""A person may have to sign in there first."""

LONGEST_ANSWER = 4096

_KIND, _LINK = "oidc", "oidc-link"
_RANDOM = 32


class SingleSignOn:
    """Send the browser away, and judge what it comes back with."""

    def __init__(
        self,
        means: Means,
        ceremonies: Ceremonies,
        identity: Identity,
        provider: OidcProvider,
        *,
        by_email: bool,
        notices: Notices,
    ) -> None:
        """`by_email`: see `oidc_provider.Registration`; `notices` tells people by mail."""
        self._means = means
        self._ceremonies = ceremonies
        self._identity = identity
        self._provider = provider
        self._by_email = by_email
        self._notices = notices

    def begin(self, binding: str) -> str:
        """The address that the browser is sent to. Raises ProviderFault."""
        return self._begin(_KIND, None, binding)

    def begin_link(self, who: SignIn, binding: str) -> str:
        """The same to link the account of a recent identity. Raises IdentityNeeded, ProviderFault."""
        self._require_recent(who)
        return self._begin(_LINK, who.account_id, binding)

    def finish(self, at: SignIn, binding: str, answer: Mapping[str, str], caller: Caller) -> Outcome:
        """The sign-in after the browser came back with these query parameters. Raises ProviderFault."""
        claims = self._claims(_KIND, None, binding, answer)
        if isinstance(claims, SignInReason):
            return self._refused(at, claims, caller)
        now = self._means.clock()
        with self._means.database.write() as connection:
            account = self._account(connection, claims, now)
        if account is None:
            return self._refused(at, SignInReason.NOT_LINKED, caller)
        return self._identity.by_provider(at, account, caller, strong=claims.strong)

    def finish_link(self, who: SignIn, binding: str, answer: Mapping[str, str], caller: Caller) -> None:
        """Link the subject to the account. Raises IdentityNeeded, ProviderFault, and Refusal for an answer that is not
        to our question or a subject that is linked already."""
        self._require_recent(who)
        claims = self._claims(_LINK, who.account_id, binding, answer)
        if isinstance(claims, SignInReason):
            raise Refusal("this took too long or was not begun here: begin again")
        now = self._means.clock()
        with self._means.database.write() as connection:
            owner = None if who.account_id is None else accounts.by_id(connection, who.account_id)
            if owner is None or not oidc_identities.link(
                connection, self._provider.issuer, claims.subject, owner.id, now
            ):
                raise Refusal("this sign-in is linked to an account already")
            note(connection, now, "single_sign_on_linked", owner.name, caller, detail={"by": "page"})
            self._notices.single_sign_on(connection, owner, now, linked=True, address=caller.address)

    def is_linked(self, account_id: int) -> bool:
        """Whether a subject of this provider is linked to the account."""
        with self._means.database.read() as connection:
            return any(
                issuer == self._provider.issuer for issuer, _ in oidc_identities.of_account(connection, account_id)
            )

    def unlink(self, who: SignIn, caller: Caller) -> None:
        """Forget what is linked to the account. Raises IdentityNeeded, and Refusal for an account without a main
        password: it would have no way in."""
        self._require_recent(who)
        now = self._means.clock()
        with self._means.database.write() as connection:
            owner = None if who.account_id is None else accounts.by_id(connection, who.account_id)
            if owner is None or owner.password_verifier is None:
                raise Refusal("without a main password this is the only way in")
            if oidc_identities.unlink(connection, owner.id):
                note(connection, now, "single_sign_on_unlinked", owner.name, caller, detail={"by": "page"})
                self._notices.single_sign_on(connection, owner, now, linked=False, address=caller.address)

    def _begin(self, kind: str, account_id: int | None, binding: str) -> str:
        nonce, verifier = self._text(), self._text()
        detail = {"nonce": nonce, "verifier": verifier, "browser": _digest(binding)}
        state = self._ceremonies.begin(kind, account_id, detail, lifetime=LIFETIME)
        return self._provider.authorization_url(state=state, nonce=nonce, verifier=verifier)

    def _claims(
        self, kind: str, account_id: int | None, binding: str, answer: Mapping[str, str]
    ) -> Claims | SignInReason:
        """What the provider says, when the answer is to a question of this browser. Raises ProviderFault."""
        taken = self._ceremonies.take(kind, answer.get("state", ""))
        if taken is None or taken.account_id != account_id:
            return SignInReason.FORGED
        if not hmac.compare_digest(taken.detail["browser"], _digest(binding)):
            return SignInReason.FORGED
        # RFC 9207: of several providers, the answer is of the one that was asked.
        if answer.get("iss", self._provider.issuer) != self._provider.issuer:
            return SignInReason.FORGED
        code = answer.get("code", "")
        if "error" in answer or not 0 < len(code) <= LONGEST_ANSWER:
            return SignInReason.WRONG
        return self._provider.claims(code, nonce=taken.detail["nonce"], verifier=taken.detail["verifier"])

    def _account(self, connection: Connection, claims: Claims, now: Moment) -> Account | None:
        issuer = self._provider.issuer
        linked = oidc_identities.find(connection, issuer, claims.subject)
        if linked is not None:
            oidc_identities.note_use(connection, issuer, claims.subject, now)
            return accounts.by_id(connection, linked)
        if not self._by_email or "@" not in claims.email:
            return None
        account = accounts.by_login(connection, claims.email)
        if account is None or not account.active:
            return None
        # An address that the provider gives to somebody else later is not the way into the account that had it.
        if any(known == issuer for known, _subject in oidc_identities.of_account(connection, account.id)):
            return None
        oidc_identities.link(connection, issuer, claims.subject, account.id, now)
        return account

    def _require_recent(self, who: SignIn) -> None:
        with self._means.database.read() as connection:
            account = None if who.account_id is None else accounts.by_id(connection, who.account_id)
            if account is None or not sign_in.is_recent(
                who, standing_of(connection, account, self._means.policy), self._means.clock()
            ):
                raise IdentityNeeded("please confirm that it is you")

    def _refused(self, at: SignIn, reason: SignInReason, caller: Caller) -> Outcome:
        now = self._means.clock()
        detail = {"reason": reason.value, "proof": "single-sign-on"}
        with self._means.database.write() as connection:
            note(connection, now, "sign_in_failed", None, caller, detail=detail, actor="nobody")
        return Outcome(sign_in.failed(at, reason))

    def _text(self) -> str:
        """43 characters: RFC 7636 section 4.1 asks for 43 to 128."""
        return base64.urlsafe_b64encode(self._means.choose(_RANDOM)).decode("ascii").rstrip("=")


def _digest(binding: str) -> str:
    if not binding:
        raise ValueError("a sign-in is bound to a browser")
    return sha256(binding.encode()).hexdigest()
