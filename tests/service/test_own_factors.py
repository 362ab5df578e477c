"""A person's own factors: on, off, recovery codes, and who may not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pyotp
import pytest

from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.keyring import Keyring
from dav_gateway.core.moment import MINUTE, SECOND
from dav_gateway.core.sign_in import Policy, Proof, SignIn, SignInReason, Stage, begin
from dav_gateway.service.page_services import PageOptions
from dav_gateway.service.standings import IdentityNeeded
from dav_gateway.store.database import Database

from .conftest import KEY, PUBLIC_URL, Company
from .signing_in import DESK, Ana


@pytest.fixture
def ana(company: Company) -> Ana:
    return Ana(company)


@pytest.fixture
def strict_ana(sqlite_database: Database, found_company: Callable[..., Company]) -> Ana:
    """Ana of a company that requires a second factor."""
    page = PageOptions(public_url=PUBLIC_URL, policy=Policy.REQUIRED, read_key=lambda: Keyring(KEY))
    return Ana(found_company(sqlite_database, page=page))


@pytest.fixture
def small_ana(small_company: Company) -> Ana:
    return Ana(small_company)


def test_on_and_off(ana: Ana) -> None:
    identity = ana.signed_in()
    enrolment, svg = ana.page.factors.enrol(identity)
    assert enrolment.text.replace(" ", "") in enrolment.uri
    assert "Nogal:ana" in enrolment.uri
    assert "<svg" in svg
    assert not ana.page.factors.overview(ana.id).codes_are_on, "not before a first code"
    assert ana.page.factors.enrolling(identity) == (enrolment, svg)
    assert ana.page.factors.confirm(identity, "000000", DESK) is None
    identity = ana.turn_codes_on(identity)
    assert identity.stage is Stage.SIGNED_IN
    assert ana.page.standings.is_recent(identity), "whoever turned it on has just proved it"
    assert ana.page.factors.enrolling(identity) is None, "the secret is never shown again"
    overview = ana.page.factors.overview(ana.id)
    assert (overview.codes_are_on, overview.recovery_codes_left, len(ana.recovery)) == (True, 10, 10)
    with pytest.raises(Refusal, match="already"):
        ana.page.factors.enrol(identity)
    ana.page.factors.turn_codes_off(identity, DESK)
    overview = ana.page.factors.overview(ana.id)
    assert (overview.codes_are_on, overview.recovery_codes_left) == (False, 0)
    ana.page.factors.turn_codes_off(identity, DESK)
    assert [each for each in ana.audit() if each[0].startswith("second_factor")] == [
        ("second_factor_on", {"kind": "totp"}),
        ("second_factor_off", {"kind": "totp"}),
    ]
    ana.company.clock.advance(30 * SECOND)
    assert ana.password().is_signed_in


def test_nothing_is_confirmed_that_was_not_begun(small_ana: Ana) -> None:
    identity = small_ana.signed_in()
    with pytest.raises(Refusal, match="begin again"):
        small_ana.page.factors.confirm(identity, "123456", DESK)
    old, _ = small_ana.page.factors.enrol(identity)
    small_ana.page.factors.enrol(identity)
    stale = pyotp.parse_uri(old.uri)
    assert isinstance(stale, pyotp.TOTP)
    code = stale.at(small_ana.company.clock() // SECOND)
    assert small_ana.page.factors.confirm(identity, code, DESK) is None, "of the draft before"


def test_every_change_needs_a_recent_identity_with_the_factor(small_ana: Ana) -> None:
    only_password = small_ana.signed_in()
    identity = small_ana.add_passkey(small_ana.turn_codes_on(only_password))
    factors = small_ana.page.factors
    [passkey] = factors.overview(small_ana.id).passkeys
    small_ana.company.clock.advance(30 * SECOND)
    half = small_ana.password().sign_in

    def changes(who: SignIn) -> list[Callable[[], object]]:
        return [
            lambda: factors.enrol(who),
            lambda: factors.enrolling(who),
            lambda: factors.confirm(who, small_ana.code(), DESK),
            lambda: factors.turn_codes_off(who, DESK),
            lambda: factors.renew_recovery_codes(who, DESK),
            lambda: factors.passkey_options(who),
            lambda: factors.add_passkey(who, "x", "{}", "Key", DESK),
            lambda: factors.remove_passkey(who, passkey.id, DESK),
        ]

    before = small_ana.audit()
    for who in (only_password, half, begin()):
        for change in changes(who):
            with pytest.raises(IdentityNeeded):
                change()
    small_ana.company.clock.advance(10 * MINUTE)
    for change in changes(identity):
        with pytest.raises(IdentityNeeded):
            change()
    assert small_ana.audit() == before
    overview = factors.overview(small_ana.id)
    assert (overview.codes_are_on, overview.passkeys, overview.recovery_codes_left) == (True, (passkey,), 10)


def test_recovery_codes_are_renewed(ana: Ana) -> None:
    with pytest.raises(Refusal, match="second factor"):
        ana.page.factors.renew_recovery_codes(ana.signed_in(), DESK)
    identity = ana.turn_codes_on()
    old = ana.recovery
    new = ana.page.factors.renew_recovery_codes(identity, DESK)
    assert not set(old) & set(new)
    half = ana.password().sign_in
    assert ana.page.identity.by_recovery_code(half, old[0], DESK).sign_in.reason is SignInReason.WRONG
    assert ana.page.identity.by_recovery_code(half, new[0], DESK).is_signed_in


def test_of_two_pages_that_confirm_at_once_one_shows_codes(ana: Ana) -> None:
    identity = ana.signed_in()
    enrolment, _ = ana.page.factors.enrol(identity)
    ana.app = pyotp.parse_uri(enrolment.uri)  # type: ignore[assignment]
    barrier = Barrier(4)

    def attempt(_number: int) -> int:
        barrier.wait(30)
        try:
            done = ana.page.factors.confirm(identity, ana.code(), DESK)
        except Refusal:
            return 0
        return 0 if done is None else len(done.recovery)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == [0, 0, 0, 10]
    assert ana.page.factors.overview(ana.id).recovery_codes_left == 10


def test_where_it_is_required_it_is_set_up_at_the_sign_in(strict_ana: Ana) -> None:
    at = strict_ana.password().sign_in
    assert at.stage is Stage.ENROL
    assert not strict_ana.page.standings.is_recent(at)
    with pytest.raises(IdentityNeeded):
        strict_ana.page.factors.renew_recovery_codes(at, DESK)
    done = strict_ana.turn_codes_on(at)
    assert (done.stage, done.proofs) == (Stage.SIGNED_IN, {Proof.PASSWORD, Proof.ENROLLED})
    assert strict_ana.audit()[-1] == ("signed_in", {"proofs": ["enrolled", "password"]})
    with pytest.raises(Refusal, match="required"):
        strict_ana.page.factors.turn_codes_off(done, DESK)
    assert strict_ana.page.factors.overview(strict_ana.id).codes_are_on
    done = strict_ana.add_passkey(done)
    strict_ana.page.factors.turn_codes_off(done, DESK)
    [passkey] = strict_ana.page.factors.overview(strict_ana.id).passkeys
    with pytest.raises(Refusal, match="required"):
        strict_ana.page.factors.remove_passkey(done, passkey.id, DESK)
    assert strict_ana.show_passkey().is_signed_in


def test_a_half_sign_in_cannot_replace_a_factor_where_one_is_required(strict_ana: Ana) -> None:
    stale = strict_ana.password().sign_in
    strict_ana.turn_codes_on(strict_ana.password().sign_in)
    assert stale.stage is Stage.ENROL
    with pytest.raises(IdentityNeeded):
        strict_ana.page.factors.enrol(stale)
    with pytest.raises(IdentityNeeded):
        strict_ana.page.factors.passkey_options(stale)


def test_an_administrator_takes_it_away(ana: Ana) -> None:
    ana.add_passkey(ana.turn_codes_on())
    account, was_on = ana.page.take_factors_away("ana", by="admin")
    assert (account.name, was_on) == ("ana", True)
    assert ana.page.take_factors_away("ana", by="admin")[1] is False
    overview = ana.page.factors.overview(ana.id)
    assert (overview.codes_are_on, overview.passkeys, overview.recovery_codes_left) == (False, (), 0)
    assert ana.audit()[-1] == ("second_factor_off", {"kind": "all", "passkeys": 1, "totp": True})
    assert ana.password().is_signed_in
    with pytest.raises(NotFound):
        ana.page.take_factors_away("nobody", by="admin")
