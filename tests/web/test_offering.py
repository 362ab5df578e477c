"""Phones and Macs are offered a link instead of a password to type."""

import json
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import zxingcpp
from PIL import Image

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.scope import Scope
from dav_gateway.core.setup_link import LIFETIME as LINK_LIFETIME
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.setup_links import MOST_OPEN
from dav_gateway.service.shown_again import LIFETIME
from dav_gateway.store import audit
from dav_gateway.store.database import Database
from dav_gateway.web.offering import BY_HAND

from .conftest import LIST, PASSWORD, Answered, Browser, House


def offer(house: House, service: str, **fields: str) -> tuple[Browser, Answered, str]:
    """The page that offers a link to a device, and the path of the link."""
    browser = house.signed_in()
    offered = browser.make(where=service, **fields)
    assert offered.status == 200
    return browser, offered, f"/profile/{offered.field('link')}"


def code_of(shown: str) -> str:
    """What a reader finds in the QR code of a page, drawn from its SVG as a screen would."""
    [drawing] = re.findall(r"<svg[^>]*viewBox.*?</svg>", shown, re.DOTALL)
    side = int(re.search(r'viewBox="0 0 (\d+) ', drawing)[1])  # type: ignore[index]
    picture = Image.new("L", (side * 8, side * 8), 255)
    x = y = 0.0
    path = re.search(r'<path stroke[^>]* d="([^"]*)"', drawing) or re.search(r'd="([^"]*)"[^>]*stroke', drawing)
    assert path
    for move, one, _, two in re.findall(r"([Mmh])(-?[\d.]+)( (-?[\d.]+))?", path[1]):
        if move == "h":
            picture.paste(0, (int(x * 8), int(y - 0.5) * 8, int((x + float(one)) * 8), int(y + 0.5) * 8))
            x += float(one)
        else:
            x, y = (float(one), float(two)) if move == "M" else (x + float(one), y + float(two))
    [found] = zxingcpp.read_barcodes(picture)
    return str(found.text)


@pytest.mark.parametrize("service", ["iphone", "mac"])
def test_an_apple_device_is_offered_a_link_and_no_password_exists(house: House, service: str) -> None:
    browser, offered, path = offer(house, service, what="both")
    assert house.stored() == []
    assert f'<form method="post" action="{path}">' in offered.text
    assert "details" in offered.text
    assert " open>" not in offered.text
    if service == "iphone":
        assert code_of(offered.text) == f"http://127.0.0.1:{house.port}{path}"
    look = offered.text.partition('data-live="')[2].partition('"')[0]
    assert path.rpartition("/")[2] not in look
    assert json.loads(browser.get(look).text)["tone"] == "wait"
    assert house.browser().post(path, {}).status == 200
    [stored] = house.stored()
    assert (stored.service, stored.origin, stored.scopes) == (Service(service), Origin.PROFILE, frozenset(Scope))
    assert "first connection" in json.loads(browser.get(look).text)["fact"]
    assert house.signed_in("ben").get(look).status == 404


def test_the_password_by_hand_uses_the_link_up(house: House) -> None:
    browser, offered, path = offer(house, "iphone", ends="30")
    fields = {"csrf": offered.field("csrf"), "link": offered.field("link")}
    ben = house.signed_in("ben")
    assert ben.post(BY_HAND, {**fields, "csrf": ben.get(LIST).field("csrf")}).status == 404
    assert browser.post(BY_HAND, {**fields, "csrf": ""}).status == 403
    assert browser.post(BY_HAND, {**fields, "link": "x"}).status == 404
    assert house.stored() == []
    shown = browser.post(BY_HAND, fields)
    assert shown.status == 200
    [stored] = house.stored()
    assert shown.password.startswith(stored.id)
    assert (stored.origin, stored.label) == (Origin.PAGE, "Ana's iPhone")
    assert stored.expires_at is not None
    assert house.browser().post(path, {}).status == 404
    assert browser.post(BY_HAND, fields).password == shown.password, "a double click"
    house.clock.advance(LIFETIME)
    again = browser.post(BY_HAND, fields)
    assert again.status == 409
    assert "This password was shown already" in again.text
    with house.services.database.read() as connection:
        words = [each.event for each in audit.select(connection)]
    assert "profile_downloaded" not in words
    assert len(house.stored()) == 1


def test_by_hand_after_five_minutes_is_too_late(small_house: House) -> None:
    browser, offered, _path = offer(small_house, "iphone")
    look = offered.text.partition('data-live="')[2].partition('"')[0]
    small_house.clock.advance(LINK_LIFETIME)
    assert "over" in json.loads(browser.get(look).text)["fact"]
    fields = {"csrf": offered.field("csrf"), "link": offered.field("link")}
    assert browser.post(BY_HAND, fields).status == 404
    assert small_house.stored() == []


def test_android_is_offered_davx5_where_the_address_has_no_port(
    sqlite_database: Database, found_house: Callable[..., House]
) -> None:
    house = found_house(sqlite_database, public_url="https://dav.example.com")
    browser = house.browser()
    form = browser.get("/login")
    ours = {"Origin": "https://dav.example.com"}
    browser.post("/login", {"csrf": form.field("csrf"), "login": "ana", "password": PASSWORD}, **ours)
    form = browser.get(f"{LIST}/new")
    wish = {"what": "both", "where": "android", "comment": "", "access": "read-write", "ends": "0"}
    offered = browser.post(f"{LIST}/new", {"csrf": form.field("csrf"), "form": form.field("form"), **wish}, **ours)
    assert "Open in DAVx5" in offered.text
    assert "davx5:" in offered.headers["content-security-policy"]
    assert "davx5:" not in offered.text
    path = f"/profile/{offered.field('link')}"
    assert code_of(offered.text) == f"https://dav.example.com{path}"
    assert urlsplit(house.browser().post(path, {}).to).scheme == "davx5"


def test_android_is_told_the_login_flow_where_davx5_would_lose_the_port(small_house: House) -> None:
    _browser, offered, _path = offer(small_house, "android")
    assert "Open in DAVx5" not in offered.text
    assert "<strong>Nextcloud</strong>" in offered.text
    assert f">http://127.0.0.1:{small_house.port}<" in offered.text
    assert "data-live" not in offered.text


def test_too_many_links_and_too_many_passwords(small_house: House) -> None:
    browser, _offered, _path = offer(small_house, "iphone")
    for _ in range(MOST_OPEN - 1):
        assert browser.make(where="iphone").status == 200
    refused = browser.make(where="iphone")
    assert refused.status == 422
    assert "Too many links" in refused.text
    for _ in range(MOST_LIVE):
        small_house.issue()
    assert "that is the most" in browser.make(where="mac").text
