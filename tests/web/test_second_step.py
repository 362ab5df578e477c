"""The second step: where a factor is on, the main password alone opens nothing."""

from collections.abc import Callable

import pytest

from dav_gateway.core.moment import MINUTE
from dav_gateway.core.sign_in import PATIENCE, RECENT, Policy
from dav_gateway.store.database import Database

from .conftest import LIST, Answered, Browser, House

SESSION = "dav-gateway-session"
SECOND = "/login/second"
INSIDE = [LIST, f"{LIST}/new", "/account", "/account/security", "/account/confirm", "/admin", f"{LIST}/lost"]


def typed(browser: Browser, text: str, way: str = "code", going: str = "") -> Answered:
    return browser.submit(f"{SECOND}?way={way}", SECOND, typed=text, way=way, next=going)


def test_the_password_alone_opens_nothing(house: House) -> None:
    app = house.with_codes()
    browser = house.browser()
    assert browser.sign_in(going=f"{LIST}/new").to == f"{SECOND}?next={LIST}/new"
    half = browser.cookies[SESSION]
    for path in INSIDE:
        answer = browser.get(path)
        assert answer.status == 303, path
        assert answer.to.partition("?")[0] == SECOND, path
    made = house.issue()
    form = browser.get(SECOND)
    assert "six digits for" in form.text
    assert "Sign out" not in form.text
    for path in (f"{LIST}/{made.id}/delete", f"{LIST}/new", "/account/security/password"):
        assert browser.post(path, {"csrf": form.field("csrf")}).to == SECOND
    assert house.stored()[0].revoked_at is None
    entered = typed(browser, house.code(app), going=f"{LIST}/new")
    assert (entered.status, entered.to) == (303, f"{LIST}/new")
    assert browser.cookies[SESSION] != half
    assert browser.get(LIST).status == 200
    assert house.browser(cookies={SESSION: half}).get(LIST).to.startswith("/login?")


def test_wrong_replayed_and_malformed_codes_are_told_apart(small_house: House) -> None:
    app = small_house.with_codes()
    used = small_house.code(app)
    browser = small_house.browser()
    browser.sign_in()
    wrong = typed(browser, f"{(int(used) + 1) % 1_000_000:06}")
    assert wrong.status == 422
    assert "That code was not right" in wrong.text
    assert typed(browser, "not a code").status == 422
    assert typed(browser, f" {used[:3]} {used[3:]} ").status == 303
    other = small_house.browser()
    other.sign_in()
    again = typed(other, used)
    assert again.status == 422
    assert "used already" in again.text
    assert other.get(LIST).to == f"{SECOND}?next={LIST}"
    assert other.submit(SECOND, SECOND, typed=used, way="other").status == 404


def test_fifty_wrong_codes_lock_nobody_out(small_house: House) -> None:
    app = small_house.with_codes()
    browser = small_house.browser()
    browser.sign_in()
    right = small_house.code(app)
    answers = [typed(browser, f"{(int(right) + 1 + number) % 1_000_000:06}") for number in range(50)]
    assert {each.status for each in answers} == {422, 429}
    assert answers[-1].status == 429
    assert "not locked" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0
    assert typed(browser, right).status == 429, "nothing is looked at, not even the right one"
    small_house.clock.advance(6 * MINUTE)
    assert typed(browser, small_house.code(app)).status == 303
    assert browser.get(LIST).status == 200


def test_a_recovery_code_works_once(small_house: House) -> None:
    codes = small_house.with_recovery_codes()
    for expected in (303, 422):
        browser = small_house.browser()
        browser.sign_in()
        assert "recovery code" in browser.get(SECOND).text
        answer = typed(browser, codes[0].upper(), "recovery")
        assert answer.status == expected
    assert "used already" in answer.text


def test_a_sign_in_that_waits_too_long_begins_again(small_house: House) -> None:
    app = small_house.with_codes()
    browser = small_house.browser()
    browser.sign_in()
    form = browser.get(SECOND)
    small_house.clock.advance(PATIENCE)
    answer = browser.post(SECOND, {"csrf": form.field("csrf"), "way": "code", "typed": small_house.code(app)})
    assert answer.status == 403
    assert browser.get(SECOND).to == "/login"
    assert browser.get(LIST).to == f"/login?next={LIST}"


def test_strangers_and_who_is_signed_in_have_no_second_step(small_house: House) -> None:
    stranger = small_house.browser()
    assert stranger.get(SECOND).to == "/login"
    assert stranger.submit("/login", SECOND, typed="123456", way="code").to == "/login"
    ben = small_house.signed_in("ben")
    assert ben.get(SECOND).to == LIST
    assert ben.submit(LIST, SECOND, typed="123456", way="code").to == LIST


def test_asking_again_asks_for_both(small_house: House) -> None:
    app = small_house.with_codes()
    browser = small_house.browser()
    browser.sign_in()
    typed(browser, small_house.code(app))
    assert browser.get(f"{LIST}/new").status == 200
    small_house.clock.advance(RECENT)
    asked = browser.get(f"{LIST}/new").to
    assert asked == f"/account/confirm?next={LIST}/new"
    hidden = {"next": f"{LIST}/new"}
    code = {"way": "code", "typed": small_house.code(app)}
    assert browser.submit(asked, "/account/confirm", **hidden, **code).status == 422, "the password comes first"
    before = browser.cookies[SESSION]
    step = browser.submit(asked, "/account/confirm", password="nogal y roble", **hidden)
    assert step.to == asked
    assert browser.get(f"{LIST}/new").to == asked, "the password alone is half of it"
    done = browser.submit(asked, "/account/confirm", **hidden, **code)
    assert done.to == f"{LIST}/new"
    assert browser.cookies[SESSION] != before
    assert browser.get(f"{LIST}/new").status == 200


def test_where_a_factor_is_required_nothing_opens_before_there_is_one(
    sqlite_database: Database, found_house: Callable[..., House]
) -> None:
    house = found_house(sqlite_database, policy=Policy.REQUIRED)
    browser = house.browser()
    assert browser.sign_in().to == "/login/set-up"
    for path in [*INSIDE, SECOND]:
        assert browser.get(path).to.partition("?")[0] == "/login/set-up", path


@pytest.mark.parametrize("going", ["https://evil.example/", "//evil.example", "/a b"])
def test_after_the_second_step_only_local_paths_are_gone_to(small_house: House, going: str) -> None:
    app = small_house.with_codes()
    browser = small_house.browser()
    browser.sign_in()
    assert typed(browser, small_house.code(app), going=going).to == LIST
