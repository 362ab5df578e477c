"""A second step in a browser: an authenticator app, recovery codes, a passkey of Chromium's virtual authenticator."""

import re
from collections.abc import Callable
from io import BytesIO

import pyotp
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from dav_gateway.store.database import system_clock

from .conftest import Person
from .studio import LOOKS, PHONE, Studio, name_of

SECURITY = "/account/security"


def virtual_authenticator(page: Page) -> None:
    """A device with a finger print reader, inside Chromium."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def app_of(page: Page) -> pyotp.TOTP:
    return pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))


def submit(page: Page) -> None:
    page.locator("form button.main[type=submit]").click()


@pytest.mark.parametrize("studio", LOOKS, ids=name_of, indirect=True)
def test_an_app_then_a_passkey(person: Callable[..., Person], studio: Studio) -> None:
    ana, page, language = person(admin=True), studio.page, studio.language
    virtual_authenticator(page)
    ana.sign_in(page, f"/login?lang={language}")

    studio.go(f"{SECURITY}/codes", "codes")
    app = app_of(page)
    [read] = zxingcpp.read_barcodes(Image.open(BytesIO(page.locator("svg.qr").screenshot())))
    assert read.text == page.locator("a[href^=otpauth]").get_attribute("href"), "a phone reads what is drawn"
    page.locator("#typed").fill("000000")
    submit(page)
    page.locator("#failed").wait_for()
    studio.take("codes-wrong")
    assert app_of(page).secret == app.secret
    first = system_clock() // 30_000
    page.locator("#typed").fill(app.generate_otp(first))
    submit(page)
    page.locator(".recovery li").first.wait_for()
    studio.take("recovery")
    codes = page.locator(".recovery li").all_inner_texts()
    assert len(codes) == 10
    page.locator("a.main").click()

    page.goto(f"{studio.origin}{SECURITY}/passkeys/new")
    studio.take("passkey-new")
    submit(page)
    page.wait_for_url(f"{studio.origin}{SECURITY}")
    studio.take("security-on")
    page.locator(".row a.quiet", has_text=re.compile("Rename|nombre")).click()
    studio.take("passkey-one")
    page.locator("#label").fill("Finger")
    submit(page)
    expect(page.get_by_text("Finger").first).to_be_visible()
    studio.go(f"{SECURITY}/codes/off", "factor-off")
    studio.go(f"{SECURITY}/recovery-codes", "recovery-renew")
    studio.go(f"/admin/people/{ana.name}", "admin-person")
    page.locator("form[action$=link] button").click()
    path = re.sub("^https?://[^/]*", "", page.locator("#link").inner_text())

    page.context.clear_cookies()
    ana.sign_in_first(page, f"/login?lang={language}")
    page.wait_for_url("**/login/second*")
    studio.take("second-step")
    page.locator("#typed").fill("000000")
    submit(page)
    page.locator("#failed").wait_for()
    studio.take("second-step-wrong")
    page.locator("a[href*='way=recovery']").click()
    studio.take("second-step-recovery")
    page.locator("a[href*='way=passkey']").click()
    studio.take("second-step-passkey")
    page.locator("form[data-passkey] button").click()
    page.wait_for_url("**/account/app-passwords")

    page.context.clear_cookies()
    page.goto(f"{studio.origin}/login?lang={language}")
    page.locator("form[data-passkey] button").click()
    page.wait_for_url("**/account/app-passwords")
    expect(page.locator("h1")).to_be_visible()

    page.context.clear_cookies()
    ana.sign_in_first(page, "/login")
    page.goto(f"{studio.origin}/login/second?way=recovery")
    page.locator("#typed").fill(codes[3])
    submit(page)
    page.wait_for_url("**/account/app-passwords")

    studio.go(f"{path}?lang={language}", "reset")
    page.locator("#new").fill("otra cosa nueva")
    page.locator("#repeated").fill("otra cosa nueva")
    submit(page)
    page.locator(".receipt").wait_for()
    studio.take("reset-done")
    studio.go(path, "reset-gone")


def test_without_javascript_a_passkey_says_so_and_codes_work(
    person: Callable[..., Person], opened: Callable[..., Page]
) -> None:
    ana, page = person(), opened(java_script_enabled=False, viewport=PHONE)
    ana.sign_in(page)
    page.goto(f"{ana.gateway.origin}{SECURITY}/passkeys/new")
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    expect(page.locator("form[data-passkey] button")).to_be_hidden()
    page.goto(f"{ana.gateway.origin}{SECURITY}/codes")
    page.locator("#typed").fill(app_of(page).now())
    submit(page)
    expect(page.locator(".recovery li")).to_have_count(10)
