"""The page behind a set-up link, and what a device that set itself up asks of us afterwards."""

import json
import plistlib
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import urlsplit

from dav_gateway.core.credential import Service
from dav_gateway.core.setup_link import LIFETIME as LINK_LIFETIME
from dav_gateway.core.setup_link import SetupKind
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.store.database import Database

from .conftest import House
from .devices import DAVX5, link, opens, phone


def test_a_link_is_looked_at_for_nothing_and_redeemed_once(house: House) -> None:
    path, scanned = link(house), house.browser()
    for method in ("GET", "HEAD", "GET"):
        assert scanned.ask(method, path, None, {}).status == 200
    assert house.stored() == []
    shown = scanned.get(path)
    assert "iPhone de Ana" in shown.text
    assert f'action="{path}"' in shown.text
    assert "davx5:" not in shown.headers["content-security-policy"]
    given = scanned.post(path, {})
    assert (given.status, given.headers["content-type"]) == (200, "application/x-apple-aspen-config")
    assert (given.headers["cache-control"], given.headers["referrer-policy"]) == ("no-store", "no-referrer")
    calendars, contacts = plistlib.loads(given.text.encode())["PayloadContent"]
    assert calendars["CalDAVHostName"] == "127.0.0.1"
    assert calendars["CalDAVPort"] == house.port
    assert calendars["CalDAVPassword"] == contacts["CardDAVPassword"]
    assert len(house.stored()) == 1
    for again in (scanned.post(path, {}), scanned.get(path)):
        assert again.status == 404
        assert "This link is over" in again.text
        assert "<h1>" in again.text
    assert path.rpartition("/")[2] not in house.log.getvalue()


def test_a_link_that_is_old_or_was_never_says_so(small_house: House) -> None:
    path, browser = link(small_house), small_house.browser(language="es")
    assert browser.get("/profile/x").status == 404
    assert browser.post("/profile/" + "x" * 43, {}).status == 404
    small_house.clock.advance(LINK_LIFETIME)
    assert browser.get(path).status == 404
    assert browser.post(path, {}).status == 404
    assert small_house.stored() == []


def test_a_link_of_a_full_account_is_kept(small_house: House) -> None:
    path = link(small_house)
    for _ in range(MOST_LIVE):
        small_house.issue()
    refused = small_house.browser().post(path, {})
    assert refused.status == 409
    assert "This cannot be set up now" in refused.text
    assert small_house.browser().get(path).status == 200


def test_davx5_is_opened_by_the_button_and_the_policy_allows_it(
    sqlite_database: Database, found_house: Callable[..., House]
) -> None:
    house = found_house(sqlite_database, public_url="https://dav.example.com")
    path = link(house, SetupKind.DAVX5, Service.ANDROID)
    shown = house.browser().get(path)
    assert "form-action 'self' davx5: caldav:" in shown.headers["content-security-policy"]
    opened = house.browser().post(path, {})
    assert opened.status == 303
    target = urlsplit(opened.to)
    assert (target.scheme, target.hostname) == ("davx5", "dav.example.com")
    assert target.password is not None
    assert opens(house, "ana", target.password)


def test_davx5_is_not_opened_at_an_address_with_a_port(small_house: House) -> None:
    path = link(small_house, SetupKind.DAVX5, Service.ANDROID)
    assert small_house.browser().get(path).status == 404
    assert small_house.browser().post(path, {}).status == 409


def test_a_device_signs_out_by_the_password_that_it_has(house: House) -> None:
    davx5, browser = phone(house), house.signed_in()
    browser.submit(davx5.page, act="approve", what="both")
    password = json.loads(davx5.poll().text)["appPassword"]
    basic = {"Authorization": f"Basic {b64encode(f'ana:{password}'.encode()).decode()}", "User-Agent": DAVX5}
    assert house.browser().ask("DELETE", "/ocs/v2.php/core/apppassword", None, basic).status == 200
    assert house.stored()[0].revoked_at is not None
    again = house.browser().ask("DELETE", "/ocs/v2.php/core/apppassword", None, basic)
    assert (again.status, again.headers["www-authenticate"]) == (401, 'Basic realm="dav-gateway", charset="UTF-8"')


def test_long_bodies_and_strange_methods_are_refused(small_house: House) -> None:
    path, browser = link(small_house), small_house.browser()
    for target in ("/login/v2", "/login/v2/poll", path, "/ocs/v2.php/core/apppassword"):
        assert browser.ask("POST", target, b"x" * 70_000, {}).status == 413
    assert browser.get("/login/v2").status == 405
    assert browser.ask("DELETE", path, None, {}).status == 405
    assert small_house.stored() == []
    assert "Traceback" not in small_house.log.getvalue()
