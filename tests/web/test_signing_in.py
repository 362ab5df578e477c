"""Sign-in, its cookies, and what keeps strangers, old cookies and other sites out."""

import pytest

from dav_gateway.core.moment import MINUTE
from dav_gateway.core.sign_in import RECENT
from dav_gateway.service.web_sessions import IDLE
from dav_gateway.store import audit
from dav_gateway.store.database import Database

from .conftest import LIST, PASSWORD, House

SESSION, VISITOR = "dav-gateway-session", "dav-gateway-visitor"


def test_from_the_root_to_the_list(house: House) -> None:
    browser = house.browser()
    assert browser.get("/").to == LIST
    asked = browser.get(LIST)
    assert (asked.status, asked.to) == (303, f"/login?next={LIST}")
    entered = browser.sign_in("Ana@Nogal.example", going=LIST)
    assert (entered.status, entered.to) == (303, LIST)
    shown = browser.get(entered.to)
    assert shown.status == 200
    assert "Ana Ruiz" in shown.text
    assert browser.get("/login").to == LIST


def test_a_session_cookie_is_new_hidden_and_same_site(small_house: House) -> None:
    browser = small_house.browser()
    browser.cookies[SESSION] = "planted"
    entered = browser.sign_in()
    [line] = [each for each in entered.cookies if each.startswith(SESSION)]
    assert "HttpOnly" in line
    assert "SameSite=lax" in line
    assert "Path=/" in line
    assert browser.cookies[SESSION] != "planted"
    assert VISITOR not in browser.cookies


def test_over_https_cookies_are_bound_to_the_host(sqlite_database: Database, found_house) -> None:  # type: ignore[no-untyped-def]
    house = found_house(sqlite_database, public_url="https://dav.example.com")
    browser = house.browser()
    form = browser.get("/login")
    fields = {"csrf": form.field("csrf"), "login": "ana", "password": PASSWORD}
    entered = browser.post("/login", fields, Origin="https://dav.example.com")
    [line] = [each for each in entered.cookies if "session" in each]
    assert line.startswith("__Host-")
    assert "Secure" in line
    assert "Domain" not in line
    assert browser.get(LIST).status == 200
    assert browser.post("/login", fields).status == 403, "the address of the socket is not the public one"


@pytest.mark.parametrize(("login", "password"), [("ana", "wrong"), ("nobody", PASSWORD), ("ana", "")])
def test_a_wrong_sign_in_says_the_same_whoever_it_is(small_house: House, login: str, password: str) -> None:
    answer = small_house.browser().sign_in(login, password)
    assert answer.status == 422
    assert "That name and password do not go together" in answer.text
    assert "autocomplete" in answer.text


def test_an_app_password_does_not_sign_in(small_house: House) -> None:
    browser = small_house.signed_in()
    password = browser.make().password
    assert small_house.browser().sign_in("ana", password).status == 422
    header = {"Authorization": "Basic YW5hOm5vZ2FsIHkgcm9ibGU="}
    assert small_house.browser().get(LIST, **header).status == 303


def test_guessing_meets_429_and_the_owner_elsewhere_does_not(small_house: House) -> None:
    browser = small_house.browser()
    statuses = [browser.sign_in("ana", "wrong").status for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    answer = browser.sign_in("ana", PASSWORD)
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 90
    assert "not locked" in answer.text
    small_house.clock.advance(2 * MINUTE)
    assert browser.sign_in("ana", PASSWORD).status == 303


def test_an_ended_session_opens_nothing(house: House) -> None:
    browser = house.signed_in()
    old = dict(browser.cookies)
    assert browser.submit(LIST, "/logout").to == "/login"
    assert SESSION not in browser.cookies
    assert house.browser(cookies=old).get(LIST).status == 303


def test_idle_deactivated_and_forged_cookies_open_nothing(small_house: House) -> None:
    browser = small_house.signed_in()
    small_house.clock.advance(IDLE)
    assert browser.get(LIST).status == 303
    ben = small_house.signed_in("ben")
    assert ben.get(LIST).status == 200
    small_house.services.accounts.deactivate("ben", by="test")
    assert ben.get(LIST).status == 303
    for value in ("", "x", "é", "0" * 64, "a" * 3000):
        ask = {"Cookie": f"{SESSION}={value}".encode().decode("latin-1")}
        assert small_house.browser().get(LIST, **ask).status == 303


@pytest.mark.parametrize(
    "going",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "/%2f%2fevil.example", "javascript:alert(1)",
     "/account/../../evil", "/x\r\nSet-Cookie: a=b", "account", "/a b", "/@evil", ""],
)  # fmt: skip
def test_after_the_sign_in_only_local_paths_are_gone_to(small_house: House, going: str) -> None:
    browser = small_house.browser()
    form = browser.get("/login")
    fields = {"csrf": form.field("csrf"), "next": going, "login": "ana", "password": PASSWORD}
    assert browser.post("/login", fields).to == LIST


def test_forms_of_others_are_refused(house: House) -> None:
    browser, other = house.signed_in(), house.signed_in("ben")
    word = browser.get(LIST).field("csrf")
    theirs = other.get(LIST).field("csrf")
    credential = house.issue()
    path = f"{LIST}/{credential.id}/delete"
    refused = [
        browser.post(path, {}),
        browser.post(path, {"csrf": ""}),
        browser.post(path, {"csrf": theirs}),
        browser.post(path, {"csrf": word[:-1]}),
        browser.post(path, {"csrf": "ñ"}),
        browser.post(path, {"csrf": word}, Origin="https://evil.example"),
        browser.post(path, {"csrf": word}, Origin="null"),
        browser.post(path, {"csrf": word}, Sec_Fetch_Site="cross-site", **{"Sec-Fetch-Site": "cross-site"}),
    ]
    assert [each.status for each in refused] == [403] * len(refused)
    assert house.stored()[0].revoked_at is None
    assert browser.post(path, {"csrf": word}, Origin="").status == 200, "old browsers send no Origin"


def test_a_form_of_an_ended_session_is_refused(small_house: House) -> None:
    browser = small_house.signed_in()
    word = browser.get(LIST).field("csrf")
    browser.submit(LIST, "/logout")
    assert browser.sign_in().status == 303
    credential = small_house.issue()
    assert browser.post(f"{LIST}/{credential.id}/delete", {"csrf": word}).status == 403
    assert small_house.stored()[0].revoked_at is None


def test_after_a_while_a_person_is_asked_again_before_a_password_is_made(house: House) -> None:
    browser = house.signed_in()
    house.clock.advance(RECENT)
    assert browser.get(f"{LIST}/new").to == f"/account/confirm?next={LIST}/new"
    asked = f"/account/confirm?next={LIST}/new"
    hidden = {"next": f"{LIST}/new"}
    assert browser.submit(asked, "/account/confirm", password="wrong", **hidden).status == 422
    assert browser.submit(asked, "/account/confirm", password=PASSWORD, **hidden).to == f"{LIST}/new"
    assert browser.get(f"{LIST}/new").status == 200
    word = browser.get(LIST).field("csrf")
    made = house.issue()
    house.clock.advance(RECENT)
    answer = browser.post(f"{LIST}/{made.id}/accept-new-device", {"csrf": word})
    assert answer.to == "/account/confirm", "an act has no page of its own to come back to"


def test_the_audit_tells_and_holds_no_password(small_house: House) -> None:
    small_house.browser().sign_in("ana", "secret-wrong")
    small_house.browser().sign_in("secret-typed-as-login", "x")
    small_house.signed_in()
    with small_house.services.database.read() as connection:
        events = audit.select(connection)
    words = [(each.event, each.account) for each in reversed(events) if each.event.startswith("sign")]
    assert words == [("sign_in_failed", "ana"), ("sign_in_failed", None), ("signed_in", "ana")]
    for secret in ("secret-wrong", "secret-typed-as-login", PASSWORD):
        assert secret not in repr(events)
        assert secret not in small_house.log.getvalue()
