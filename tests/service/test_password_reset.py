"""A new main password: the link of an administrator, and a person's own change."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from dav_gateway.core.credential import Reason
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.core.keyring import Keyring
from dav_gateway.core.moment import HOUR, MINUTE
from dav_gateway.core.sign_in import SignInReason, Stage
from dav_gateway.service.caller import Caller
from dav_gateway.service.page_services import PageOptions
from dav_gateway.service.password_reset import ResetLink
from dav_gateway.service.standings import IdentityNeeded
from dav_gateway.store.database import Database

from .conftest import HOME, KEY, PUBLIC_URL, Company
from .signing_in import DESK, PASSWORD, PHONE, Ana

NEW = "a wholly new password"
PREFIX = f"{PUBLIC_URL}/reset-password/"


@pytest.fixture
def ana(database: Database, found_company: Callable[..., Company]) -> Ana:
    options = PageOptions(public_url=PUBLIC_URL, read_key=lambda: Keyring(KEY))
    return Ana(found_company(database, page=options))


def sessions_of(ana: Ana) -> int:
    return len(ana.company.services.sessions.of_account(ana.company.services.accounts.get("ana")))


def begin_session(ana: Ana) -> str:
    """Sign in at the page; the digest of the session."""
    sign_in, sessions = ana.company.services.sign_in, ana.company.services.sessions
    visit = sessions.find(sign_in.with_password(None, "ana", PASSWORD, DESK).value)
    assert visit is not None
    return visit.session.digest


def text_of(link: ResetLink) -> str:
    assert link.url.startswith(PREFIX)
    return link.url.removeprefix(PREFIX)


def test_a_link_sets_a_password_once(ana: Ana) -> None:
    begin_session(ana)
    secret, _ = ana.company.issue()
    link = ana.page.passwords.make("ana", by="admin")
    assert link.expires_at == ana.company.clock() + HOUR
    assert text_of(link) not in repr(link)
    for _ in range(3):
        assert ana.page.passwords.look(text_of(link)).name == "ana", "a previewer burns nothing"
    receipt = ana.page.passwords.redeem(text_of(link), NEW, PHONE, stop=False)
    assert receipt.ids == ()
    assert sessions_of(ana) == 0
    assert ana.password().sign_in.reason is SignInReason.WRONG
    assert ana.password(password=NEW).is_signed_in
    assert ana.company.reason(secret) is None, "app passwords do not depend on it"
    for use in (
        lambda: ana.page.passwords.redeem(text_of(link), "yet another password", PHONE, stop=True),
        lambda: ana.page.passwords.look(text_of(link)),
    ):
        with pytest.raises(Refusal, match="used up or too old"):
            use()
    assert ana.company.reason(secret) is None
    assert ana.password(password=NEW).is_signed_in
    assert ("password_reset_made", {}) in ana.audit()
    assert "password_set" in ana.company.events()


def test_and_stops_every_app_password_on_request(ana: Ana) -> None:
    secrets = [ana.company.issue()[0] for _ in range(3)]
    link = ana.page.passwords.make("ana", by="admin")
    receipt = ana.page.passwords.redeem(text_of(link), NEW, PHONE, stop=True)
    assert sorted(receipt.ids) == sorted(secret.id for secret in secrets)
    assert [ana.company.reason(secret) for secret in secrets] == [Reason.REVOKED] * 3
    assert ana.company.witness.cuts[-1] == sorted(receipt.ids)
    assert ana.company.stored(secrets[0].id).revoked_why == "the main password was changed"


def test_a_link_lives_an_hour(ana: Ana) -> None:
    link = ana.page.passwords.make("ana", by="admin")
    ana.company.clock.advance(HOUR - 1)
    ana.page.passwords.look(text_of(link))
    ana.company.clock.advance(1)
    with pytest.raises(Refusal, match="too old"):
        ana.page.passwords.redeem(text_of(link), NEW, PHONE, stop=False)
    assert ana.password().is_signed_in


def test_of_many_at_once_one_sets_the_password(ana: Ana) -> None:
    link = ana.page.passwords.make("ana", by="admin")
    barrier = Barrier(6)

    def attempt(number: int) -> str | None:
        barrier.wait(30)
        chosen = f"password number {number}"
        try:
            ana.page.passwords.redeem(text_of(link), chosen, PHONE, stop=False)
        except Refusal:
            return None
        return chosen

    with ThreadPoolExecutor(6) as pool:
        [chosen] = [each for each in pool.map(attempt, range(6)) if each]
    assert ana.password(password=chosen).is_signed_in


def test_a_password_that_cannot_be_one_leaves_the_link(ana: Ana) -> None:
    begin_session(ana)
    link = ana.page.passwords.make("ana", by="admin")
    for password in ("", "short", "x" * 5000):
        with pytest.raises(Refusal, match="8 to 1024"):
            ana.page.passwords.redeem(text_of(link), password, PHONE, stop=True)
    assert sessions_of(ana) == 1
    ana.page.passwords.redeem(text_of(link), NEW, PHONE, stop=True)


def test_every_other_link_is_worthless_afterwards(ana: Ana) -> None:
    links = [ana.page.passwords.make("ana", by="admin") for _ in range(3)]
    ana.page.passwords.redeem(text_of(links[1]), NEW, PHONE, stop=False)
    for link in links:
        with pytest.raises(Refusal, match="used up"):
            ana.page.passwords.look(text_of(link))
    link = ana.page.passwords.make("ana", by="admin")
    ana.company.services.accounts.set_password("ana", PASSWORD, by="admin")
    with pytest.raises(Refusal, match="used up"):
        ana.page.passwords.look(text_of(link))


@pytest.mark.parametrize("text", ["", "x", "00000-00000-00000-00000-00000", "../../etc", "k7mqx" * 5000, "\u0661" * 29])
def test_texts_that_are_no_link(ana: Ana, text: str) -> None:
    with pytest.raises(Refusal, match="used up"):
        ana.page.passwords.look(text)
    with pytest.raises(Refusal, match="used up"):
        ana.page.passwords.redeem(text, NEW, PHONE, stop=True)


def test_a_deactivated_account_has_no_way_in(ana: Ana) -> None:
    link = ana.page.passwords.make("ana", by="admin")
    ana.company.services.accounts.deactivate("ana", by="admin")
    with pytest.raises(Refusal, match="used up"):
        ana.page.passwords.redeem(text_of(link), NEW, PHONE, stop=False)
    with pytest.raises(Refusal, match="deactivated"):
        ana.page.passwords.make("ana", by="admin")
    with pytest.raises(NotFound):
        ana.page.passwords.make("nobody", by="admin")


def test_a_new_password_leaves_the_second_factor_on(ana: Ana) -> None:
    ana.turn_codes_on()
    link = ana.page.passwords.make("ana", by="admin")
    ana.page.passwords.redeem(text_of(link), NEW, PHONE, stop=False)
    assert ana.password(password=NEW).sign_in.stage is Stage.SECOND


def test_the_text_of_a_link_stands_nowhere(ana: Ana) -> None:
    link = ana.page.passwords.make("ana", by="admin")
    with ana.company.database.read() as connection:
        rows = str(connection.exec_driver_sql("SELECT * FROM password_reset").all())
        rows += str(connection.exec_driver_sql("SELECT * FROM audit").all())
    assert text_of(link) not in rows
    assert text_of(link)[:11] not in rows


def test_a_person_changes_the_password_with_a_recent_identity(ana: Ana) -> None:
    begin_session(ana)
    here = Caller(HOME, session=begin_session(ana))
    secret, _ = ana.company.issue()
    identity = ana.signed_in()
    ana.company.clock.advance(10 * MINUTE)
    with pytest.raises(IdentityNeeded):
        ana.page.passwords.change(identity, NEW, DESK, stop=True)
    assert ana.company.reason(secret) is None
    assert sessions_of(ana) == 2
    fresh = ana.password(ana.again()).sign_in
    receipt = ana.page.passwords.change(fresh, NEW, here, stop=True)
    assert receipt.ids == (secret.id,)
    assert sessions_of(ana) == 1, "the one that asks stays"
    assert ana.password(password=NEW).is_signed_in
    with pytest.raises(IdentityNeeded):
        ana.page.passwords.change(ana.again(), NEW, DESK, stop=False)
