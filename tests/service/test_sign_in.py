"""Signing in to the page, its sessions, and forms that are good for one use."""

import pytest
from sqlalchemy import Connection

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.moment import DAY, HOUR, MINUTE
from dav_gateway.core.scope import Scope
from dav_gateway.service.forms import UsedBefore
from dav_gateway.service.sign_in import Asker, Begun, NotSignedIn, SignIn
from dav_gateway.service.web_sessions import ABSOLUTE, IDLE, RECENT, SECOND_STEP, Visit
from dav_gateway.store import credentials
from dav_gateway.store.web_sessions import Stage

from .conftest import Clock, Company

PASSWORD = "nogal y roble"
HERE = Asker("192.0.2.7", "Firefox", "request-1")
ELSEWHERE = Asker("198.51.100.9", "Firefox", "request-2")


@pytest.fixture
def office(company: Company) -> Company:
    """A company where Ana has a main password."""
    company.services.accounts.set_password("ana", PASSWORD, by="test")
    return company


def enter(company: Company, login: str = "ana", asker: Asker = HERE) -> Visit:
    begun = company.services.sign_in.with_password(login, PASSWORD, asker)
    assert isinstance(begun, Begun)
    visit = company.services.sessions.find(begun.value)
    assert visit is not None
    return visit


def value_of(company: Company) -> str:
    begun = company.services.sign_in.with_password("ana", PASSWORD, HERE)
    assert isinstance(begun, Begun)
    return begun.value


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
    assert office.services.sign_in.with_password(login, password, HERE) == NotSignedIn()
    assert office.events()[-1] == "sign_in_failed"
    assert office.services.sessions.of_account(office.services.accounts.get("ana")) == []


def test_an_app_password_is_no_main_password(office: Company) -> None:
    password, _ = office.issue()
    assert office.services.sign_in.with_password("ana", password.reveal(), HERE) == NotSignedIn()


def test_an_account_without_a_password_or_deactivated_cannot_sign_in(office: Company) -> None:
    office.services.accounts.add(name="ben", email="ben@nogal.example", by="test")
    assert office.services.sign_in.with_password("ben", PASSWORD, HERE) == NotSignedIn()
    office.services.accounts.deactivate("ana", by="test")
    assert office.services.sign_in.with_password("ana", PASSWORD, HERE) == NotSignedIn()


def test_unknown_accounts_cost_the_same_work(office: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from dav_gateway.core import verifier

    checked = []
    check = verifier.check
    monkeypatch.setattr(verifier, "check", lambda kept, secret: checked.append(kept) or check(kept, secret))
    office.services.sign_in.with_password("ana", "wrong", HERE)
    office.services.sign_in.with_password("nobody", "wrong", HERE)
    assert len(checked) == 2
    assert checked[0].rpartition("$")[0].rpartition("$")[0] == checked[1].rpartition("$")[0].rpartition("$")[0]


def test_guessing_is_made_to_wait_and_locks_nobody_out(office: Company, clock: Clock) -> None:
    for _ in range(10):
        assert office.services.sign_in.with_password("ana", "wrong", HERE) == NotSignedIn()
    refused = office.services.sign_in.with_password("ana", PASSWORD, HERE)
    assert isinstance(refused, NotSignedIn)
    assert 0 < refused.wait <= 90
    enter(office, asker=ELSEWHERE)
    clock.advance(refused.wait * 1000)
    enter(office)


def test_who_tries_many_names_does_not_keep_the_others_of_the_address_out(office: Company) -> None:
    sign_in = office.services.sign_in
    for number in range(60):
        assert sign_in.with_password(f"guess{number}", "wrong", HERE) == NotSignedIn()
    told = len(office.events())
    again = sign_in.with_password("guess", "wrong", HERE)
    assert isinstance(again, NotSignedIn)
    assert 0 < again.wait <= 10
    assert len(office.events()) == told, "an attack does not fill the audit"
    enter(office)
    for _ in range(10):
        sign_in.with_password("ana", "wrong", HERE)
    blocked = sign_in.with_password("ana", PASSWORD, HERE)
    assert isinstance(blocked, NotSignedIn)
    assert blocked.wait > 10, "the pair is counted at an address that is used up, too"


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
    begun = office.services.sign_in.with_password("ana", PASSWORD, HERE, instead_of=visit)
    assert isinstance(begun, Begun)
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
    visit = enter(office)
    assert visit.is_recent(clock.now)
    clock.advance(RECENT)
    assert not visit.is_recent(clock.now)
    assert office.services.sign_in.again(visit, "wrong", HERE) == NotSignedIn()
    assert office.services.sign_in.again(visit, PASSWORD, HERE) is None
    [stored] = office.services.sessions.of_account(visit.account)
    assert stored.identified_at == clock.now


class Always:
    def is_on(self, connection: Connection, account: Account) -> bool:
        return True


def test_with_a_second_step_the_password_alone_opens_nothing(office: Company, clock: Clock) -> None:
    services = office.services
    hashing = services.sign_in._hashing
    sign_in = SignIn(office.database, hashing, services.sessions, clock, second_step=Always())
    begun = sign_in.with_password("ana", PASSWORD, HERE)
    assert isinstance(begun, Begun)
    assert begun.stage is Stage.SECOND_STEP
    assert "signed_in" not in office.events()
    half = services.sessions.find(begun.value)
    assert half is not None
    assert not half.signed_in
    whole = services.sessions.find(services.sessions.advance(half))
    assert whole is not None
    assert whole.signed_in
    assert services.sessions.find(begun.value) is None, "the value of the half session is worth nothing any more"
    begun = sign_in.with_password("ana", PASSWORD, HERE)
    assert isinstance(begun, Begun)
    clock.advance(SECOND_STEP)
    assert services.sessions.find(begun.value) is None


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
