"""Signing in to the page: passwords, codes, recovery codes; what is refused, and for how long."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from dav_gateway.core.errors import Refusal, StoreUnavailable
from dav_gateway.core.keyring import Keyring
from dav_gateway.core.moment import DAY, HOUR, MINUTE, SECOND, Moment
from dav_gateway.core.sign_in import Proof, SignInReason, Stage, begin
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.service.caller import Caller
from dav_gateway.service.page_services import PageOptions
from dav_gateway.service.services import assemble
from dav_gateway.service.standings import IdentityNeeded
from dav_gateway.store import audit
from dav_gateway.store.database import open_database

from .conftest import Company
from .signing_in import DESK, PASSWORD, PHONE, Ana


@pytest.fixture
def ana(company: Company) -> Ana:
    return Ana(company)


@pytest.fixture
def small_ana(small_company: Company) -> Ana:
    return Ana(small_company)


def test_a_password_signs_in(ana: Ana) -> None:
    for login in ("ana", " ANA ", "Ana@Nogal.example"):
        outcome = ana.page.identity.by_password(begin(), login, PASSWORD, DESK)
        assert (outcome.sign_in.stage, outcome.sign_in.account_id) == (Stage.SIGNED_IN, ana.id)
    assert ana.audit() == [("signed_in", {"proofs": ["password"]})] * 3


def test_all_that_is_wrong_looks_alike(small_ana: Ana) -> None:
    people = small_ana.company.services.accounts
    people.add(name="ben", email="ben@nogal.example", by="test")
    people.add(name="carla", email="carla@nogal.example", password=PASSWORD, by="test")
    people.deactivate("carla", by="test")
    secret, _ = small_ana.company.issue()
    cases = [
        ("ana", "wrong"),
        ("ana", ""),
        ("ana", PASSWORD + "x" * 5000),
        ("ana", secret.reveal()),
        ("ben", PASSWORD),
        ("ben", ""),
        ("carla", PASSWORD),
        ("nobody", PASSWORD),
        ("x" * 1000, PASSWORD),
        ("", ""),
    ]
    for login, password in cases:
        outcome = small_ana.page.identity.by_password(begin(), login, password, PHONE)
        assert (outcome.sign_in.stage, outcome.sign_in.reason) == (Stage.FIRST, SignInReason.WRONG), login
        assert outcome.sign_in.account_id is None
    told = [each for each in small_ana.audit() if each[0] not in ("issued", "shown")]
    assert told == [("sign_in_failed", {"reason": "wrong", "proof": "password"})] * len(cases)


def test_what_was_typed_is_kept_nowhere(small_ana: Ana) -> None:
    small_ana.page.identity.by_password(begin(), "hunter2-typed-as-a-name", "hunter3", DESK)
    with small_ana.company.database.read() as connection:
        assert "hunter" not in str(audit.select(connection))


def test_guesses_are_slowed_where_they_come_from_and_nowhere_else(small_ana: Ana) -> None:
    for login in ("nobody", "ana"):
        small_ana.company.clock.advance(MINUTE)
        outcomes = [small_ana.page.identity.by_password(begin(), login, "wrong", DESK) for _ in range(50)]
        reasons = [outcome.sign_in.reason for outcome in outcomes]
        assert reasons == [SignInReason.WRONG] * 10 + [SignInReason.WAIT] * 40, login
        assert outcomes[-1].wait > 0
    blocked = small_ana.password()
    assert (blocked.sign_in.stage, blocked.sign_in.reason) == (Stage.FIRST, SignInReason.WAIT)
    assert small_ana.password(caller=PHONE).is_signed_in, "the owner elsewhere notices nothing"
    small_ana.company.clock.advance(blocked.wait * SECOND)
    assert small_ana.password().is_signed_in, "and here after the wait"


def test_a_slowed_name_does_not_tell_whose_e_mail_is_whose(small_ana: Ana) -> None:
    """With one bucket for both, the answer to the second would tell that there is such an account."""
    for name, email in (("ana", "ana@nogal.example"), ("nobody", "nobody@nogal.example")):
        small_ana.company.clock.advance(MINUTE)
        for _ in range(11):
            slowed = small_ana.page.identity.by_password(begin(), name, "wrong", DESK)
        assert slowed.sign_in.reason is SignInReason.WAIT
        other = small_ana.page.identity.by_password(begin(), email, "wrong", DESK)
        assert other.sign_in.reason is SignInReason.WRONG, name


def test_with_codes_on_a_password_is_half_of_it(ana: Ana) -> None:
    ana.turn_codes_on()
    ana.company.clock.advance(30 * SECOND)
    half = ana.password().sign_in
    assert (half.stage, half.reason) == (Stage.SECOND, None)
    assert not ana.page.standings.is_recent(half)
    done = ana.page.identity.by_code(half, f" {ana.code()[:3]} {ana.code()[3:]} ", DESK)
    assert done.is_signed_in
    assert done.sign_in.proofs == {Proof.PASSWORD, Proof.TOTP}
    assert ana.page.standings.is_recent(done.sign_in)
    assert ana.audit()[-1] == ("signed_in", {"proofs": ["password", "totp"]})


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_of_the_step_before_or_after(small_ana: Ana, steps: int) -> None:
    small_ana.turn_codes_on()
    small_ana.company.clock.advance(90 * SECOND)
    half = small_ana.password().sign_in
    assert small_ana.page.identity.by_code(half, small_ana.code(steps), DESK).is_signed_in


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_code_of_two_steps_away(small_ana: Ana, steps: int) -> None:
    small_ana.turn_codes_on()
    small_ana.company.clock.advance(90 * SECOND)
    half = small_ana.password().sign_in
    assert small_ana.page.identity.by_code(half, small_ana.code(steps), DESK).sign_in.reason is SignInReason.WRONG


def test_a_code_is_used_once(ana: Ana) -> None:
    ana.turn_codes_on()
    half = ana.password().sign_in
    replayed = ana.page.identity.by_code(half, ana.code(), DESK)
    assert replayed.sign_in.reason is SignInReason.REPLAYED, "the code that turned it on"
    ana.company.clock.advance(30 * SECOND)
    assert ana.page.identity.by_code(half, ana.code(), DESK).is_signed_in
    assert ana.page.identity.by_code(half, ana.code(), DESK).sign_in.reason is SignInReason.REPLAYED
    assert ana.page.identity.by_code(half, ana.code(-1), DESK).sign_in.reason is SignInReason.REPLAYED
    assert ("sign_in_failed", {"reason": "replayed", "proof": "totp"}) in ana.audit()


def test_of_many_at_once_with_one_code_one_gets_in(ana: Ana, database_url: str) -> None:
    """Two processes: each has services, keys and a pool of its own on the same database."""
    ana.turn_codes_on()
    ana.company.clock.advance(30 * SECOND)
    half = ana.password().sign_in
    barrier = Barrier(8)
    other = open_database(database_url)
    options = PageOptions(read_key=lambda: Keyring(bytes(range(32))))
    there = assemble(other, clock=ana.company.clock, profile=CHEAPEST, human_profile=CHEAPEST, page=options).page

    def attempt(number: int) -> bool:
        barrier.wait(30)
        page = there if number % 2 else ana.page
        return page.identity.by_code(half, ana.code(), DESK).is_signed_in

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    other.dispose()


def test_fifty_wrong_codes_from_everywhere_are_slowed_and_then_the_owner_gets_in(ana: Ana) -> None:
    ana.turn_codes_on()
    ana.company.clock.advance(30 * SECOND)
    half = ana.password().sign_in
    wrong = f"{(int(ana.code()) + 1) % 1_000_000:06}"
    looked_at = 0
    for number in range(50):
        outcome = ana.page.identity.by_code(half, wrong, Caller(f"203.0.113.{number}"))
        looked_at += outcome.sign_in.reason is SignInReason.WRONG
    assert looked_at == 5
    owner = ana.page.identity.by_code(half, ana.code(), DESK)
    assert (owner.sign_in.stage, owner.sign_in.reason) == (Stage.SECOND, SignInReason.WAIT)
    assert 0 < owner.wait <= 5 * MINUTE // SECOND
    ana.company.clock.advance(owner.wait * SECOND)
    assert ana.page.identity.by_code(half, ana.code(1), DESK).is_signed_in


def test_fifty_wrong_codes_at_the_same_moment_are_looked_at_one_after_the_other(ana: Ana) -> None:
    ana.turn_codes_on()
    ana.company.clock.advance(30 * SECOND)
    half = ana.password().sign_in
    wrong = f"{(int(ana.code()) + 1) % 1_000_000:06}"
    barrier = Barrier(12)

    def attempt(number: int) -> SignInReason | None:
        barrier.wait(30)
        return ana.page.identity.by_code(half, wrong, Caller(f"203.0.113.{number}")).sign_in.reason

    with ThreadPoolExecutor(12) as pool:
        reasons = list(pool.map(attempt, range(12)))
    assert reasons.count(SignInReason.WRONG) == 5
    assert reasons.count(SignInReason.WAIT) == 7


def test_many_passwords_at_the_same_moment_are_no_more_than_one_after_the_other(small_ana: Ana) -> None:
    barrier = Barrier(20)

    def attempt(number: int) -> SignInReason | None:
        barrier.wait(30)
        return small_ana.password(password=f"guess number {number}").sign_in.reason

    with ThreadPoolExecutor(20) as pool:
        reasons = list(pool.map(attempt, range(20)))
    assert reasons.count(SignInReason.WRONG) == 10
    assert reasons.count(SignInReason.WAIT) == 10


def test_what_is_right_is_not_counted(small_ana: Ana) -> None:
    for _ in range(40):
        assert small_ana.password().is_signed_in


def test_texts_that_no_database_takes(ana: Ana) -> None:
    for text in ("a\x00na", "\ud800", "ana\n", "\x00", "\u202eana"):
        assert ana.page.identity.by_password(begin(), text, text, PHONE).sign_in.reason is SignInReason.WRONG
        assert ana.password(password=text, caller=Caller("203.0.113.1")).sign_in.reason is SignInReason.WRONG
    ana.turn_codes_on()
    ana.company.clock.advance(30 * SECOND)
    half = ana.password().sign_in
    for text in ("\x00", "\ud800", "12345\x00", "k7mq-x3f9-tbx\x00"):
        assert ana.page.identity.by_code(half, text, DESK).sign_in.reason is SignInReason.WRONG
        assert ana.page.identity.by_recovery_code(half, text, DESK).sign_in.reason is SignInReason.WRONG
        assert ana.page.identity.by_passkey(begin(), text, text, PHONE).sign_in.reason is SignInReason.WRONG
        with pytest.raises(Refusal):
            ana.page.passwords.look(text)


def test_the_delay_is_the_same_in_another_process_and_after_a_restart(ana: Ana, database_url: str) -> None:
    ana.turn_codes_on()
    ana.company.clock.advance(30 * SECOND)
    half = ana.password().sign_in
    wrong = f"{(int(ana.code()) + 1) % 1_000_000:06}"
    for number in range(6):
        ana.page.identity.by_code(half, wrong, Caller(f"203.0.113.{number}"))
    other = open_database(database_url)
    options = PageOptions(read_key=lambda: Keyring(bytes(range(32))))
    there = assemble(other, clock=ana.company.clock, page=options, human_profile=CHEAPEST).page
    assert there.identity.by_code(half, ana.code(), DESK).sign_in.reason is SignInReason.WAIT
    other.dispose()


def test_the_delay_never_grows_beyond_what_a_person_can_wait(small_ana: Ana) -> None:
    small_ana.turn_codes_on()
    for number in range(40):
        small_ana.company.clock.advance(5 * MINUTE)
        half = small_ana.password(caller=PHONE).sign_in
        wrong = f"{(int(small_ana.code()) + 1) % 1_000_000:06}"
        outcome = small_ana.page.identity.by_code(half, wrong, Caller(f"203.0.113.{number}"))
        assert outcome.sign_in.reason is SignInReason.WRONG, "five minutes are always enough"
    small_ana.company.clock.advance(5 * MINUTE)
    half = small_ana.password().sign_in
    assert small_ana.page.identity.by_code(half, small_ana.code(), DESK).is_signed_in


def test_from_one_address_the_bucket_ends_first(small_ana: Ana) -> None:
    small_ana.turn_codes_on()
    small_ana.company.clock.advance(30 * SECOND)
    half = small_ana.password().sign_in
    for _ in range(10):
        small_ana.company.clock.advance(40 * SECOND)
        wrong = f"{(int(small_ana.code()) + 1) % 1_000_000:06}"
        outcome = small_ana.page.identity.by_code(half, wrong, PHONE)
        assert outcome.sign_in.reason is SignInReason.WRONG
    small_ana.company.clock.advance(HOUR)
    half = small_ana.password().sign_in
    for _ in range(10):
        small_ana.page.identity.by_recovery_code(half, "0000-0000-0000", PHONE)
    assert small_ana.page.identity.by_recovery_code(half, small_ana.recovery[0], PHONE).sign_in.reason is (
        SignInReason.WAIT
    )
    assert small_ana.page.identity.by_recovery_code(half, small_ana.recovery[0], DESK).is_signed_in


def test_what_is_no_code_is_no_guess(small_ana: Ana) -> None:
    small_ana.turn_codes_on()
    small_ana.company.clock.advance(30 * SECOND)
    half = small_ana.password().sign_in
    for typed in ["", "abc", "12345", "1" * 100_000, "\u0661" * 6, "12 34 5x"] * 10:
        outcome = small_ana.page.identity.by_code(half, typed, DESK)
        assert (outcome.sign_in.reason, outcome.wait) == (SignInReason.WRONG, 0)
    assert small_ana.page.identity.by_code(half, small_ana.code(), DESK).is_signed_in


def test_a_code_without_a_first_proof_is_not_looked_at(small_ana: Ana) -> None:
    small_ana.turn_codes_on()
    small_ana.company.clock.advance(30 * SECOND)
    for at in (begin(), small_ana.again()):
        outcome = small_ana.page.identity.by_code(at, small_ana.code(), DESK)
        assert outcome.sign_in.reason is SignInReason.NOT_ASKED
        outcome = small_ana.page.identity.by_recovery_code(at, small_ana.recovery[0], DESK)
        assert outcome.sign_in.reason is SignInReason.NOT_ASKED
    half = small_ana.password().sign_in
    assert small_ana.page.identity.by_code(half, small_ana.code(), DESK).is_signed_in, "it was not used up"


def test_a_recovery_code_signs_in_once(ana: Ana) -> None:
    ana.turn_codes_on()
    assert len(set(ana.recovery)) == 10
    half = ana.password().sign_in
    done = ana.page.identity.by_recovery_code(half, ana.recovery[3].upper().replace("-", " "), DESK)
    assert done.is_signed_in
    assert ("recovery_code_used", {"left": 9}) in ana.audit()
    assert ana.page.factors.overview(ana.id).recovery_codes_left == 9
    again = ana.page.identity.by_recovery_code(half, ana.recovery[3], DESK)
    assert again.sign_in.reason is SignInReason.REPLAYED
    assert ana.page.identity.by_recovery_code(half, "zzzz-zzzz-zzzz", DESK).sign_in.reason is SignInReason.WRONG


def test_of_many_at_once_with_one_recovery_code_one_gets_in(ana: Ana) -> None:
    ana.turn_codes_on()
    half = ana.password().sign_in
    barrier = Barrier(6)

    def attempt(_number: int) -> bool:
        barrier.wait(30)
        return ana.page.identity.by_recovery_code(half, ana.recovery[0], DESK).is_signed_in

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(6))) == 1


def test_the_second_step_ends_with_the_account_or_the_time(small_ana: Ana) -> None:
    small_ana.turn_codes_on()
    small_ana.company.clock.advance(30 * SECOND)
    half = small_ana.password().sign_in
    small_ana.company.clock.advance(10 * MINUTE)
    late = small_ana.page.identity.by_code(half, small_ana.code(), DESK).sign_in
    assert (late.stage, late.reason) == (Stage.REFUSED, SignInReason.TOO_SLOW)
    half = small_ana.password().sign_in
    small_ana.company.services.accounts.deactivate("ana", by="test")
    small_ana.company.clock.advance(30 * SECOND)
    gone = small_ana.page.identity.by_code(half, small_ana.code(), DESK).sign_in
    assert (gone.stage, gone.reason) == (Stage.REFUSED, SignInReason.INACTIVE)


def test_a_recent_identity_lasts_ten_minutes(small_ana: Ana) -> None:
    identity = small_ana.signed_in()
    small_ana.page.standings.require_recent(identity)
    small_ana.company.clock.advance(10 * MINUTE)
    with pytest.raises(IdentityNeeded):
        small_ana.page.standings.require_recent(identity)
    with pytest.raises(IdentityNeeded):
        small_ana.page.standings.require_recent(begin())
    fresh = small_ana.password(small_ana.again()).sign_in
    small_ana.page.standings.require_recent(fresh)


def test_with_another_key_file_nobody_is_told_that_a_code_is_wrong(small_ana: Ana) -> None:
    small_ana.turn_codes_on()
    small_ana.company.clock.advance(30 * SECOND)
    half = small_ana.password().sign_in
    options = PageOptions(read_key=lambda: Keyring(bytes(32)))
    there = assemble(small_ana.company.database, clock=small_ana.company.clock, page=options).page
    with pytest.raises(StoreUnavailable, match="key file"):
        there.identity.by_code(half, small_ana.code(), DESK)
    without = assemble(small_ana.company.database, clock=small_ana.company.clock).page
    with pytest.raises(Refusal, match=r"security\.key_file"):
        without.identity.by_code(half, small_ana.code(), DESK)
    assert small_ana.page.identity.by_code(half, small_ana.code(), DESK).is_signed_in


def test_a_copy_of_the_database_holds_no_secret(small_ana: Ana, dump: Callable[[], str]) -> None:
    small_ana.turn_codes_on()
    assert small_ana.app is not None
    everything = dump()
    for secret in (small_ana.app.secret, small_ana.app.byte_secret().hex(), str(small_ana.app.byte_secret())[2:-1]):
        assert secret not in everything
    for code in small_ana.recovery:
        assert code not in everything
        assert code.replace("-", "") not in everything
    assert PASSWORD not in everything


@pytest.fixture
def dump(small_company: Company) -> Callable[[], str]:
    """All rows of all tables as text."""

    def everything() -> str:
        with small_company.database.read() as connection:
            names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
            return "\n".join(
                str(row) for name in names for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"').all()
            )

    return everything


def test_a_clock_set_back_lets_nobody_in_twice(small_ana: Ana) -> None:
    small_ana.turn_codes_on()
    small_ana.company.clock.advance(DAY)
    half = small_ana.password().sign_in
    code = small_ana.code()
    assert small_ana.page.identity.by_code(half, code, DESK).is_signed_in
    small_ana.company.clock.now = Moment(small_ana.company.clock.now - 20 * SECOND)
    half = small_ana.password().sign_in
    assert not small_ana.page.identity.by_code(half, code, DESK).is_signed_in
