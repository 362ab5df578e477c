"""Turning second factors on and off, new passwords by links, and what an administrator does."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pyotp
import pytest
import requests

from dav_gateway.core.moment import HOUR, MINUTE
from dav_gateway.core.sign_in import RECENT, Policy
from dav_gateway.service.mail.messages import Letterhead
from dav_gateway.service.mail.sender import Post, Sender
from dav_gateway.service.mail.transport import Folder
from dav_gateway.service.oidc_registration import Registration
from dav_gateway.service.throttle import BEGUN
from dav_gateway.store import accounts, oidc_identities, passkeys
from dav_gateway.store.database import Database, system_clock
from dav_gateway.store.passkeys import Passkey

from .conftest import LIST, PASSWORD, Answered, Browser, House

SESSION = "dav-gateway-session"
SECURITY = "/account/security"
CODES = f"{SECURITY}/codes"
NEW = "tilo y castaño"


def app_of(shown: Answered) -> pyotp.TOTP:
    """What an app makes of the link on the page; the secret stands beside it as text."""
    found = re.search(r'href="(otpauth:[^"]*)"', shown.text)
    assert found
    app = pyotp.parse_uri(unescape(found.group(1)))
    assert isinstance(app, pyotp.TOTP)
    text = re.search(r'id="secret">([^<]*)<', shown.text)
    assert text
    assert text.group(1).replace(" ", "") == app.secret
    assert "<svg" in shown.text
    return app


def recovery_codes(shown: Answered) -> list[str]:
    return re.findall(r"<li>([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})</li>", shown.text)


@pytest.fixture
def mail(tmp_path: Path) -> Post:
    (tmp_path / "mail").mkdir()
    return Post(Folder(tmp_path / "mail"), Letterhead("it@nogal.example", "Nogal", "http://localhost"))


def letters(house: House, mail: Post) -> list[str]:
    """The texts of all mail that is due, delivered."""
    Sender(house.services.database, mail, house.clock).deliver()
    assert isinstance(mail.transport, Folder)
    return [each.read_text() for each in sorted(mail.transport.path.iterdir())]


def test_an_app_is_turned_on_and_off_again(house: House) -> None:
    browser, other = house.signed_in(), house.signed_in()
    before = browser.cookies[SESSION]
    app = app_of(browser.get(CODES))
    assert app_of(browser.get(CODES)).secret == app.secret, "looking twice is the same draft"
    assert browser.submit(CODES, typed="000000").status == 422
    assert house.browser().sign_in().to == LIST, "a draft is asked of nobody"
    shown = browser.submit(CODES, typed=house.code(app))
    codes = recovery_codes(shown)
    assert len(set(codes)) == 10
    assert browser.cookies[SESSION] != before
    assert other.get(LIST).status == 303, "whoever was signed in by the password alone is out"
    assert codes[0] not in browser.get(SECURITY).text
    assert "10 left" in browser.get(SECURITY).text
    assert house.browser().sign_in().to == "/login/second"
    renewed = recovery_codes(browser.submit(f"{SECURITY}/recovery-codes"))
    assert len(set(renewed) - set(codes)) == 10
    assert browser.submit(f"{CODES}/off").to == SECURITY
    assert house.browser().sign_in().to == LIST
    assert "left, for the day" not in browser.get(SECURITY).text


@pytest.mark.parametrize("path", [CODES, f"{CODES}/off", f"{SECURITY}/recovery-codes", f"{SECURITY}/passkeys/new"])
def test_each_asks_again_after_ten_minutes(small_house: House, path: str) -> None:
    browser = small_house.signed_in()
    word = browser.get(LIST).field("csrf")
    small_house.clock.advance(RECENT)
    assert browser.get(path).to == f"/account/confirm?next={path}"
    assert browser.post(path, {"csrf": word}).to == f"/account/confirm?next={path}"
    answer = browser.post(f"{SECURITY}/password", {"csrf": word, "new": NEW, "repeated": NEW, "current": PASSWORD})
    assert answer.to == "/account/confirm"
    assert small_house.browser().sign_in().status == 303


def test_where_a_factor_is_required_it_is_set_up_first_and_the_last_one_stays(
    sqlite_database: Database, found_house: Callable[..., House]
) -> None:
    house = found_house(sqlite_database, policy=Policy.REQUIRED)
    browser = house.browser()
    assert browser.sign_in().to == "/login/set-up"
    assert browser.get(CODES).to == f"/login/set-up?next={CODES}"
    app = app_of(browser.get("/login/set-up"))
    assert browser.submit("/login/set-up", typed="12").status == 422
    half = browser.cookies[SESSION]
    assert len(recovery_codes(browser.submit("/login/set-up", typed=house.code(app)))) == 10
    assert browser.get(LIST).status == 200
    assert house.browser(cookies={SESSION: half}).get(LIST).status == 303
    house.clock.advance(MINUTE)
    refused = browser.submit(f"{CODES}/off")
    assert refused.status == 422
    assert "this is the last one" in refused.text
    assert house.browser().sign_in().to == "/login/second"


def test_a_false_passkey_answer_is_told_in_words(sqlite_database: Database, found_house: Callable[..., House]) -> None:
    house = found_house(sqlite_database)
    browser = house.signed_in()
    for answer in ("", "{}", "[]", '{"id": 1}', "x" * 60_000):
        shown = browser.submit(f"{SECURITY}/passkeys/new", label="Laptop", handle="x", answer=answer)
        assert shown.status == 422
        assert "No passkey was made" in shown.text
    login = browser.get(LIST).field("csrf")
    assert browser.post("/login", {"csrf": login, "way": "passkey", "handle": "x", "answer": "{}"}).status == 422
    assert browser.get(f"{SECURITY}/passkeys/nothing/remove").status == 404


def test_a_passkey_is_renamed_and_another_persons_is_not(house: House) -> None:
    browser = house.signed_in()
    with house.services.database.write() as connection:
        for login, key in (("ana", "own-key"), ("ben", "their-key")):
            account = house.services.accounts.get(login)
            passkeys.add(connection, Passkey(key, account.id, "Laptop", b"k", 0, (), False, house.clock()))
    own = f"{SECURITY}/passkeys/own-key"
    assert browser.submit(own, label="  Portátil de Ana ").to == SECURITY
    assert "Portátil de Ana" in browser.get(SECURITY).text
    for label in ("x" * 81, "a\u202eb", "", "two\nlines"):
        assert browser.submit(own, label=label).status == 422
    assert "Portátil de Ana" in browser.get(own).text
    word = browser.get(own).field("csrf")
    assert browser.post(f"{SECURITY}/passkeys/their-key", {"csrf": word, "label": "Mine"}).status == 404
    with house.services.database.read() as connection:
        assert [each.label for each in passkeys.of_account(connection, house.services.accounts.get("ben").id)] == [
            "Laptop"
        ]


def test_what_strangers_may_begin_is_limited(
    sqlite_database: Database, found_house: Callable[..., House], mail: Post
) -> None:
    house = found_house(sqlite_database, provider=Registration("http://localhost:1", "dav-gateway", "hush"), post=mail)
    browser = house.browser()
    word = browser.get("/login").field("csrf")
    begun = [browser.post("/login/passkey", {"csrf": word}).status for _ in range(BEGUN.burst + 2)]
    assert begun == [200] * BEGUN.burst + [429, 429]
    refused = browser.get("/login/single-sign-on/start")
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    assert browser.submit("/forgot-password", login="ben").status == 429
    house.clock.advance(BEGUN.interval)
    assert browser.post("/login/passkey", {"csrf": word}).status == 200
    assert house.browser().sign_in().status == 303, "nobody is kept from signing in"


def test_changes_and_new_browsers_are_told_by_mail(
    sqlite_database: Database, found_house: Callable[..., House], mail: Post
) -> None:
    house = found_house(sqlite_database, post=mail)
    browser = house.signed_in()
    assert len(letters(house, mail)) == 1, "a browser that nobody signed in from before"
    browser.submit(LIST, "/logout")
    browser.sign_in()
    assert len(letters(house, mail)) == 1, "the same browser"
    browser.submit(CODES, typed=house.code(app_of(browser.get(CODES))))
    assert len(letters(house, mail)) == 2
    browser.submit(f"{CODES}/off")
    assert len(letters(house, mail)) == 3


def test_a_forgotten_password_comes_back_by_mail_once(
    sqlite_database: Database, found_house: Callable[..., House], mail: Post
) -> None:
    house = found_house(sqlite_database, post=mail)
    stranger, signed_in = house.browser(), house.signed_in("ben")
    said = [stranger.submit("/forgot-password", login=login) for login in ("ben", "nobody", "a" * 400, "\u202e", "\0")]
    assert {each.status for each in said} == {200}
    bodies = {re.sub(r'value="[^"]*"', "", each.text) for each in said}
    assert len(bodies) == 1, "nobody learns who has an account"
    [text] = [each for each in letters(house, mail) if "/reset-password/" in each]
    found = re.search(r"/reset-password/[0-9a-z-]+", text.replace("=\n", ""))
    assert found
    path = found.group()
    made = house.issue("ben")
    assert stranger.get(path).status == 200
    assert house.browser().get(path).status == 200, "a previewer uses nothing up"
    assert stranger.submit(path, new="short", repeated="short", stop="yes").status == 422
    assert stranger.submit(path, new=NEW, repeated="other", stop="yes").status == 422
    assert signed_in.get(LIST).status == 200
    done = stranger.submit(path, new=NEW, repeated=NEW, stop="yes")
    assert done.status == 200
    assert "1 app password was deleted" in done.text
    assert signed_in.get(LIST).status == 303
    assert [each.id for each in house.stored("ben") if each.revoked_at] == [made.id]
    assert house.browser().sign_in("ben").status == 422
    assert house.browser().sign_in("ben", NEW).status == 303
    assert stranger.get(path).status == 410
    assert path.rpartition("/")[2] not in house.log.getvalue()


def test_without_mail_an_administrator_is_named(small_house: House) -> None:
    browser = small_house.browser()
    assert "Ask your administrator" in browser.get("/forgot-password").text
    assert browser.submit("/login", "/forgot-password", login="ana").to == "/forgot-password"
    assert browser.get("/reset-password/x").status == 410


def test_an_administrator_helps_and_nobody_else_does(house: House) -> None:
    app = house.with_codes("ben")
    admin, ben = house.signed_in("ana"), house.browser()
    ben.sign_in("ben")
    assert ben.submit("/login/second", typed=house.code(app), way="code").status == 303
    assert "/admin/people/ben" in admin.get("/admin").text
    shown = admin.submit("/admin/people/ben", "/admin/people/ben/link")
    found = re.search(r'id="link">http://[^/]+(/reset-password/[^<]+)<', shown.text)
    assert found
    assert found.group(1) not in admin.get("/admin/people/ben").text
    house.clock.advance(MINUTE)
    word = ben.get(LIST).field("csrf")
    for act in ("link", "second-step-off"):
        assert ben.post(f"/admin/people/ana/{act}", {"csrf": word}).status == 403
    assert admin.submit("/admin/people/ben", "/admin/people/ben/second-step-off").status == 200
    assert ben.get(LIST).status == 303
    assert house.browser().sign_in("ben").to == LIST
    assert admin.get("/admin/people/nobody").status == 404
    assert admin.submit("/admin/people/ana", "/admin/people/ana/second-step-off").to == SECURITY
    house.clock.advance(RECENT)
    assert admin.submit("/admin/people/ben", "/admin/people/ben/link").to == "/account/confirm"
    house.clock.advance(HOUR)
    assert house.browser().get(found.group(1)).status == 410


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider of single sign-on in a process of its own; its address."""
    program = Path(__file__).parents[1] / "service" / "provider.py"
    command = [sys.executable, str(program)]
    people = [
        {"sub": "ana-there", "claims": {"email": "ana@nogal.example", "email_verified": True}},
        {"sub": "stranger", "claims": {"email": "who@elsewhere.example", "email_verified": True}},
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(people), file=process.stdin, flush=True)
        yield f"http://localhost:{int(process.stdout.readline())}"
        process.kill()


def test_single_sign_on(sqlite_database: Database, found_house: Callable[..., House], issuer: str) -> None:
    provider = Registration(issuer, "dav-gateway", "hush", by_email=True)
    house = found_house(sqlite_database, provider=provider)
    house.clock.now = system_clock()  # the provider's

    def back(browser: Browser, subject: str) -> str:
        """The path that the provider sends the browser back to."""
        leaving = browser.get(f"/login/single-sign-on/start?next={LIST}/new")
        assert leaving.status == 303
        sent = requests.post(leaving.to, data={"sub": subject}, allow_redirects=False, timeout=20)
        parts = urlsplit(sent.headers["location"])
        return f"{parts.path}?{parts.query}"

    browser = house.browser()
    assert "/login/single-sign-on/start" in browser.get("/login").text
    path = back(browser, "ana-there")
    other = house.browser()
    forged = other.get(path)
    assert forged.status == 422
    assert "not begun in this browser" in forged.text
    path = back(browser, "ana-there")
    assert browser.get(path).to == f"{LIST}/new"
    assert browser.get(f"{LIST}/new").status == 200
    assert house.browser(cookies=dict(browser.cookies)).get(path).status == 422, "an answer is good for one use"
    stranger = house.browser()
    refused = stranger.get(back(stranger, "stranger"))
    assert refused.status == 422
    assert "Nobody here belongs to that sign-in" in refused.text
    assert stranger.get(LIST).status == 303
    house.with_codes()
    browser = house.browser()
    assert browser.get(back(browser, "ana-there")).to == f"/login/second?next={LIST}/new"
    assert browser.get(LIST).status == 303


def test_linking_and_undoing_it(
    sqlite_database: Database, found_house: Callable[..., House], issuer: str, mail: Post
) -> None:
    provider = Registration(issuer, "dav-gateway", "hush", by_email=False)
    house = found_house(sqlite_database, provider=provider, post=mail)
    house.clock.now = system_clock()  # the provider's
    here = f"{SECURITY}/single-sign-on"

    def answered(sent: str, subject: str) -> str:
        """The path with which the provider sends the browser back."""
        reply = requests.post(sent, data={"sub": subject}, allow_redirects=False, timeout=20)
        parts = urlsplit(reply.headers["location"])
        return f"{parts.path}?{parts.query}"

    def way(browser: Browser) -> str:
        found = re.search(rf'href="({re.escape(issuer)}[^"]*)"', browser.get(here).text)
        assert found
        return unescape(found.group(1))

    ana, ben = house.signed_in("ana"), house.signed_in("ben")
    assert "Not linked" in ana.get(SECURITY).text
    path = answered(way(ana), "ana-there")
    assert ben.get(path).status == 422, "an answer is for the browser that asked"
    assert house.browser(cookies={"dav-gateway-leaving": ana.cookies["dav-gateway-leaving"]}).get(path).status == 422
    path = answered(way(ana), "ana-there")
    assert ana.get(path).to == SECURITY
    assert "Linked: you can sign in" in ana.get(SECURITY).text
    assert ana.get(path).status == 422, "an answer is good for one use"
    taken = ben.get(answered(way(ben), "ana-there"))
    assert taken.status == 422
    assert "Nothing was linked" in taken.text
    stranger = house.browser()
    sent = stranger.get("/login/single-sign-on/start").to
    assert stranger.get(answered(sent, "ana-there")).to == LIST
    assert ana.submit(here, f"{here}/unlink").to == SECURITY
    sent = stranger.get("/login/single-sign-on/start").to
    assert "Nobody here belongs to that sign-in" in stranger.get(answered(sent, "ana-there")).text
    told = [each for each in letters(house, mail) if "Company sign-in" in each]
    assert len(told) == 2, "the owner is told of the link and of its end"
    house.clock.advance(RECENT)
    assert ana.get(here).to == f"/account/confirm?next={here}"


def test_the_only_way_in_is_not_undone(sqlite_database: Database, found_house: Callable[..., House]) -> None:
    provider = Registration("http://localhost:1", "dav-gateway", "hush")
    house = found_house(sqlite_database, provider=provider)
    browser, account = house.signed_in(), house.services.accounts.get("ana")
    with house.services.database.write() as connection:
        oidc_identities.link(connection, provider.issuer, "ana-there", account.id, house.clock())
        accounts.change(connection, account.id, password_verifier=None)
    here = f"{SECURITY}/single-sign-on"
    refused = browser.submit(here, f"{here}/unlink")
    assert refused.status == 422
    assert "only way in" in refused.text
    with house.services.database.read() as connection:
        assert oidc_identities.of_account(connection, account.id) == [(provider.issuer, "ana-there")]


def test_a_provider_that_is_away_is_told_in_words(sqlite_database: Database, found_house: Callable[..., House]) -> None:
    house = found_house(sqlite_database, provider=Registration("http://localhost:1", "dav-gateway", "hush"))
    answer = house.browser().get("/login/single-sign-on/start")
    assert answer.status == 503
    assert "does not answer" in answer.text
