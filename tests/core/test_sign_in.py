"""Signing in: each way through, and by chance ten thousand ways that must not lead through."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dav_gateway.core import sign_in
from dav_gateway.core.moment import MINUTE, Moment
from dav_gateway.core.sign_in import (
    PATIENCE,
    RECENT,
    Factor,
    Policy,
    Proof,
    SignIn,
    SignInReason,
    Stage,
    Standing,
    advance,
    again,
    begin,
    enrolled,
    failed,
    is_recent,
    may_enrol,
)
from dav_gateway.core.sign_in_text import dump, load

NOW = Moment(1_790_000_000_000)
ANA = Standing(1, active=True, factors=frozenset())
WITH_TOTP = replace(ANA, factors=frozenset({Factor.TOTP, Factor.RECOVERY}))
WITH_PASSKEY = replace(ANA, factors=frozenset({Factor.PASSKEY, Factor.RECOVERY}))
REQUIRED = replace(ANA, policy=Policy.REQUIRED)


def way(standing: Standing, *proofs: Proof, at: SignIn | None = None) -> list[Stage]:
    """The stages that these proofs lead through."""
    here, stages = at or begin(), []
    for proof in proofs:
        here = advance(here, proof, standing, NOW)
        stages.append(here.stage)
    return stages


def test_a_password_is_enough_where_nothing_else_is_asked_for() -> None:
    assert way(ANA, Proof.PASSWORD) == [Stage.SIGNED_IN]
    assert way(ANA, Proof.SINGLE_SIGN_ON) == [Stage.SIGNED_IN]


def test_with_a_factor_a_second_proof_is_needed() -> None:
    assert way(WITH_TOTP, Proof.PASSWORD, Proof.TOTP) == [Stage.SECOND, Stage.SIGNED_IN]
    assert way(WITH_TOTP, Proof.SINGLE_SIGN_ON, Proof.RECOVERY) == [Stage.SECOND, Stage.SIGNED_IN]
    assert way(WITH_PASSKEY, Proof.PASSWORD, Proof.PASSKEY) == [Stage.SECOND, Stage.SIGNED_IN]
    assert way(WITH_PASSKEY, Proof.PASSKEY_VERIFIED) == [Stage.SIGNED_IN]
    assert way(WITH_TOTP, Proof.SINGLE_SIGN_ON_STRONG) == [Stage.SIGNED_IN]
    required = replace(WITH_TOTP, policy=Policy.REQUIRED)
    assert way(required, Proof.PASSWORD, Proof.TOTP) == [Stage.SECOND, Stage.SIGNED_IN]


def test_a_proof_of_what_the_account_has_not_is_not_asked_for() -> None:
    assert way(WITH_TOTP, Proof.PASSWORD, Proof.PASSKEY, Proof.PASSKEY_VERIFIED) == [Stage.SECOND] * 3
    assert way(WITH_PASSKEY, Proof.PASSWORD, Proof.TOTP) == [Stage.SECOND] * 2
    assert way(WITH_PASSKEY, Proof.PASSKEY) == [Stage.FIRST]
    assert way(WITH_TOTP, Proof.TOTP, Proof.RECOVERY, Proof.ENROLLED) == [Stage.FIRST] * 3
    assert way(WITH_TOTP, Proof.PASSWORD, Proof.PASSWORD, Proof.SINGLE_SIGN_ON) == [Stage.SECOND] * 3
    assert way(replace(ANA, factors=frozenset({Factor.RECOVERY})), Proof.PASSWORD) == [Stage.SIGNED_IN]


def test_where_a_factor_is_required_it_is_set_up_first() -> None:
    at = advance(begin(), Proof.PASSWORD, REQUIRED, NOW)
    assert at.stage is Stage.ENROL
    assert may_enrol(at, REQUIRED, NOW)
    assert not may_enrol(at, REQUIRED, Moment(NOW + PATIENCE))
    assert not may_enrol(at, replace(REQUIRED, account_id=2), NOW)
    assert advance(at, Proof.ENROLLED, REQUIRED, NOW).stage is Stage.ENROL, "nothing was set up"
    done = enrolled(at, replace(REQUIRED, factors=frozenset({Factor.TOTP})), NOW)
    assert done.stage is Stage.SIGNED_IN
    assert is_recent(done, replace(REQUIRED, factors=frozenset({Factor.TOTP})), NOW)


@pytest.mark.parametrize("proof", [Proof.TOTP, Proof.RECOVERY, Proof.PASSKEY_VERIFIED])
def test_a_factor_that_appeared_meanwhile_was_not_proved_by_this_sign_in(proof: Proof) -> None:
    at = advance(begin(), Proof.PASSWORD, REQUIRED, NOW)
    reached = advance(at, proof, replace(REQUIRED, factors=frozenset({Factor.TOTP})), NOW)
    assert (reached.stage, reached.reason) == (Stage.REFUSED, SignInReason.CHANGED)


def test_a_factor_that_went_away_meanwhile_means_to_begin_again() -> None:
    at = advance(begin(), Proof.PASSWORD, WITH_TOTP, NOW)
    reached = advance(at, Proof.TOTP, ANA, NOW)
    assert (reached.stage, reached.reason) == (Stage.REFUSED, SignInReason.CHANGED)


def test_refused_for_good() -> None:
    at = advance(begin(), Proof.PASSWORD, WITH_TOTP, NOW)
    cases = [
        (advance(at, Proof.TOTP, replace(WITH_TOTP, active=False), NOW), SignInReason.INACTIVE),
        (advance(at, Proof.TOTP, replace(WITH_TOTP, account_id=2), NOW), SignInReason.OTHER_ACCOUNT),
        (advance(at, Proof.TOTP, WITH_TOTP, Moment(NOW + PATIENCE)), SignInReason.TOO_SLOW),
        (advance(at, Proof.TOTP, WITH_TOTP, Moment(NOW - 1)), SignInReason.TOO_SLOW),
    ]
    for reached, reason in cases:
        assert (reached.stage, reached.reason, reached.proofs) == (Stage.REFUSED, reason, frozenset())
        later = advance(reached, Proof.PASSWORD, ANA, NOW)
        assert (later.stage, later.reason) == (Stage.REFUSED, SignInReason.NOT_ASKED)
    assert advance(at, Proof.TOTP, WITH_TOTP, Moment(NOW + PATIENCE - 1)).stage is Stage.SIGNED_IN


def test_asking_again_is_for_the_same_account() -> None:
    assert advance(again(1), Proof.PASSWORD, ANA, NOW).stage is Stage.SIGNED_IN
    assert advance(again(2), Proof.PASSWORD, ANA, NOW).reason is SignInReason.OTHER_ACCOUNT


def test_a_recent_identity() -> None:
    signed_in = advance(begin(), Proof.PASSWORD, ANA, NOW)
    assert is_recent(signed_in, ANA, NOW)
    assert is_recent(signed_in, ANA, Moment(NOW + RECENT - 1))
    assert not is_recent(signed_in, ANA, Moment(NOW + RECENT))
    assert not is_recent(signed_in, ANA, Moment(NOW - 1)), "the clock was set back"
    assert not is_recent(signed_in, replace(ANA, active=False), NOW)
    assert not is_recent(signed_in, replace(ANA, account_id=2), NOW)
    assert not is_recent(signed_in, WITH_TOTP, NOW), "a password alone proves too little once a factor is on"
    assert is_recent(enrolled(signed_in, WITH_TOTP, NOW), WITH_TOTP, NOW)
    second = advance(begin(), Proof.PASSWORD, WITH_TOTP, NOW)
    assert not is_recent(second, WITH_TOTP, NOW)
    assert is_recent(advance(second, Proof.TOTP, WITH_TOTP, NOW), WITH_TOTP, NOW)
    assert not is_recent(begin(), ANA, NOW)


def test_a_wrong_proof_leads_nowhere() -> None:
    at = advance(begin(), Proof.PASSWORD, WITH_TOTP, NOW)
    assert failed(at, SignInReason.WRONG) == replace(at, reason=SignInReason.WRONG)
    done = advance(at, Proof.TOTP, WITH_TOTP, NOW)
    assert failed(done, SignInReason.WRONG) == done
    assert advance(failed(at, SignInReason.WRONG), Proof.TOTP, WITH_TOTP, NOW).reason is None


STANDINGS = st.builds(
    Standing,
    account_id=st.integers(1, 2),
    active=st.booleans(),
    factors=st.frozensets(st.sampled_from(Factor)),
    policy=st.sampled_from(Policy),
)
SIGN_INS = st.builds(
    SignIn,
    stage=st.sampled_from(Stage),
    account_id=st.none() | st.integers(1, 2),
    proofs=st.frozensets(st.sampled_from(Proof)),
    since=st.none() | st.integers(0, 10**15).map(Moment),
    proved_at=st.none() | st.integers(0, 10**15).map(Moment),
    reason=st.none() | st.sampled_from(SignInReason),
)


@given(SIGN_INS)
def test_as_text_and_back(at: SignIn) -> None:
    assert load(dump(at)) == at


@given(st.text(max_size=50) | st.sampled_from(["{}", "[]", "null", '{"stage":"signed-in"}', '{"stage":[]}']))
def test_other_text_is_no_sign_in(text: str) -> None:
    with pytest.raises(ValueError, match="no sign-in"):
        load(text)


class SigningIn(RuleBasedStateMachine):
    """Somebody signs in to an account that others change meanwhile. The model counts what was really shown."""

    def __init__(self) -> None:
        super().__init__()
        self.at = begin()
        self.now = NOW
        self.standing = ANA
        self.first_at: Moment | None = None
        self.shown: set[Proof] = set()
        self.ended = False

    @rule(factors=st.frozensets(st.sampled_from(Factor)), active=st.booleans(), policy=st.sampled_from(Policy))
    def account_changes(self, factors: frozenset[Factor], active: bool, policy: Policy) -> None:
        self.standing = Standing(1, active=active, factors=factors, policy=policy)

    @rule(minutes=st.integers(0, 12))
    def time_passes(self, minutes: int) -> None:
        self.now = Moment(self.now + minutes * MINUTE)

    @rule(proof=st.sampled_from(sorted(set(Proof) - {Proof.ENROLLED})))
    def prove(self, proof: Proof) -> None:
        before = self.at
        self.at = advance(before, proof, self.standing, self.now)
        self._look(before, proof)

    @rule(factor=st.sampled_from([Factor.TOTP, Factor.PASSKEY]))
    def enrol(self, factor: Factor) -> None:
        if may_enrol(self.at, self.standing, self.now):
            self.standing = replace(self.standing, factors=self.standing.factors | {factor})
            before = self.at
            self.at = enrolled(before, self.standing, self.now)
            self._look(before, Proof.ENROLLED)

    @rule()
    def stumble(self) -> None:
        before = self.at
        self.at = failed(before, SignInReason.WRONG)
        assert (self.at.stage, self.at.proofs) == (before.stage, before.proofs)

    @rule()
    def other_account(self) -> None:
        before = self.at
        if before.account_id is not None:
            reached = advance(before, Proof.PASSWORD, replace(ANA, account_id=2), self.now)
            assert reached.stage in (Stage.REFUSED, before.stage)
            assert reached.account_id == 1

    def _look(self, before: SignIn, proof: Proof) -> None:
        if self.at.stage is not before.stage:
            self.shown.add(proof)
        if before.stage is Stage.FIRST and self.at.stage not in (Stage.FIRST, Stage.REFUSED):
            self.first_at = self.now
        if before.stage in (Stage.SIGNED_IN, Stage.REFUSED):
            assert self.at.stage is before.stage
        if self.at.stage is Stage.SIGNED_IN and before.stage is not Stage.SIGNED_IN:
            self._judge()

    def _judge(self) -> None:
        """Written down apart from the code: what must be true of everybody who got in, at the moment they did."""
        assert self.standing.active
        assert self.first_at is not None
        assert self.now - self.first_at < PATIENCE
        whole = self.shown & {Proof.PASSKEY_VERIFIED, Proof.SINGLE_SIGN_ON_STRONG}
        firsts = self.shown & {Proof.PASSWORD, Proof.SINGLE_SIGN_ON}
        assert whole or firsts
        has = {Proof.TOTP: Factor.TOTP, Proof.RECOVERY: Factor.RECOVERY, Proof.PASSKEY: Factor.PASSKEY}
        seconds = {proof for proof, factor in has.items() if proof in self.shown and factor in self.standing.factors}
        if self.standing.is_protected or self.standing.policy is Policy.REQUIRED:
            assert whole or seconds or Proof.ENROLLED in self.shown

    @invariant()
    def proofs_are_those_shown(self) -> None:
        assert self.at.proofs <= self.shown


SigningIn.TestCase.settings = settings(max_examples=300, stateful_step_count=12, deadline=None)
TestSigningIn = SigningIn.TestCase


@given(SIGN_INS, STANDINGS, st.integers(0, 10**15).map(Moment))
def test_whoever_is_recent_has_proved_enough(at: SignIn, standing: Standing, now: Moment) -> None:
    if sign_in.is_recent(at, standing, now):
        assert at.stage is Stage.SIGNED_IN
        assert standing.active
        assert at.account_id == standing.account_id
        assert at.proved_at is not None
        assert 0 <= now - at.proved_at < RECENT
        if standing.is_protected:
            assert at.proofs - {Proof.PASSWORD, Proof.SINGLE_SIGN_ON}
