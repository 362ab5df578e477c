"""Every screen at 390 and 1280 pixels, in both languages, light and dark: axe-core finds nothing, nothing scrolls
sideways, and a picture is kept under build/screens for people to look at."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from live_gateway import AppPassword
from playwright.sync_api import Page

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.service.services import Services

from .conftest import AGENTS, DESK, PHONE, Person

SCREENS = Path(__file__).parents[2] / "build" / "screens"
LOOKS = [("en", "light", PHONE), ("es", "dark", PHONE), ("en", "dark", DESK), ("es", "light", DESK)]
JUDGED_AGAIN = {"list-menu", "make", "offer-iphone", "approve", "result-iphone", "security", "admin"}
"""What axe-core judges a second time, wide and dark: together they hold every component. First it judges each screen,
narrow and light; the language makes no difference to it."""

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Studio:
    """Takes the pictures of one look, and judges each."""

    def __init__(self, page: Page, origin: str, language: str, scheme: str) -> None:
        self.page = page
        self.origin = origin
        self.language = language
        self.judges = language == "en"
        self.judges_all = scheme == "light"
        self.look = f"{page.viewport_size['width'] if page.viewport_size else 0}-{language}-{scheme}"

    def go(self, path: str, name: str) -> None:
        self.page.goto(f"{self.origin}{path}")
        self.take(name)

    def take(self, name: str) -> None:
        page = self.page
        SCREENS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENS / f"{name}-{self.look}.png", full_page=True)
        assert page.locator("html").get_attribute("lang") == self.language
        assert page.locator("h1").count() == 1
        assert "%(" not in page.content()
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0, f"{name} scrolls sideways by {width} pixels"
        if self.judges and (self.judges_all or name in JUDGED_AGAIN):
            self._judge(name)

    def _judge(self, name: str) -> None:
        page = self.page
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"


@dataclass(frozen=True)
class Full:
    """An administrator with an app password in each state, and the ids of some."""

    person: Person
    iphone: str
    old: str


@pytest.fixture(scope="module")
def full(person: Callable[..., Person], services: Services) -> Full:
    """Made by real requests."""
    ana = person(admin=True, display_name="Ana Ruiz Peña")

    def issue(label: str, service: Service, *scopes: Scope, **wish: Any) -> str:
        made, _ = services.issuing.issue(
            ana.name, service=service, scopes=scopes, label=label, origin=Origin.CLI, actor="test", **wish
        )
        ana.gateway.issued.append(AppPassword(made.id, made.reveal(), ana.name, ""))
        return made.reveal()

    iphone = issue("iPhone de Ana", Service.IPHONE, *Scope)
    assert ana.sync(iphone) == 207
    assert ana.sync(iphone, agent=AGENTS["thunderbird"]) == 403
    android = issue("Móvil del trabajo", Service.ANDROID, *Scope)
    assert ana.sync(android, agent=AGENTS["android"]) == 207
    thunderbird = issue("Thunderbird de la oficina", Service.THUNDERBIRD, Scope.CALENDARS)
    assert ana.sync(thunderbird, agent=AGENTS["thunderbird"]) == 207
    issue("Tableta", Service.OTHER, Scope.CALENDARS, access=Access.READ_ONLY)
    mac = issue("MacBook", Service.MAC, Scope.CONTACTS, expires_at=Moment(services.clock() + 6 * DAY))
    assert ana.sync(mac, kind="contacts", agent="macOS/15.4.1 (24E263) dataaccessd/1.0") == 207
    outlook = issue("PC de la sala", Service.OUTLOOK, Scope.CALENDARS)
    services.revocation.pause(outlook[:5], by=ana.name)
    old = issue("Galaxy antiguo", Service.ANDROID, Scope.CALENDARS)
    services.revocation.revoke([old[:5]], by=ana.name, why="test")
    assert ana.sync(old, agent=AGENTS["android"]) == 401
    return Full(ana, iphone[:5], old[:5])


@pytest.mark.parametrize(("language", "scheme", "size"), LOOKS, ids=lambda value: str(value)[:2])
def test_every_screen(
    full: Full,
    opened: Callable[..., Page],
    language: str,
    scheme: str,
    size: dict[str, int],
) -> None:
    page = opened(viewport=size, color_scheme=scheme, locale={"en": "en-GB", "es": "es-ES"}[language])
    studio = Studio(page, full.person.gateway.origin, language, scheme)
    studio.go("/login", "login")
    page.locator("#login").fill(full.person.name)
    page.locator("#password-field").fill("wrong")
    page.locator("form button.main[type=submit]").click()
    page.locator("#failed").wait_for()
    studio.take("login-failed")
    full.person.sign_in(page, f"/login?lang={language}")
    here = "/account/app-passwords"
    studio.go(here, "list")
    page.locator("details.menu summary").first.click()
    studio.take("list-menu")
    studio.go(f"{here}/{full.iphone}", "one")
    studio.go(f"{here}/{full.iphone}/delete", "delete")
    studio.go("/account/security", "security")
    flow = full.person.gateway.origin + "/login/v2"
    asked = requests.post(flow, headers={"User-Agent": AGENTS["android"]}, timeout=10).json()
    studio.go(asked["login"].removeprefix(studio.origin), "approve")
    if language == "en":
        _the_rest(studio, full)
    for service in ("iphone", "thunderbird"):
        studio.go(f"{here}/new", "make")
        page.locator(f"label.choice:has(input[value={service}])").click()
        page.locator("form.panel button.main").click()
        if service == "iphone":
            page.locator(".qr").wait_for()
            studio.take("offer-iphone")
            page.locator("details.fold summary").click()
            page.locator("details.fold button").click()
        page.locator("#password").wait_for()
        studio.take(f"result-{service}")
        made = page.locator("#password span").first.inner_text()
        page.locator("[data-leaves]").click()
    page.goto(f"{studio.origin}{here}/{made}/delete")
    page.locator("button.danger.main").click()
    page.locator(".receipt").wait_for()
    studio.take("receipt")


def _the_rest(studio: Studio, full: Full) -> None:
    """Screens whose components stand on the others too."""
    here = "/account/app-passwords"
    studio.go(f"{here}/{full.iphone}/rotate", "rotate")
    studio.go(f"{here}/{full.old}/removal", "removal")
    studio.go(f"{here}/deleted", "deleted")
    studio.go(f"{here}/lost", "lost")
    studio.go("/account/confirm", "confirm")
    studio.go("/admin", "admin")
    studio.go(f"/admin/app-passwords/{full.iphone}/stop", "admin-stop")
    studio.go("/nothing/here", "error")
    studio.go("/login/v2/flow/" + "x" * 43, "flow-over")
    page = studio.page
    for service in ("android", "mac"):
        page.goto(f"{studio.origin}{here}/new")
        page.locator(f"label.choice:has(input[value={service}])").click()
        page.locator("form.panel button.main").click()
        page.locator(".way").first.wait_for()
        studio.take(f"offer-{service}")
    studio.go(page.locator("form[action^='/profile/']").get_attribute("action") or "", "set-up")
