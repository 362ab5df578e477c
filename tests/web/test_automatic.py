"""A device that sets itself up, through the page: DAVx5's login flow, and the page behind a set-up link."""

import json
import plistlib
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
import zxingcpp
from PIL import Image

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.login_flow import LIFETIME, FlowState
from dav_gateway.core.scope import EMPLOYEES, Access, Scope
from dav_gateway.core.setup_link import LIFETIME as LINK_LIFETIME
from dav_gateway.core.setup_link import SetupKind
from dav_gateway.core.sign_in import RECENT
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.setup_links import MOST_OPEN
from dav_gateway.service.verification import Presented, Refused
from dav_gateway.service.wish import wish_from
from dav_gateway.store import audit
from dav_gateway.store.database import Database
from dav_gateway.web.offering import BY_HAND

from .conftest import LIST, PASSWORD, Answered, Browser, House

DAVX5 = "DAVx5/4.5.1-ose (at.bitfire.davdroid)"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": DAVX5}


@dataclass
class Phone:
    """DAVx5: it starts a flow, opens the browser at `page`, and polls."""

    house: House
    page: str
    poll_secret: str

    def poll(self) -> Answered:
        return self.house.browser().ask("POST", "/login/v2/poll", {"token": self.poll_secret}, FORM)


def phone(house: House, prefix: str = "/index.php") -> Phone:
    begun = json.loads(house.browser().ask("POST", f"{prefix}/login/v2", b"", {"User-Agent": DAVX5}).text)
    return Phone(house, urlsplit(begun["login"]).path, begun["poll"]["token"])


def opens(house: House, login: str, password: str) -> bool:
    presented = Presented(login, password, "127.0.0.1", DAVX5, "test")
    with house.services.database.read() as connection:
        return not isinstance(house.services.verification.verify(connection, presented), Refused)


@pytest.mark.parametrize("prefix", ["", "/index.php"])
def test_the_way_of_davx5_with_no_typing_but_the_sign_in(house: House, prefix: str) -> None:
    davx5, browser = phone(house, prefix), house.browser()
    assert davx5.poll().status == 404
    page = prefix + davx5.page
    asked = browser.get(page)
    assert (asked.status, asked.to) == (303, f"/login?next={page}")
    assert browser.sign_in(going=page).to == page
    shown = browser.get(page)
    assert shown.status == 200
    assert "<h1>DAVx5 asks for access</h1>" in shown.text
    assert "from the same network as this browser" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert davx5.poll().status == 404, "looking approves nothing"
    done = browser.submit(page, act="approve", what="both")
    assert "<h1>Approved</h1>" in done.text
    given = davx5.poll()
    assert (given.status, given.headers["cache-control"]) == (200, "no-store")
    assert given.headers["x-content-type-options"] == "nosniff"
    content = json.loads(given.text)
    assert content["server"] == f"http://127.0.0.1:{house.port}"
    assert opens(house, content["loginName"], content["appPassword"])
    [stored] = house.stored()
    assert (stored.scopes, stored.access, stored.origin) == (frozenset(Scope), Access.READ_WRITE, Origin.LOGIN_FLOW)
    assert stored.label == "Ana's Android"
    assert davx5.poll().status == 404
    assert "Approved" in browser.get(page).text, "its owner reads how it ended"
    assert content["appPassword"] not in house.log.getvalue()
    assert davx5.poll_secret not in house.log.getvalue()
    assert davx5.page.rpartition("/")[2] not in house.log.getvalue()


def test_what_the_form_says_is_what_is_issued(house: House) -> None:
    davx5, browser = phone(house), house.signed_in()
    wish = {"what": "employees", "comment": "<b>Tableta</b>", "read-only": "yes", "act": "approve"}
    assert browser.submit(davx5.page, **wish).status == 200
    assert davx5.poll().status == 200
    [stored] = house.stored()
    assert (stored.label, stored.collections) == ("<b>Tableta</b>", {EMPLOYEES})
    assert (stored.scopes, stored.access) == ({Scope.CONTACTS}, Access.READ_ONLY)


def test_denied_is_denied(house: House) -> None:
    davx5, browser = phone(house), house.signed_in()
    word = browser.get(davx5.page).field("csrf")
    assert "<h1>Denied</h1>" in browser.post(davx5.page, {"csrf": word, "act": "deny"}).text
    assert davx5.poll().status == 404
    assert "<h1>Denied</h1>" in browser.post(davx5.page, {"csrf": word, "act": "approve"}).text
    assert davx5.poll().status == 404
    assert house.stored() == []


def test_a_flow_is_decided_once_and_by_one_person(house: House) -> None:
    davx5, ana, ben = phone(house), house.signed_in(), house.signed_in("ben")
    word, bens = ana.get(davx5.page).field("csrf"), ben.get(davx5.page).field("csrf")
    answers = [ana.post(davx5.page, {"csrf": word, "act": "approve", "what": "both"}) for _ in range(2)]
    assert ["<h1>Approved</h1>" in each.text for each in answers] == [True, True]
    late = ben.post(davx5.page, {"csrf": bens, "act": "deny"})
    assert late.status == 404
    assert "This request was answered already" in late.text
    assert "This request was answered already" in ben.get(davx5.page).text
    assert davx5.poll().status == 200
    assert (len(house.stored()), house.stored("ben")) == (1, [])


def test_a_forged_approval_changes_nothing(small_house: House) -> None:
    davx5, browser, ben = phone(small_house), small_house.signed_in(), small_house.signed_in("ben")
    word, theirs = browser.get(davx5.page).field("csrf"), ben.get(davx5.page).field("csrf")
    approve = {"act": "approve", "what": "both"}
    refused = [
        browser.post(davx5.page, approve),
        browser.post(davx5.page, {**approve, "csrf": theirs}),
        browser.post(davx5.page, {**approve, "csrf": word}, Origin="https://evil.example"),
        browser.post(davx5.page, {**approve, "csrf": word}, **{"Sec-Fetch-Site": "cross-site"}),
    ]
    assert [each.status for each in refused] == [403] * len(refused)
    assert small_house.browser().post(davx5.page, approve).to == "/login"
    strange = [{"act": "burn"}, {"act": "approve", "what": "everything"}, {}]
    assert [browser.post(davx5.page, {"csrf": word, **each}).status for each in strange] == [400] * 3
    flow = small_house.services.login_flow.find(davx5.page.rpartition("/")[2])
    assert flow is not None
    assert flow.state is FlowState.STARTED


def test_expired_and_unknown_flows_say_so(small_house: House) -> None:
    davx5, browser = phone(small_house), small_house.signed_in()
    for page in ("/login/v2/flow/" + "x" * 43, "/login/v2/flow/x", "/index.php/login/v2/flow/%E2%80%AE"):
        shown = browser.get(page)
        assert shown.status == 404
        assert "This request is over" in shown.text
    word = browser.get(davx5.page).field("csrf")
    small_house.clock.advance(LIFETIME)
    browser = small_house.signed_in()
    assert "It waits for twenty minutes" in browser.get(davx5.page).text
    word = browser.get(LIST).field("csrf")
    assert browser.post(davx5.page, {"csrf": word, "act": "approve"}).status == 404
    assert davx5.poll().status == 404


def test_approving_asks_for_a_recent_identity(small_house: House) -> None:
    browser = small_house.signed_in()
    small_house.clock.advance(RECENT)
    davx5 = phone(small_house)
    assert browser.get(davx5.page).to == f"/account/confirm?next={davx5.page}"
    word = browser.get(LIST).field("csrf")
    answer = browser.post(davx5.page, {"csrf": word, "act": "approve"})
    assert answer.to == f"/account/confirm?next={davx5.page}"
    assert davx5.poll().status == 404


def test_a_comment_too_long_and_an_account_that_is_full(small_house: House) -> None:
    davx5, browser = phone(small_house), small_house.signed_in()
    wrong = browser.submit(davx5.page, act="approve", what="calendar", comment="x" * 10_000)
    assert wrong.status == 422
    assert 'aria-invalid="true"' in wrong.text
    assert len(wrong.text) < 20_000
    for _ in range(MOST_LIVE):
        small_house.issue()
    full = browser.submit(davx5.page, act="approve", what="calendar", comment="x")
    assert full.status == 422
    assert "that is the most" in full.text
    assert davx5.poll().status == 404


def test_a_client_with_a_hostile_name_is_shown_as_text(small_house: House) -> None:
    agent = "<script>alert(1)</script>"
    begun = json.loads(small_house.browser().ask("POST", "/login/v2", b"", {"User-Agent": agent}).text)
    shown = small_house.signed_in().get(urlsplit(begun["login"]).path)
    assert "A device asks for access" in shown.text
    assert "&lt;script&gt;alert(1)" in shown.text
    assert agent not in shown.text


def test_the_address_is_the_one_that_the_server_resolved(
    sqlite_database: Database, found_house: Callable[..., House]
) -> None:
    house = found_house(sqlite_database, address="198.51.100.9")
    flow = house.services.login_flow.find(phone(house).page.rpartition("/")[2])
    assert flow is not None
    assert flow.address == "198.51.100.9"
    path = link(house)
    assert house.browser().post(path, {}).status == 200
    with house.services.database.read() as connection:
        [downloaded] = [each for each in audit.select(connection) if each.event == "profile_downloaded"]
    assert downloaded.address == "198.51.100.9"


def test_a_client_elsewhere_is_named_with_its_address(small_house: House) -> None:
    started = small_house.services.login_flow.start(user_agent=DAVX5, address="198.51.100.4")
    shown = small_house.signed_in().get(f"/login/v2/flow/{started.login.reveal()}").text
    assert "from another network than this browser: 198.51.100.4" in shown
    assert "Approve only what you have just started yourself" in shown


def link(house: House, kind: SetupKind = SetupKind.APPLE_PROFILE, service: Service = Service.IPHONE) -> str:
    wish = wish_from(service=service, scopes=list(Scope), label="iPhone de Ana", origin=Origin.PAGE)
    return f"/profile/{house.services.setup_links.make('ana', kind, [wish]).reveal()}"


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
