"""A company that has its own sign-in, sends mail and requires a second step: the screens that only such a one has."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyotp
import pytest
from live_gateway import Gateway, running
from playwright.sync_api import Page, expect

from .conftest import Person
from .studio import LOOKS, Studio, name_of

SECURITY = "/account/security"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The company's provider of single sign-on, in a process of its own."""
    program = Path(__file__).parents[1] / "service" / "provider.py"
    people = [
        {"sub": f"{name}-there", "claims": {"email": f"{name}@nogal.example", "email_verified": True}}
        for name in ("ana1", "ana2")
    ]
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps(people), file=process.stdin, flush=True)
        yield f"http://localhost:{int(process.stdout.readline())}"
        process.kill()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, elsewhere: str) -> Iterator[Gateway]:
    """A gateway of that company."""
    mail = tmp_path_factory.mktemp("mail")
    settings = {
        "COMPANY": "Estudio Nogal", "SECURITY_SECOND_FACTOR": "required", "OIDC_ISSUER": elsewhere,
        "OIDC_CLIENT_ID": "dav-gateway", "OIDC_CLIENT_SECRET": "hush", "OIDC_ACCOUNTS": "linked",
        "MAIL_TRANSPORT": "directory", "MAIL_DIRECTORY": str(mail), "MAIL_FROM_ADDRESS": "it@nogal.example",
    }  # fmt: skip
    with running(tmp_path_factory.mktemp("company"), host="localhost", **settings) as gateway:
        yield gateway


def at_the_provider(page: Page, subject: str) -> None:
    """Sign in there, as the mock asks for it."""
    page.locator("input[name=sub]").fill(subject)
    page.locator("button[type=submit]").first.click()


@pytest.mark.parametrize("studio", LOOKS, ids=name_of, indirect=True)
def test_from_an_enrolment_to_a_linked_sign_in(person: Callable[..., Person], studio: Studio) -> None:
    ana, page = person(), studio.page
    studio.go(f"/login?lang={studio.language}", "login-company")
    studio.go("/forgot-password", "forgot")
    page.locator("#login").fill(ana.name)
    page.locator("form button.main[type=submit]").click()
    page.locator("[role=status] p").first.wait_for()
    studio.take("forgot-asked")
    studio.go("/login/single-sign-on", "sign-in-failed")

    ana.sign_in_first(page, "/login")
    page.wait_for_url("**/login/set-up")
    studio.take("enrol")
    studio.go("/login/set-up/passkey", "enrol-passkey")
    page.goto(f"{studio.origin}/login/set-up")
    app = pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))
    page.locator("#typed").fill(app.now())
    page.locator("form button.main[type=submit]").click()
    page.locator(".recovery li").first.wait_for()
    code = page.locator(".recovery li").first.inner_text()

    studio.go(SECURITY, "security-company")
    studio.go(f"{SECURITY}/single-sign-on", "link")
    page.locator("section.panel a.main").click()
    at_the_provider(page, f"{ana.name}-there")
    page.wait_for_url(f"**{SECURITY}")
    studio.go(f"{SECURITY}/single-sign-on", "unlink")

    page.context.clear_cookies()
    page.goto(f"{studio.origin}/login?lang={studio.language}")
    page.locator("a[href^='/login/single-sign-on/start']").click()
    at_the_provider(page, f"{ana.name}-there")
    page.wait_for_url("**/login/second*")
    page.locator("a[href*='way=recovery']").click()
    page.locator("#typed").fill(code)
    page.locator("form button.main[type=submit]").click()
    page.wait_for_url("**/account/app-passwords")
    expect(page.locator("h1")).to_be_visible()
    studio.take("list-empty")
