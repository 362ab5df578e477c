"""Signing in to the page: which proofs an account needs, and whether they were given. Pure; driven by the page.

    FIRST --password, single sign-on--> SECOND --a factor of the account--> SIGNED_IN
      |                                  ^ only when the account has one
      |--password, policy "required", no factor yet--> ENROL --a factor is set up--> SIGNED_IN
      |--passkey that verified its user, single sign-on with a second factor of its own--> SIGNED_IN
      '--account inactive, too slow, changed meanwhile--> REFUSED (from any stage; begin again)

The same machine asks again for the identity of someone who is signed in: it begins with the account known, and a proof
of anyone else is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from dav_gateway.core.moment import MINUTE, Moment

PATIENCE = 10 * MINUTE
"""From the first proof to the last."""

RECENT = 10 * MINUTE
"""How long a proven identity is enough for what asks for one again."""


class Factor(StrEnum):
    """What an account can have beside its password. Stored values are never renamed."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY = "recovery"


class Proof(StrEnum):
    """What a person has shown, already verified by whoever passes it here."""

    PASSWORD = "password"  # noqa: S105 - a kind of proof
    TOTP = "totp"
    RECOVERY = "recovery"
    PASSKEY = "passkey"
    PASSKEY_VERIFIED = "passkey-verified"
    """A passkey that verified its user (fingerprint, PIN): possession and a second thing at once."""
    SINGLE_SIGN_ON = "single-sign-on"
    SINGLE_SIGN_ON_STRONG = "single-sign-on-strong"
    """The provider says that it asked for a second factor itself (`amr` has `mfa`, RFC 8176)."""
    ENROLLED = "enrolled"
    """A factor was set up and confirmed in this very sign-in."""


class Policy(StrEnum):
    """Whether every account must have a second factor."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class Stage(StrEnum):
    """What a sign-in waits for."""

    FIRST = "first"
    SECOND = "second"
    ENROL = "enrol"
    SIGNED_IN = "signed-in"
    REFUSED = "refused"


class SignInReason(StrEnum):
    """Why a step was not taken; in the audit, so never renamed."""

    WRONG = "wrong"
    REPLAYED = "replayed"
    WAIT = "wait"
    INACTIVE = "account-inactive"
    TOO_SLOW = "too-slow"
    CHANGED = "changed"
    OTHER_ACCOUNT = "other-account"
    NOT_ASKED = "not-asked"
    NOT_LINKED = "not-linked"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account has, read when a proof is judged. Recovery codes count only beside another factor."""

    account_id: int
    active: bool
    factors: frozenset[Factor]
    policy: Policy = Policy.OPTIONAL

    @property
    def is_protected(self) -> bool:
        """Whether a second factor is on."""
        return bool(self.factors - {Factor.RECOVERY})


@dataclass(frozen=True, slots=True)
class SignIn:
    """Where a sign-in stands. `account_id` is known after the first proof, `since` is when that was given."""

    stage: Stage = Stage.FIRST
    account_id: int | None = None
    proofs: frozenset[Proof] = frozenset()
    since: Moment | None = None
    proved_at: Moment | None = None
    reason: SignInReason | None = None


_FIRST = frozenset({Proof.PASSWORD, Proof.SINGLE_SIGN_ON})
_WHOLE = frozenset({Proof.PASSKEY_VERIFIED, Proof.SINGLE_SIGN_ON_STRONG})
_FACTOR_OF: Mapping[Proof, Factor] = {
    Proof.TOTP: Factor.TOTP,
    Proof.RECOVERY: Factor.RECOVERY,
    Proof.PASSKEY: Factor.PASSKEY,
    Proof.PASSKEY_VERIFIED: Factor.PASSKEY,
}


def begin() -> SignIn:
    """A sign-in of somebody unknown."""
    return SignIn()


def again(account_id: int) -> SignIn:
    """Asking once more for the identity of this account, for what needs a recent one."""
    return SignIn(account_id=account_id)


def advance(at: SignIn, proof: Proof, standing: Standing, now: Moment) -> SignIn:
    """The sign-in after a verified proof of the account of `standing`.

    A proof that is not asked for at this stage changes nothing but the reason; nothing leads out of REFUSED or
    SIGNED_IN.
    """
    if at.stage in (Stage.REFUSED, Stage.SIGNED_IN):
        return replace(at, reason=SignInReason.NOT_ASKED)
    if at.account_id is not None and at.account_id != standing.account_id:
        return _refused(at, SignInReason.OTHER_ACCOUNT)
    if not standing.active:
        return _refused(at, SignInReason.INACTIVE)
    if at.since is not None and not at.since <= now < at.since + PATIENCE:
        return _refused(at, SignInReason.TOO_SLOW)
    stage = _next(at.stage, proof, standing)
    if stage is Stage.REFUSED:
        return _refused(at, SignInReason.CHANGED)
    if stage is None:
        return replace(at, reason=SignInReason.NOT_ASKED)
    return SignIn(
        stage=stage,
        account_id=standing.account_id,
        proofs=at.proofs | {proof},
        since=now if at.since is None else at.since,
        proved_at=now if stage is Stage.SIGNED_IN else None,
    )


def failed(at: SignIn, reason: SignInReason) -> SignIn:
    """The sign-in after a proof that was wrong: where it was, with the reason."""
    return at if at.stage in (Stage.REFUSED, Stage.SIGNED_IN) else replace(at, reason=reason)


def is_recent(identity: SignIn, standing: Standing, now: Moment) -> bool:
    """Whether a finished sign-in may still do what asks for a recent identity: within ten minutes, by the same account,
    active, and with as much proof as the account needs now. A moment in the future is not recent."""
    if identity.stage is not Stage.SIGNED_IN or identity.proved_at is None:
        return False
    if identity.account_id != standing.account_id or not standing.active:
        return False
    if not identity.proved_at <= now < identity.proved_at + RECENT:
        return False
    return not standing.is_protected or bool(identity.proofs - _FIRST)


def may_enrol(at: SignIn, standing: Standing, now: Moment) -> bool:
    """Whether a sign-in at stage ENROL may set up its account's first factor."""
    if at.stage is not Stage.ENROL or at.account_id != standing.account_id or not standing.active:
        return False
    return at.since is not None and at.since <= now < at.since + PATIENCE and not standing.is_protected


def enrolled(identity: SignIn, standing: Standing, now: Moment) -> SignIn:
    """The sign-in after a factor was set up and confirmed, at stage ENROL or by someone who is signed in."""
    if identity.stage is Stage.SIGNED_IN and identity.account_id == standing.account_id and standing.active:
        return replace(identity, proofs=identity.proofs | {Proof.ENROLLED}, reason=None)
    return advance(identity, Proof.ENROLLED, standing, now)


def _next(stage: Stage, proof: Proof, standing: Standing) -> Stage | None:
    """The stage that the proof leads to; None when it is not asked for, REFUSED when the account changed meanwhile."""
    if stage is Stage.FIRST:
        if proof in _WHOLE:
            needed = _FACTOR_OF.get(proof)
            return Stage.SIGNED_IN if needed is None or needed in standing.factors else None
        return _after_first(standing) if proof in _FIRST else None
    if stage is Stage.SECOND:
        if not standing.is_protected:
            return Stage.REFUSED
        return Stage.SIGNED_IN if _FACTOR_OF.get(proof) in standing.factors else None
    if proof is not Proof.ENROLLED:
        # A factor that appeared meanwhile was set up by another sign-in: this one has not proved it.
        return Stage.REFUSED if standing.is_protected else None
    return Stage.SIGNED_IN if standing.is_protected else None


def _after_first(standing: Standing) -> Stage:
    if standing.is_protected:
        return Stage.SECOND
    return Stage.ENROL if standing.policy is Policy.REQUIRED else Stage.SIGNED_IN


def _refused(at: SignIn, reason: SignInReason) -> SignIn:
    return SignIn(stage=Stage.REFUSED, account_id=at.account_id, reason=reason)
