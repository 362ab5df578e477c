"""Takes pictures of screens at 390 and 1280 pixels, in both languages, light and dark, and judges them: axe-core finds
nothing, nothing scrolls sideways, nothing is too small for a finger. The pictures under build/screens are for people.

`DAV_GATEWAY_TEST_LOOKS=all` takes all eight looks of each screen; without it they are two that differ in everything.
"""

import os
from itertools import product
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page

Look = tuple[str, str, dict[str, int]]

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
SCREENS = Path(__file__).parents[2] / "build" / "screens"
LOOKS = [("en", "light", PHONE), ("es", "dark", DESK)]
"""Between them each screen is narrow and wide, light and dark, in both languages."""

if os.environ.get("DAV_GATEWAY_TEST_LOOKS") == "all":
    LOOKS = list(product(("en", "es"), ("light", "dark"), (PHONE, DESK)))

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
SMALL = """() => [...document.querySelectorAll('a, button, summary, label.choice, select, input:not([type=hidden])')]
    .filter((each) => each.checkVisibility() && !each.closest('.skip, td, p, h2, h3, .segment'))
    .filter((each) => !each.matches('.hidden-text'))
    .filter((each) => (each.closest('label') || each).getBoundingClientRect().height < 43.5)
    .map((each) => each.outerHTML.slice(0, 120))"""
"""What is too small for a finger (WCAG 2.2, 2.5.5: 44 pixels); links inside sentences and tables may be small."""


class Studio:
    """Takes the pictures of one look, and judges each."""

    def __init__(self, page: Page, origin: str, look: Look) -> None:
        self.page = page
        self.origin = origin
        self.language, scheme, size = look
        self.look = f"{size['width']}-{self.language}-{scheme}"

    def go(self, path: str, name: str) -> None:
        self.page.goto(f"{self.origin}{path}")
        self.take(name)

    def take(self, name: str) -> None:
        page = self.page
        SCREENS.mkdir(parents=True, exist_ok=True)
        picture = SCREENS / f"{name}-{self.look}.png"
        try:
            page.screenshot(path=picture, full_page=True)
        except Error:  # on a busy machine Chromium may have no frame to give just then
            page.screenshot(path=picture, full_page=True)
        assert page.locator("html").get_attribute("lang") == self.language
        assert page.locator("h1").count() == 1
        assert "%(" not in page.content()
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0, f"{name} scrolls sideways by {width} pixels"
        assert page.evaluate(SMALL) == [], f"{name} has targets that are too small"
        found = Axe().run(page, options=OPTIONS)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"


def name_of(look: Look) -> str:
    """How a test of this look is named."""
    return f"{look[0]}-{look[1]}-{look[2]['width']}"
