"""DAVx5's login flow, through the page."""

import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from dav_gateway.core.credential import Origin
from dav_gateway.core.login_flow import LIFETIME, FlowState
from dav_gateway.core.scope import EMPLOYEES, Access, Scope
from dav_gateway.core.sign_in import RECENT
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.store import audit
from dav_gateway.store.database import Database

from .conftest import LIST, House
from .devices import DAVX5, link, opens, phone


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
