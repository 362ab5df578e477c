"""Every screen of somebody who is signed in, in each look (see `studio`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from live_gateway import AppPassword

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.service.services import Services

from .conftest import AGENTS, Person
from .studio import LOOKS, Studio, name_of

LIST = "/account/app-passwords"


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


@pytest.mark.parametrize("studio", LOOKS, ids=name_of, indirect=True)
def test_every_screen(full: Full, studio: Studio, services: Services) -> None:
    page = studio.page
    studio.go("/login", "login")
    page.locator("#login").fill(full.person.name)
    page.locator("#password-field").fill("wrong")
    page.locator("form button.main[type=submit]").click()
    page.locator("#failed").wait_for()
    studio.take("login-failed")
    full.person.sign_in(page, f"/login?lang={studio.language}")
    studio.go(LIST, "list")
    page.locator("details.menu summary").first.click()
    studio.take("list-menu")
    studio.go(f"{LIST}/{full.iphone}", "one")
    studio.go(f"{LIST}/{full.iphone}/change", "change")
    studio.go("/account/devices", "devices")
    studio.go("/account/security", "security")
    studio.go("/admin", "admin")
    flow = f"{studio.origin}/login/v2"
    asked = requests.post(flow, headers={"User-Agent": AGENTS["android"]}, timeout=10).json()
    studio.go(asked["login"].removeprefix(studio.origin), "approve")
    _the_rest(studio, full, services)
    studio.go(f"{LIST}/new", "make")
    made = [_made(studio, service) for service in ("iphone", "thunderbird")]
    studio.go(f"{LIST}/{made[0]}/delete", "delete")
    page.locator("button.danger.main").click()
    page.locator(".receipt").wait_for()
    studio.take("receipt")
    services.revocation.revoke([made[1]], by="test", why="the picture is taken")


def _made(studio: Studio, service: str) -> str:
    """Make an app password for a service, and picture each page on the way; its id."""
    page = studio.page
    page.goto(f"{studio.origin}{LIST}/new")
    page.locator(f"label.choice:has(input[value={service}])").click()
    page.locator("form.panel button.main").click()
    if service in {"iphone", "mac", "android"}:
        page.locator(".way").first.wait_for()
        studio.take(f"offer-{service}")
        page.locator("details.fold summary").click()
        page.locator("details.fold button").click()
    page.locator("#password").wait_for()
    studio.take(f"result-{service}")
    made = page.locator("#password span").first.inner_text()
    page.locator("[data-leaves]").click()
    return made


def _the_rest(studio: Studio, full: Full, services: Services) -> None:
    """Screens whose components stand on the others too."""
    page = studio.page
    for path, name in (
        (f"{LIST}/{full.iphone}/rotate", "rotate"),
        (f"{LIST}/{full.old}/removal", "removal"),
        (f"{LIST}/deleted", "deleted"),
        (f"{LIST}/lost", "lost"),
        ("/account/confirm", "confirm"),
        (f"/admin/app-passwords/{full.iphone}/stop", "admin-stop"),
        ("/nothing/here", "error"),
        ("/login/v2/flow/" + "x" * 43, "flow-over"),
    ):
        studio.go(path, name)
    for service in ("android", "mac", "outlook", "evolution", "other"):
        services.revocation.revoke([_made(studio, service)], by="test", why="the picture is taken")
    page.goto(f"{studio.origin}{LIST}/new")
    page.locator("label.choice:has(input[value=mac])").click()
    page.locator("form.panel button.main").click()
    page.locator(".way").first.wait_for()
    studio.go(page.locator("form[action^='/profile/']").get_attribute("action") or "", "set-up")
    made, _ = services.issuing.issue(
        full.person.name, service=Service.OTHER, scopes=[Scope.CALENDARS], origin=Origin.CLI, actor="test"
    )
    page.goto(f"{studio.origin}/admin/app-passwords/{made.id}/stop")
    page.locator("button.danger.main").click()
    page.locator(".receipt").wait_for()
    studio.take("admin-stopped")
    made, _ = services.issuing.issue(
        full.person.name, service=Service.THUNDERBIRD, scopes=[Scope.CALENDARS], origin=Origin.CLI, actor="test"
    )
    page.goto(f"{studio.origin}{LIST}/{made.id}/change")
    page.locator("label.choice:has(input[value=both])").click()
    page.locator("label:has(input[value=read-only])").click()
    page.locator("form.panel button.main").click()
    page.locator(".receipt").wait_for()
    studio.take("changed")
    services.revocation.revoke([made.id], by="test", why="the picture is taken")
