"""Headers, errors, languages, security and administration."""

import pytest
from sqlalchemy.exc import OperationalError

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.service.web_sessions import WebSessions

from .conftest import LIST, PASSWORD, House

SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


def test_every_answer_carries_the_headers(small_house: House) -> None:
    browser = small_house.signed_in()
    made = small_house.issue()
    for path in ("/", "/login", LIST, f"{LIST}/{made.id}/live", "/account/security", "/admin", "/nowhere"):
        found = browser.get(path).headers
        assert {name: found[name] for name in SAFE} == SAFE
        policy = found["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy


def test_pages_hold_no_inline_script_or_style(small_house: House) -> None:
    browser = small_house.signed_in()
    for path in ("/login", LIST, f"{LIST}/new", "/account/security", "/admin"):
        text = browser.get(path).text
        assert " style=" not in text
        assert " onclick=" not in text
        assert "<style" not in text
        assert text.count("<script") == text.count("<script src=")
        assert "http://" not in text.replace("http://www.w3.org", "").replace(
            f"http://127.0.0.1:{small_house.port}", ""
        )


def test_static_files_are_cached_by_their_content(small_house: House) -> None:
    browser = small_house.browser()
    text = browser.get("/login").text
    address = text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    found = browser.get(address)
    assert found.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in found.headers["cache-control"]
    assert browser.get("/static/style.css").headers["cache-control"] == "no-cache"
    assert browser.get("/static/style.css", **{"If-None-Match": found.headers["etag"]}).status == 304
    for path in ("/static/x", "/static/../site.py", "/static/%2e%2e%2fsite.py", "/static/"):
        assert browser.get(path).status in {400, 404}


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing", 404, "Nothing is here"),
        ("GET", "/logout", 405, "cannot be opened like that"),
        ("GET", "/admin/app-passwords/zzzzz/stop", 404, "Nothing is here"),
        ("PUT", "/account/security", 405, "cannot be opened like that"),
    ],
)
def test_errors_are_pages(small_house: House, method: str, path: str, status: int, words: str) -> None:
    answer = small_house.signed_in().ask(method, path, None, {})
    assert answer.status == status
    assert words in answer.text
    assert "<h1>" in answer.text


def test_a_long_or_strange_body_is_refused(small_house: House) -> None:
    browser = small_house.signed_in()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.ask("POST", "/login", b"a=" + b"x" * 70_000, form).status == 413
    assert browser.ask("POST", "/login", b"{}", {"Content-Type": "application/json"}).status == 415
    assert browser.ask("POST", "/login", b"a=%ff", form).status == 400
    assert browser.ask("POST", "/login", b"&".join([b"a=1"] * 300), form).status == 400
    assert "Traceback" not in small_house.log.getvalue()


def test_trouble_of_our_own_is_503_and_the_rest_500(small_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = small_house.signed_in()

    def fail(error: Exception) -> None:
        def find(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(WebSessions, "find", find)

    fail(StoreUnavailable("the database is locked"))
    answer = browser.get(LIST)
    assert answer.status == 503
    assert answer.headers["retry-after"] == "2"
    assert "Nothing was changed" in answer.text
    answer = browser.post("/logout", {"csrf": "x"})
    assert answer.status == 503
    assert "Nothing was changed" not in answer.text, "a commit that failed may have happened"
    fail(OperationalError("SELECT secret", {}, Exception()))
    answer = browser.get(LIST)
    assert answer.status == 500
    assert "SELECT" not in answer.text


def test_dav_is_untouched(small_house: House) -> None:
    browser = small_house.browser()
    assert browser.ask("PROPFIND", "/", None, {}).text == "DAV answers here.\n"
    assert browser.get("/dav/").status == 401


def test_the_language_follows_the_browser_the_account_and_the_choice(house: House) -> None:
    browser = house.browser(language="fr, es-MX;q=0.8, en;q=0.3")
    assert 'lang="es"' in browser.get("/login").text
    house.services.accounts.change("ben", by="test", language="es")
    ben = house.signed_in("ben")
    shown = ben.get(LIST)
    assert '<html lang="es"' in shown.text
    assert "Contraseñas de aplicación" in shown.text
    assert '<html lang="en"' in ben.get(f"{LIST}?lang=en").text
    assert '<html lang="en"' in ben.get(LIST).text, "the choice is kept"
    assert '<html lang="en"' in ben.get(f"{LIST}?lang=xx").text
    assert '<html lang="en"' in house.browser(language="xx;q=nan, *;q=a").get("/login").text


def test_host_is_not_believed(small_house: House) -> None:
    browser = small_house.signed_in()
    form = browser.get(f"{LIST}/new", Host="evil.example")
    assert "evil.example" not in form.text
    fields = {"csrf": form.field("csrf"), "form": form.field("form"), "what": "both", "where": "outlook",
              "comment": "x", "access": "read-write", "ends": "0"}  # fmt: skip
    shown = browser.post(f"{LIST}/new", fields, Host="evil.example")
    assert "evil.example" not in shown.text
    assert f"http://127.0.0.1:{small_house.port}/dav/" in shown.text
    offered = browser.post(f"{LIST}/new", {**fields, "where": "android"}, Host="evil.example")
    assert "evil.example" not in offered.text
    assert f">http://127.0.0.1:{small_house.port}<" in offered.text


@pytest.mark.parametrize("stop", ["yes", ""])
def test_a_new_main_password_ends_the_rest(house: House, stop: str) -> None:
    browser, elsewhere = house.signed_in(), house.signed_in()
    house.issue()
    page, act = "/account/security", "/account/security/password"
    new = "una frase mejor"
    wish = {"current": PASSWORD, "new": new, "repeated": new, **({"stop": stop} if stop else {})}
    assert browser.submit(page, act, **{**wish, "current": "wrong"}).status == 422
    assert browser.submit(page, act, **{**wish, "new": "short", "repeated": "short"}).status == 422
    assert browser.submit(page, act, **{**wish, "repeated": "another one"}).status == 422
    assert elsewhere.get(LIST).status == 200
    assert browser.submit(page, act, **wish).status == 200
    assert browser.get(LIST).status == 200
    assert elsewhere.get(LIST).status == 303
    assert (house.stored()[0].revoked_at is not None) is bool(stop)
    assert house.browser().sign_in("ana", PASSWORD).status == 422
    assert house.browser().sign_in("ana", new).status == 303


def test_sessions_are_listed_and_ended(house: House) -> None:
    browser, second, third = house.signed_in(), house.signed_in(), house.signed_in()
    ben = house.signed_in("ben")
    page, act = "/account/security", "/account/security/sessions"
    shown = browser.get(page).text
    assert shown.count('name="session"') == 2
    found = [each.id for each in house.services.sessions.of_account(house.services.accounts.get("ben"))]
    browser.submit(page, act, session=found[0])
    assert ben.get(LIST).status == 200, "another's session is not ours to end"
    assert browser.submit(page, act, session="a\0").status == 303
    chosen = shown.partition('name="session" value="')[2].partition('"')[0]
    assert browser.submit(page, act, session=chosen).status == 303
    assert sorted([second.get(LIST).status, third.get(LIST).status]) == [200, 303]
    assert browser.submit(page, act, others="yes").status == 303
    assert [second.get(LIST).status, third.get(LIST).status, browser.get(LIST).status] == [303, 303, 200]


def test_administration_sees_and_stops_and_is_for_administrators(house: House) -> None:
    ana, ben = house.signed_in(), house.signed_in("ben")
    theirs = house.issue("ben", label="Tableta de Ben")
    for path in ("/admin", f"/admin/app-passwords/{theirs.id}/stop"):
        assert ben.get(path).status == 403
    word = ben.get(LIST).field("csrf")
    assert ben.post(f"/admin/app-passwords/{theirs.id}/stop", {"csrf": word}).status == 403
    assert house.stored("ben")[0].revoked_at is None
    assert "Tableta de Ben" in ana.get("/admin").text
    assert "Tableta de Ben" not in ana.get("/admin?q=nothing-like-it").text
    assert "Tableta de Ben" in ana.get(f"/admin?q={theirs.id}").text
    house.browser().sign_in("ben", "wrong")
    assert "Sign-in to this page failed" in ana.get("/admin").text
    assert ana.submit(f"/admin/app-passwords/{theirs.id}/stop").status == 200
    assert house.stored("ben")[0].revoked_by == "ana"
