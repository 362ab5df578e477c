"""A real Chromium in front of a real gateway: `dav-gateway serve` with a new database, people added by its commands."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))  # --import-mode=importlib leaves helpers to us

from live_gateway import Gateway, running
from tests.system import program

from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.service.services import Services, assemble
from dav_gateway.store.database import open_database

from .studio import DESK, Studio

MAIN_PASSWORD = "nogal-roble-haya"
AGENTS = {
    "iphone": "iOS/18.4 (22E240) dataaccessd/1.0",
    "android": "DAVx5/4.5.1-ose (at.bitfire.davdroid)",
    "thunderbird": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0",
}


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    name: str
    gateway: Gateway

    def sign_in(self, page: Page, path: str = "/") -> None:
        """By the form, as a person does."""
        self.sign_in_first(page, path)
        page.wait_for_url(f"{self.gateway.origin}/account/**")

    def sign_in_first(self, page: Page, path: str = "/") -> None:
        """The form with the main password, wherever it leads."""
        page.goto(self.gateway.origin + path)
        page.locator("#login").fill(self.name)
        page.locator("#password-field").fill(MAIN_PASSWORD)
        page.locator("form button.main[type=submit]").click()

    def sync(self, password: str, *, kind: str = "calendars", agent: str = AGENTS["iphone"]) -> int:
        """One request as a device makes it; the status. A device whose connection is cut by a revocation that the
        gateway has just heard of asks again."""
        for patience in (2, 1, 0):
            try:
                return requests.request(
                    "PROPFIND",
                    f"{self.gateway.origin}/dav/{self.name}/{kind}/",
                    auth=(self.name, password),
                    headers={"Depth": "1", "User-Agent": agent},
                    timeout=10,
                ).status_code
            except requests.ConnectionError:
                if not patience:
                    raise
        raise AssertionError("unreachable")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A running gateway with a new database, at a name: browsers offer no passkeys at an address."""
    with running(tmp_path_factory.mktemp("browser"), host="localhost") as gateway:
        yield gateway


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window. While it is there an event loop runs in this thread, which other tests do not
    expect: so it ends with each module, and all modules run in one process (`pytest_collection_modifyitems`)."""
    path = program("chromium")
    with sync_playwright() as playwright:
        # Tests may run as root, where Chromium's own sandbox does not start; the only pages it sees are ours.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def services(gateway: Gateway) -> Iterator[Services]:
    """The use cases on the gateway's database: they stand for another process, and need no second to start."""
    database = open_database(f"sqlite:///{gateway.folder / 'var' / 'gateway.db'}")
    yield assemble(database, human_profile=CHEAPEST)
    database.dispose()


@pytest.fixture(scope="module")
def person(gateway: Gateway, services: Services) -> Callable[..., Person]:
    """Adds somebody with a main password."""
    numbers = count(1)

    def add(*, admin: bool = False, display_name: str = "Ana Ruiz") -> Person:
        name = f"ana{next(numbers)}"
        details = {"email": f"{name}@nogal.example", "display_name": display_name, "admin": admin}
        services.accounts.add(name=name, password=MAIN_PASSWORD, by="test", **details)  # type: ignore[arg-type]
        return Person(name, gateway)

    return add


@pytest.fixture(scope="module")
def elsewhere() -> str:
    """Another origin to which the page may lead; none, unless a module says so."""
    return ""


@pytest.fixture
def opened(chromium: Browser, gateway: Gateway, elsewhere: str) -> Iterator[Callable[..., Page]]:
    """Opens a new browser profile. Whatever the page logs as an error, or asks of another host, fails the test."""
    known = tuple(filter(None, (gateway.origin, elsewhere)))
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(**settings: object) -> Page:
        chosen: dict[str, object] = {"viewport": DESK, "locale": "en-GB", **settings}
        context = chromium.new_context(**chosen)  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()

        def fault(said: str, *, is_one: bool = True) -> None:
            # What another origin's own pages do is not ours to judge.
            if is_one and not (elsewhere and page.url.startswith(elsewhere)):
                faults.append(said)

        page.on("pageerror", lambda error: fault(str(error)))
        page.on("console", lambda said: fault(said.text, is_one=said.type == "error"))
        page.on("request", lambda asked: fault(asked.url, is_one=not asked.url.startswith(known)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    expected = ("the server responded with a status of 4",)
    assert [fault for fault in faults if not any(part in fault for part in expected)] == []


@pytest.fixture
def studio(request: pytest.FixtureRequest, gateway: Gateway, opened: Callable[..., Page]) -> Studio:
    """A browser of the look that the test is parametrised with."""
    language, scheme, size = request.param
    page = opened(viewport=size, color_scheme=scheme, locale={"en": "en-GB", "es": "es-ES"}[language])
    return Studio(page, gateway.origin, request.param)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of this folder follow each other in one process."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
