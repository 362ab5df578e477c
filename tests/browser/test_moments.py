"""Days and times of day are the reader's; without JavaScript they are UTC and say so."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.moment import HOUR
from dav_gateway.core.scope import Scope
from dav_gateway.service.services import Services

from .conftest import Person

LIST = "/account/app-passwords"


def delete(page: Page, person: Person, services: Services) -> None:
    """Make an app password, and delete it on the page."""
    wish = {"service": Service.OTHER, "scopes": [Scope.CALENDARS], "origin": Origin.CLI, "actor": "test"}
    made, _ = services.issuing.issue(person.name, **wish)  # type: ignore[arg-type]
    page.goto(f"{person.gateway.origin}{LIST}/{made.id}/delete")
    page.locator("button.danger.main").click()


def test_a_receipt_tells_the_readers_time(
    person: Callable[..., Person], opened: Callable[..., Page], services: Services
) -> None:
    ana = person()
    plain = opened(java_script_enabled=False)
    ana.sign_in(plain)
    delete(plain, ana, services)
    said = plain.locator("#stopped").inner_text()
    assert said.endswith(" UTC")
    expect(plain.get_by_text("Days and times are those of UTC.")).to_be_visible()
    page = opened(timezone_id="Asia/Kolkata")
    ana.sign_in(page)
    delete(page, ana, services)
    expect(page.locator("#stopped")).not_to_contain_text("UTC")
    expect(page.get_by_text("Days and times are those of UTC.")).to_be_hidden()
    [told, moment] = page.evaluate("""() => { const time = document.querySelector('#stopped time');
        return [time.textContent, Date.parse(time.dateTime)]; }""")
    local = (moment + 5 * HOUR + HOUR // 2) // 1000
    assert told.startswith(f"{local // 3600 % 24:02}:{local // 60 % 60:02}:{local % 60:02}.{moment % 1000:03}")


def test_how_long_ago_stays_true_while_the_page_is_open(
    person: Callable[..., Person], opened: Callable[..., Page], services: Services
) -> None:
    ana, page = person(), opened()
    services.issuing.issue(ana.name, service=Service.OTHER, scopes=[Scope.CALENDARS], origin=Origin.CLI, actor="test")
    page.clock.install()
    ana.sign_in(page)
    ago = page.locator("time[data-ago]")
    expect(ago).to_be_visible()
    page.clock.fast_forward("02:00:00")
    expect(ago).to_have_text("2 hours ago")
    assert ago.get_attribute("title"), "the exact time"
