"""Signing in to the page, its sessions, and forms that are good for one use."""

import pytest

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.moment import DAY, HOUR, MINUTE
from dav_gateway.core.scope import Scope
from dav_gateway.core.sign_in import PATIENCE, RECENT, SignInReason, Stage
from dav_gateway.service.caller import Caller
from dav_gateway.service.forms import UsedBefore
from dav_gateway.service.sign_in import Step
from dav_gateway.service.web_sessions import ABSOLUTE, IDLE, SECOND_STEP, Visit
from dav_gateway.store import credentials

from .conftest import Clock, Company
from .signing_in import Ana

PASSWORD = "nogal y roble"
HERE = Caller("192.0.2.7", "Firefox", "request-1")
ELSEWHERE = Caller("198.51.100.9", "Firefox", "request-2")

WRONG = Step(Stage.FIRST, SignInReason.WRONG)


@pytest.fixture
def office(company: Company) -> Company:
    """A company where Ana has a main password."""
    company.services.accounts.set_password("ana", PASSWORD, by="test")
    return company


def by_password(company: Company, login: str, password: str, asker: Caller = HERE) -> Step:
    return company.services.sign_in.with_password(None, login, password, asker)


def visited(company: Company, value: str) -> Visit:
    visit = company.services.sessions.find(value)
    assert visit is not None
    return visit


def enter(company: Company, login: str = "ana", asker: Caller = HERE) -> Visit:
    return visited(company, by_password(company, login, PASSWORD, asker).value)


def value_of(company: Company) -> str:
    return by_password(company, "ana", PASSWORD).value


@pytest.mark.parametrize("login", ["ana", " ANA ", "Ana@Nogal.Example"])
def test_name_or_mail_and_the_main_password_begin_a_session(office: Company, login: str) -> None:
    visit = enter(office, login)
    assert visit.account.name == "ana"
    assert visit.signed_in
    assert (visit.session.address, visit.session.user_agent) == (HERE.address, HERE.user_agent)
    assert office.events()[-1] == "signed_in"


@pytest.mark.parametrize(
    ("login", "password"), [("ana", "nogal y pino"), ("nobody", PASSWORD), ("ana", ""), ("ana", "x" * 100_000)]
)
def test_anything_else_does_not(office: Company, login: str, password: str) -> None:
    assert by_password(office, login, password) == WRONG
    assert office.events()[-1] == "sign_in_failed"
    assert office.services.sessions.of_account(office.services.accounts.get("ana")) == []


def test_an_app_password_is_no_main_password(office: Company) -> None:
    password, _ = office.issue()
    assert by_password(office, "ana", password.reveal()) == WRONG


def test_an_account_without_a_password_or_deactivated_cannot_sign_in(office: Company) -> None:
    office.services.accounts.add(name="ben", email="ben@nogal.example", by="test")
    assert by_password(office, "ben", PASSWORD) == WRONG
    office.services.accounts.deactivate("ana", by="test")
    assert by_password(office, "ana", PASSWORD) == WRONG


def test_unknown_accounts_cost_the_same_work(office: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from dav_gateway.core import verifier

    checked = []
    check = verifier.check
    monkeypatch.setattr(verifier, "check", lambda kept, secret: checked.append(kept) or check(kept, secret))
    by_password(office, "ana", "wrong")
    by_password(office, "nobody", "wrong")
    assert len(checked) == 2
    assert checked[0].rpartition("$")[0].rpartition("$")[0] == checked[1].rpartition("$")[0].rpartition("$")[0]


def test_guessing_is_made_to_wait_and_locks_nobody_out(office: Company, clock: Clock) -> None:
    for _ in range(10):
        assert by_password(office, "ana", "wrong") == WRONG
    refused = by_password(office, "ana", PASSWORD)
    assert refused.reason is SignInReason.WAIT
    assert 0 < refused.wait <= 90
    enter(office, asker=ELSEWHERE)
    clock.advance(refused.wait * 1000)
    enter(office)


def test_the_store_does_not_hold_what_the_browser_holds(office: Company) -> None:
    value = value_of(office)
    with office.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM web_session").fetchall()
    assert value not in repr(rows)
    assert office.services.sessions.find(value.upper()) is None
    assert office.services.sessions.find("") is None


def test_a_session_ends_when_it_is_idle_or_old(office: Company, clock: Clock) -> None:
    sessions = office.services.sessions
    idle = value_of(office)
    clock.advance(IDLE - 1)
    assert sessions.find(idle, touch=False) is not None
    clock.advance(1)
    assert sessions.find(idle) is None
    used = value_of(office)
    for _ in range(ABSOLUTE // (6 * HOUR) - 1):
        clock.advance(6 * HOUR)
        assert sessions.find(used) is not None
    clock.advance(6 * HOUR)
    assert sessions.find(used) is None


def test_a_new_sign_in_in_the_same_browser_ends_the_old_session(office: Company) -> None:
    first = value_of(office)
    visit = office.services.sessions.find(first)
    begun = office.services.sign_in.with_password(visit, "ana", PASSWORD, HERE)
    assert begun.value != first
    assert office.services.sessions.find(first) is None


def test_sessions_end_one_by_one_together_and_with_the_account(office: Company) -> None:
    sessions, ana = office.services.sessions, office.services.accounts.get("ana")
    here, there, third = enter(office), enter(office, asker=ELSEWHERE), enter(office)
    assert sessions.end_named(ana, there.session.id)
    assert not sessions.end_named(ana, there.session.id)
    assert sessions.end_others(here) == 1
    assert [each.id for each in sessions.of_account(ana)] == [here.session.id]
    assert third.session.id != here.session.id
    office.services.accounts.set_password("ana", PASSWORD, by="ana", keep=here.session)
    assert len(sessions.of_account(ana)) == 1
    office.services.accounts.deactivate("ana", by="test")
    office.services.accounts.activate("ana", by="test")
    assert sessions.of_account(ana) == []


def test_a_deactivated_account_has_no_session_even_where_the_row_is_left(office: Company) -> None:
    from dav_gateway.store import accounts

    value = value_of(office)
    with office.database.write() as connection:
        accounts.change(connection, office.services.accounts.get("ana").id, active=False)
    assert office.services.sessions.find(value) is None


def test_a_person_is_asked_again_after_a_while(office: Company, clock: Clock) -> None:
    visit, sign_in, standings = enter(office), office.services.sign_in, office.services.page.standings
    assert standings.is_recent(visit.sign_in)
    clock.advance(RECENT)
    assert not standings.is_recent(visit.sign_in)
    assert sign_in.again_with_password(visit, "wrong", HERE) == WRONG
    step = sign_in.again_with_password(visit, PASSWORD, HERE)
    assert step.stage is Stage.SIGNED_IN
    renewed = visited(office, step.value)
    assert standings.is_recent(renewed.sign_in)
    assert (renewed.session.id, renewed.session.created_at) == (visit.session.id, visit.session.created_at)
    assert sign_in.again_with_password(visit, PASSWORD, HERE).reason is SignInReason.CHANGED, "its value is used up"


def test_with_a_second_factor_the_password_alone_opens_nothing(office: Company, clock: Clock) -> None:
    sessions, sign_in, ana = office.services.sessions, office.services.sign_in, Ana(office)
    ana.turn_codes_on()
    clock.advance(MINUTE)
    told = office.events().count("signed_in")
    begun = sign_in.with_password(None, "ana", "correct horse battery", HERE)
    assert begun.stage is Stage.SECOND
    half = visited(office, begun.value)
    assert not half.signed_in
    assert sessions.of_account(half.account) == []
    assert office.events().count("signed_in") == told
    wrong = sign_in.with_code(half, "000000", HERE)
    assert (wrong.stage, wrong.reason, wrong.value) == (Stage.SECOND, SignInReason.WRONG, "")
    step = sign_in.with_code(half, ana.code(), HERE)
    assert visited(office, step.value).signed_in
    assert sessions.find(begun.value) is None, "the value of the half session is worth nothing any more"
    clock.advance(MINUTE)
    assert sign_in.with_code(half, ana.code(), HERE).reason is SignInReason.CHANGED, "nor is what was read of it before"
    begun = sign_in.with_password(None, "ana", "correct horse battery", HERE)
    clock.advance(SECOND_STEP)
    assert sessions.find(begun.value) is None


def test_asking_again_takes_both_steps_and_changes_nothing_before_the_last(office: Company, clock: Clock) -> None:
    sign_in, ana = office.services.sign_in, Ana(office)
    ana.turn_codes_on()
    clock.advance(MINUTE)
    half = visited(office, sign_in.with_password(None, "ana", "correct horse battery", HERE).value)
    value = sign_in.with_code(half, ana.code(), HERE).value
    clock.advance(RECENT)
    visit = visited(office, value)
    assert sign_in.with_code(visit, ana.code(), HERE).reason is SignInReason.NOT_ASKED, "the password comes first"
    step = sign_in.again_with_password(visit, "correct horse battery", HERE)
    assert (step.stage, step.value) == (Stage.SECOND, "")
    visit = visited(office, value)
    assert visit.signed_in
    assert not office.services.page.standings.is_recent(visit.sign_in)
    clock.advance(PATIENCE)
    assert sign_in.with_code(visit, ana.code(), HERE).reason is SignInReason.NOT_ASKED, "that was too long ago"
    sign_in.again_with_password(visit, "correct horse battery", HERE)
    step = sign_in.with_code(visited(office, value), ana.code(), HERE)
    assert office.services.page.standings.is_recent(visited(office, step.value).sign_in)
    assert office.services.sessions.find(value) is None


def test_a_factor_ends_the_other_sessions_and_sign_ins_that_are_under_way(office: Company, clock: Clock) -> None:
    sign_in, sessions, ana = office.services.sign_in, office.services.sessions, Ana(office)
    other = sign_in.with_password(None, "ana", "correct horse battery", HERE).value
    visit = visited(office, sign_in.with_password(None, "ana", "correct horse battery", HERE).value)
    judged = ana.password()  # judged before the factor, kept after it
    here = Caller(HERE.address, HERE.user_agent, session=visit.session.digest)
    ana.turn_codes_on(visit.sign_in, here)
    assert sessions.find(other) is None
    assert [each.id for each in sessions.of_account(visit.account)] == [visit.session.id]
    assert judged.is_signed_in
    late = sign_in.enrolled(visit, judged.sign_in, HERE)
    assert (late.stage, late.value) == (Stage.REFUSED, ""), "a password alone is too little by now"


def test_a_form_makes_one_app_password(office: Company, clock: Clock) -> None:
    forms = office.services.forms
    form = forms.new()
    ana = office.services.accounts.get("ana")
    wish = {"service": Service.OTHER, "scopes": [Scope.CALENDARS], "origin": Origin.PAGE, "actor": "ana"}
    _, made = office.services.issuing.issue("ana", also=forms.redeem(form), **wish)  # type: ignore[arg-type]
    clock.advance(MINUTE)
    with pytest.raises(UsedBefore):
        office.services.issuing.issue("ana", also=forms.redeem(form), **wish)  # type: ignore[arg-type]
    with pytest.raises(UsedBefore):
        office.services.issuing.rotate(made.id, origin=Origin.PAGE, actor="ana", also=forms.redeem(form))
    with office.database.read() as connection:
        assert [each.id for each in credentials.of_account(connection, ana.id)] == [made.id]
    assert forms.made_by(form, ana) == made.id
    assert forms.made_by(forms.new(), ana) is None
    clock.advance(20 * DAY)
    office.services.issuing.issue("ana", also=forms.redeem(forms.new()), **wish)  # type: ignore[arg-type]
    assert forms.made_by(form, ana) is None
