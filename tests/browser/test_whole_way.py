"""The whole way in a browser: sign in, make, sync with what the page shows, see it live, delete, be refused."""

from collections.abc import Callable

import caldav
import pytest
from playwright.sync_api import Error, Page, expect

from dav_gateway.service.services import Services

from .conftest import AGENTS, Person
from .studio import PHONE, SMALL

LIST = "/account/app-passwords"
WITHIN_A_SECOND = 1_000


def make(page: Page, service: str, what: str = "calendar") -> str:
    """From the list to the password, by clicks; the text as a person reads it."""
    page.locator(f"a.main[href='{LIST}/new']").click()
    page.locator(f"label.choice:has(input[value={what}])").click()
    page.locator(f"label.choice:has(input[value={service}])").click()
    page.locator("form.panel button.main").click()
    if service in {"iphone", "mac", "android"}:  # these set themselves up, and no password exists until it is asked for
        page.locator("details.fold summary").click()
        page.get_by_role("button", name="Show the password").click()
    return page.locator("#password").inner_text().replace("\n", "").replace(" ", "")


def test_from_sign_in_to_a_client_that_is_refused(person: Callable[..., Person], opened: Callable[..., Page]) -> None:
    ana, page = person(), opened()
    ana.sign_in(page)
    password = make(page, "other")  # four clicks
    assert len(password) == 29
    live = page.locator("[data-live]")
    expect(live).to_contain_text("Waiting for the first connection")
    with caldav.DAVClient(page.locator("#server").inner_text(), username=ana.name, password=password) as client:
        calendars = client.principal().calendars()
        expect(live).to_contain_text("Connected: a command line program", timeout=WITHIN_A_SECOND)
        assert [each.get_display_name() for each in calendars] == ["Calendar", "Tasks"]
        page.locator("[data-leaves]").click()
        expect(page.locator(".state.ok")).to_have_text("Working")
        page.locator("a.danger", has_text="Delete").last.click()
        page.get_by_role("button", name="Delete and stop sync").click()
        expect(page.locator(".receipt")).to_contain_text("Stopped at")
    with (
        caldav.DAVClient(f"{ana.gateway.origin}/dav/", username=ana.name, password=password) as client,
        pytest.raises(caldav.lib.error.AuthorizationError),
    ):
        client.principal().calendars()
    page.goto(f"{ana.gateway.origin}{LIST}")
    for _ in range(10):  # what a device was refused is written within a second
        if page.get_by_text("A deleted device is still trying").count():
            break
        page.wait_for_timeout(300)
        page.reload()
    expect(page.locator("h3")).to_have_text("A deleted device is still trying")


def test_the_live_line_says_at_once_why_it_was_refused(
    person: Callable[..., Person], opened: Callable[..., Page]
) -> None:
    ana, page = person(), opened(viewport=PHONE)
    ana.sign_in(page)
    password = make(page, "iphone")
    live = page.locator("[data-live]")
    symbol = "7" if password[20] != "7" else "8"
    assert ana.sync(password[:20] + symbol + password[21:]) == 401
    expect(live).to_contain_text("mistyped, probably in group 4", timeout=WITHIN_A_SECOND)
    expect(page.locator("#password .wrong")).to_have_count(1)
    assert ana.sync(password, agent=AGENTS["thunderbird"]) == 403
    expect(live).to_contain_text("this is Thunderbird, the password is for iPhone", timeout=WITHIN_A_SECOND)
    assert ana.sync(password) == 207
    expect(live).to_contain_text("Connected: iPhone", timeout=WITHIN_A_SECOND)
    page.locator("[data-leaves]").click()
    page.get_by_role("button", name="It is mine, allow Thunderbird").click()
    expect(page.locator(".note.warn")).to_have_count(0)


def test_it_works_without_javascript(
    person: Callable[..., Person], opened: Callable[..., Page], services: Services
) -> None:
    ana, page = person(), opened(java_script_enabled=False)
    ana.sign_in(page)
    password = make(page, "evolution")
    assert ana.sync(password, agent="Evolution/3.46.4") == 207
    assert not page.locator("button[data-copy]").first.is_visible()
    page.goto(f"{ana.gateway.origin}{LIST}/{password[:5]}")
    expect(page.locator(".live")).to_contain_text("Connected: Evolution")
    page.goto(f"{ana.gateway.origin}{LIST}")
    page.locator("details.menu summary").click()
    page.locator("details.menu button", has_text="Pause").click()
    expect(page.locator(".state")).to_have_text("Paused")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    assert services.sessions.of_account(services.accounts.get(ana.name)) == []


def test_a_double_click_without_javascript_shows_the_password(
    person: Callable[..., Person], opened: Callable[..., Page], services: Services
) -> None:
    ana, page = person(), opened(java_script_enabled=False)
    ana.sign_in(page)
    page.goto(f"{ana.gateway.origin}{LIST}/new")
    page.locator("label.choice:has(input[value=outlook])").click()
    page.locator("form.panel button.main").dblclick()
    password = page.locator("#password").inner_text().replace("\n", "").replace(" ", "")
    assert ana.sync(password, agent="CalDavSynchronizer/4.6") == 207
    page.reload()
    assert page.locator("#password").inner_text().replace("\n", "").replace(" ", "") == password
    assert len(services.sessions.of_account(services.accounts.get(ana.name))) == 1
    page.goto(f"{ana.gateway.origin}{LIST}")
    expect(page.locator("li.row")).to_have_count(1)


def test_the_keyboard_is_enough(person: Callable[..., Person], opened: Callable[..., Page]) -> None:
    ana, page = person(), opened()
    page.goto(ana.gateway.origin)
    page.keyboard.type(ana.name)
    page.keyboard.press("Tab")
    page.keyboard.type("nogal-roble-haya")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{ana.gateway.origin}{LIST}")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(f"a.main[href='{LIST}/new']")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{ana.gateway.origin}{LIST}/new")
    page.locator("input[name=what]:checked").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#comment")).to_have_value("Ana's Android")
    page.keyboard.press("Enter")
    page.locator("details.fold summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#password").wait_for()
    outline = page.evaluate("""() => { document.querySelector('[data-copy]').focus({focusVisible: true});
        return getComputedStyle(document.activeElement).outlineStyle; }""")
    assert outline == "solid"
    expect(page.locator("h1")).to_contain_text("Ana's Android")
    page.locator("[data-leaves]").press("Enter")
    menu = page.locator("details.menu")
    menu.locator("summary").press("Enter")
    page.keyboard.press("Tab")
    expect(menu.locator("a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu.locator("summary")).to_be_focused()
    expect(menu.locator("ul")).to_be_hidden()
    page.keyboard.press("Enter")
    menu.get_by_role("button", name="Pause").press("Enter")
    expect(page.locator(".state")).to_have_text("Paused")
    expect(page.locator("li.row")).to_be_focused()


def test_copying_is_said_and_leaving_is_guarded(person: Callable[..., Person], opened: Callable[..., Page]) -> None:
    ana, page = person(), opened(permissions=["clipboard-read", "clipboard-write"])
    ana.sign_in(page)
    password = make(page, "thunderbird")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.locator("h1").click()
    page.evaluate("location.href = '/account/security'")
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    page.locator("button[data-copy=password]").click()
    expect(page.locator("#said")).to_have_text("Copied: Password")
    assert page.evaluate("navigator.clipboard.readText()") == password
    page.goto(f"{ana.gateway.origin}/account/security")
    assert asked == ["beforeunload"]
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        page.go_back()  # no copy of the page was kept


def test_at_320_pixels_nothing_scrolls_sideways_and_targets_are_large(
    person: Callable[..., Person], opened: Callable[..., Page]
) -> None:
    ana = person(admin=True, display_name="Maximiliana Fernández-Villaverde de la Torre")
    page = opened(viewport={"width": 320, "height": 640}, locale="es-ES")
    found = {"/login": _narrow(page, f"{ana.gateway.origin}/login")}
    ana.sign_in(page)
    for path in (LIST, f"{LIST}/new", f"{LIST}/lost", "/account/devices", "/account/security", "/admin"):
        found[path] = _narrow(page, f"{ana.gateway.origin}{path}?lang=es")
    assert found == dict.fromkeys(found, (0, []))


def _narrow(page: Page, address: str) -> tuple[int, list[str]]:
    """By how many pixels the page scrolls sideways, and what is too small for a finger."""
    page.goto(address)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide, page.evaluate(SMALL)
