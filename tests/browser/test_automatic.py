"""A device that sets itself up, in a browser in front of a real gateway."""

import io
import plistlib
from collections.abc import Callable
from pathlib import Path

import requests
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from .conftest import AGENTS, MAIN_PASSWORD, Person
from .studio import PHONE

PRINCIPAL = '<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'
LIST = "/account/app-passwords"


def test_davx5_connects_with_no_typing_but_the_sign_in(
    person: Callable[..., Person], opened: Callable[..., Page]
) -> None:
    ana, page = person(), opened(viewport=PHONE)
    davx5 = {"User-Agent": AGENTS["android"]}
    begun = requests.post(f"{ana.gateway.origin}/index.php/login/v2", headers=davx5, timeout=10).json()
    page.goto(begun["login"])
    page.locator("#login").fill(ana.name)
    page.locator("#password-field").fill(MAIN_PASSWORD)
    page.locator("form button.main[type=submit]").click()
    expect(page.locator("h1")).to_have_text("DAVx5 asks for access")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("h1")).to_have_text("Approved")
    poll = begun["poll"]
    answer = requests.post(poll["endpoint"], data={"token": poll["token"]}, headers=davx5, timeout=10)
    given = answer.json()
    found = requests.request(
        "PROPFIND",
        f"{given['server']}/remote.php/dav",
        data=PRINCIPAL,
        auth=(given["loginName"], given["appPassword"]),
        headers={**davx5, "Depth": "0", "Content-Type": "application/xml"},
        timeout=10,
    )
    assert found.status_code == 207
    assert f"/dav/{ana.name}/" in found.text
    page.get_by_role("link", name="Go to my app passwords").click()
    for _ in range(10):  # a use is written within a second
        if page.locator(".state.ok").count():
            break
        page.wait_for_timeout(200)
        page.reload()
    expect(page.locator(".state.ok")).to_have_text("Working")
    page.goto(f"{ana.gateway.origin}{LIST}/{given['appPassword'][:5]}")
    expect(page.locator(".live")).to_contain_text("Connected: DAVx5")


def test_an_iphone_by_scanning_one_code(person: Callable[..., Person], opened: Callable[..., Page]) -> None:
    ana, desk = person(), opened(color_scheme="dark")
    ana.sign_in(desk)
    desk.locator(f"a.main[href='{LIST}/new']").click()
    desk.locator("label.choice:has(input[value=iphone])").click()
    desk.locator("form.panel button.main").click()
    live = desk.locator("[data-live]")
    expect(live).to_contain_text("Waiting for the device")
    picture = Image.open(io.BytesIO(desk.locator(".qr").screenshot()))
    [read] = zxingcpp.read_barcodes(picture)
    assert read.text.startswith(f"{ana.gateway.origin}/profile/")
    phone = opened(viewport=PHONE, accept_downloads=True)
    phone.goto(read.text)
    expect(phone.locator("h1")).to_have_text("Set up \u2068Ana's iPhone\u2069")
    with phone.expect_download() as downloading:
        phone.get_by_role("button", name="Download the profile").click()
    profile = plistlib.loads(Path(downloading.value.path()).read_bytes())
    [calendars, contacts] = profile["PayloadContent"]
    assert calendars["CalDAVUsername"] == ana.name
    expect(live).to_contain_text("Waiting for the first connection")
    assert ana.sync(calendars["CalDAVPassword"]) == 207
    expect(live).to_contain_text("Connected: iPhone", timeout=1_000)
    assert ana.sync(contacts["CardDAVPassword"], kind="contacts") == 207
    phone.goto(read.text)
    expect(phone.locator("h1")).to_have_text("This link is over")
