"""An OpenID provider as its client sees it: discovery, the code exchange with PKCE, the verified ID token.

OpenID Connect Core 1.0 and Discovery 1.0; PKCE is RFC 7636 with S256. Everything is asked for over https (plain http is
for a provider on the same machine), nothing is followed elsewhere, and every answer that is not as it must be is
`ProviderFault`: the person is asked to try again, and nobody is signed in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dav_gateway.core.errors import GatewayError
from dav_gateway.core.moment import HOUR, SECOND, Moment
from dav_gateway.service.oidc_registration import Registration

SCOPE = "openid email"
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""What an ID token may be signed with; never `none`, and nothing whose key is the client secret."""

_LONGEST_SUBJECT = 255
"""Core section 2, `sub`."""

_TIMEOUT = 10.0
_LEEWAY = 60
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_FAULTS = (requests.RequestException, AuthlibBaseError, JoseError, ValueError, KeyError, TypeError, AttributeError)


class ProviderFault(GatewayError):
    """The provider cannot be reached, or answered something that cannot be believed."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Who the provider says it is. `email` is empty unless the provider has verified it."""

    subject: str
    email: str
    strong: bool


class OidcProvider:
    """Safe for threads; what it discovered is asked for again after an hour."""

    def __init__(self, registration: Registration, redirect_uri: str, clock: Callable[[], Moment]) -> None:
        """`redirect_uri` is the page's own address, as it is registered there."""
        self.issuer = registration.issuer
        self._registration = registration
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._lock = Lock()
        self._known: tuple[Moment, Mapping[str, Any]] | None = None

    def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent. Raises ProviderFault."""
        metadata = self._metadata()
        with self._session() as session:
            url, _state = session.create_authorization_url(
                metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url)

    def claims(self, code: str, *, nonce: str, verifier: str) -> Claims:
        """Who the code stands for. Raises ProviderFault unless every check of Core section 3.1.3.7 holds."""
        metadata = self._metadata()
        try:
            with self._session() as session:
                answer = session.fetch_token(metadata["token_endpoint"], code=code, code_verifier=verifier)
                found = _json(session.get(metadata["jwks_uri"], withhold_token=True))
                keys = KeySet.import_key_set({"keys": list(found["keys"])})
                claims = self._verified(answer, keys, nonce)
                told = dict(claims)
                if "email" not in told and "userinfo_endpoint" in metadata:
                    more = _json(session.get(_safe(metadata["userinfo_endpoint"], self.issuer)))
                    # Core section 5.3.2: claims of another subject must not be used.
                    if more["sub"] == told["sub"]:
                        told = {**more, **told}
                return _read(told)
        except _FAULTS as error:
            raise ProviderFault("the sign-in service gave an answer that cannot be used") from error

    def _verified(self, answer: Mapping[str, Any], keys: KeySet, nonce: str) -> CodeIDToken:
        decoded = jwt.decode(answer["id_token"], keys, algorithms=list(ALGORITHMS))
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self._registration.client_id},
            },
            {
                "nonce": nonce,
                "client_id": self._registration.client_id,
                "access_token": answer.get("access_token"),
            },
        )
        claims.validate(now=self._clock() // SECOND, leeway=_LEEWAY)
        return claims

    def _metadata(self) -> Mapping[str, Any]:
        with self._lock:
            now = self._clock()
            if self._known is not None and 0 <= now - self._known[0] < HOUR:
                return self._known[1]
            try:
                with self._session() as session:
                    address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
                    found = _json(session.get(address, withhold_token=True))
                # Discovery section 4.3: exactly the issuer that was asked.
                if found["issuer"] != self.issuer:
                    raise ProviderFault("the sign-in service is not the one that is configured")
                for name in _ENDPOINTS:
                    _safe(found[name], self.issuer)
            except _FAULTS as error:
                raise ProviderFault("the sign-in service cannot be reached at the moment") from error
            self._known = (now, found)
            return found

    def _session(self) -> Any:
        session = OAuth2Session(
            client_id=self._registration.client_id,
            client_secret=self._registration.client_secret,
            scope=SCOPE,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT,
        )
        session.max_redirects = 0
        return session


def _read(told: Mapping[str, Any]) -> Claims:
    subject, email, methods = told["sub"], told.get("email", ""), told.get("amr") or []
    if not isinstance(subject, str) or not isinstance(email, str) or not subject:
        raise TypeError("sub and email are texts")
    if not subject.isprintable() or not email.isprintable() or len(subject) > _LONGEST_SUBJECT:
        raise ValueError("sub and email are short and printable")
    verified = told.get("email_verified") is True
    return Claims(subject, email.strip().lower() if verified else "", strong="mfa" in methods)


def _json(response: requests.Response) -> Mapping[str, Any]:
    response.raise_for_status()
    found = response.json()
    if not isinstance(found, dict):
        raise TypeError("the answer is no object")
    return found


def _safe(url: str, issuer: str) -> str:
    """An address that secrets may be sent to."""
    parts = urlsplit(url)
    local = urlsplit(issuer).hostname in _LOOPBACK and parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError("an address of the sign-in service is not https")
    return url
