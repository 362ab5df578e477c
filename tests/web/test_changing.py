"""Changing what an app password syncs: less at once and with a receipt, more only after a new proof."""

import pytest

from dav_gateway.core.credential import Service
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import EMPLOYEES, Access, Scope
from dav_gateway.core.sign_in import RECENT
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.store import audit

from .conftest import LIST, PASSWORD, Answered, Browser, House

BOTH = frozenset(Scope)


def change(browser: Browser, credential_id: str, **chosen: str) -> Answered:
    wish = {"what": "both", "access": "read-write", "ends": "same", **chosen}
    return browser.submit(f"{LIST}/{credential_id}/change", **wish)


def test_less_takes_effect_at_once_and_asks_nobody(house: House) -> None:
    browser, made = house.signed_in(), house.issue(scopes=BOTH)
    house.clock.advance(RECENT)
    done = change(browser, made.id, what="calendar", access="read-only", ends="30")
    assert done.status == 200
    assert "Less since" in done.text
    assert "Receipt number" in done.text
    [now] = house.stored()
    assert (now.scopes, now.access) == (frozenset({Scope.CALENDARS}), Access.READ_ONLY)
    assert now.expires_at == house.clock.now + 30 * DAY
    again = change(browser, made.id, what="calendar", access="read-only")
    assert "nothing had to be changed" in again.text
    with house.services.database.read() as connection:
        changed = [each for each in audit.select(connection, credential_id=made.id) if each.event == "changed"]
    assert [each.detail["changed"] for each in changed] == [["access", "expires_at", "scopes"]]


def test_more_asks_who_it_is_and_goes_on_where_it_was(house: House) -> None:
    browser, made = house.signed_in(), house.issue(service=Service.THUNDERBIRD)
    house.clock.advance(RECENT)
    asked = change(browser, made.id, what="both", access="read-write")
    assert asked.status == 303
    assert asked.to.startswith("/account/confirm?next=")
    assert house.stored() == [made]
    confirmed = browser.submit(
        asked.to, "/account/confirm", next=browser.get(asked.to).field("next"), password=PASSWORD
    )
    assert confirmed.to == f"{LIST}/{made.id}/change?what=both&access=read-write&ends=same"
    filled = browser.get(confirmed.to)
    assert 'value="both" checked' in filled.text
    done = change(browser, made.id, what="both")
    assert "Now tell the device" in done.text
    assert "Add CardDAV Address Book" in done.text
    assert "Find Calendars" not in done.text, "the calendar is set up already"
    assert "Less since" not in done.text
    assert house.stored()[0].scopes == BOTH


def test_a_second_step_keeps_where_it_was_too(small_house: House) -> None:
    app = small_house.with_codes()
    browser, made = small_house.browser(), small_house.issue()
    browser.sign_in()
    assert browser.submit("/login/second", typed=small_house.code(app), way="code").status == 303
    small_house.clock.advance(RECENT)
    asked = change(browser, made.id, what="both")
    going = browser.get(asked.to).field("next")
    second = browser.submit(asked.to, "/account/confirm", next=going, password=PASSWORD)
    shown = browser.get(second.to)
    assert shown.field("next") == going
    assert "way=recovery&amp;next=%2F" in shown.text or f"way=recovery&amp;next={LIST}" in shown.text
    done = browser.submit(second.to, "/account/confirm", next=going, way="code", typed=small_house.code(app))
    assert done.to == f"{LIST}/{made.id}/change?what=both&access=read-write&ends=same"
    assert change(browser, made.id, what="both").status == 200


@pytest.mark.parametrize(
    "going",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/x?next=//evil.example:80", "%2F%2Fevil"],
)
def test_after_a_new_proof_only_local_paths_are_gone_to(small_house: House, going: str) -> None:
    browser = small_house.signed_in()
    assert browser.submit("/account/confirm", next=going, password=PASSWORD).to == LIST


@pytest.mark.parametrize("chosen", [{"what": "contacts"}, {"access": "read-write"}, {"ends": "0"}, {"ends": "90"}])
def test_whatever_is_more_needs_a_new_proof(small_house: House, chosen: dict[str, str]) -> None:
    browser = small_house.signed_in()
    ends = Moment(small_house.clock.now + 10 * DAY)
    made = small_house.issue(scopes=BOTH, access=Access.READ_ONLY, collections={EMPLOYEES, "calendar"}, expires_at=ends)
    small_house.clock.advance(RECENT)
    as_now = {"what": "same", "access": "read-only"}
    assert change(browser, made.id, **{**as_now, **chosen}).to.startswith("/account/confirm")
    assert small_house.stored() == [made]
    assert change(browser, made.id, **as_now).status == 200
    assert small_house.stored() == [made]


def test_employees_only_is_read_only(small_house: House) -> None:
    browser, made = small_house.signed_in(), small_house.issue(scopes=BOTH)
    assert change(browser, made.id, what="employees").status == 200
    [now] = small_house.stored()
    assert (now.scopes, now.collections, now.access) == ({Scope.CONTACTS}, {EMPLOYEES}, Access.READ_ONLY)
    assert change(browser, made.id, what="same", access="read-write").status == 200
    assert small_house.stored() == [now]


@pytest.mark.parametrize(
    "wrong", [{"what": "everything"}, {"access": "admin"}, {"ends": "7"}, {"ends": ""}, {"what": ""}]
)
def test_choices_that_the_form_does_not_offer_change_nothing(small_house: House, wrong: dict[str, str]) -> None:
    browser, made = small_house.signed_in(), small_house.issue()
    assert change(browser, made.id, **wrong).status == 422
    assert small_house.stored() == [made]


def test_one_that_has_ended_comes_back_only_where_there_is_room(small_house: House) -> None:
    browser = small_house.signed_in()
    made = small_house.issue(expires_at=Moment(small_house.clock.now + 1))
    small_house.clock.advance(1)
    others = [small_house.issue() for _ in range(MOST_LIVE)]
    refused = change(browser, made.id, what="calendar", ends="0")
    assert refused.status == 422
    assert "Nothing was changed" in refused.text
    small_house.services.revocation.revoke([others[0].id], by="ana", why="test")
    assert change(browser, made.id, what="calendar", ends="0").status == 200


def test_anothers_and_deleted_ones_cannot_be_changed(small_house: House) -> None:
    browser, theirs, gone = small_house.signed_in(), small_house.issue("ben"), small_house.issue()
    small_house.services.revocation.revoke([gone.id], by="ana", why="test")
    word = browser.get(LIST).field("csrf")
    for each in (theirs.id, gone.id, "zzzzz"):
        assert browser.get(f"{LIST}/{each}/change").status == 404
        wish = {"csrf": word, "what": "both", "access": "read-write", "ends": "same"}
        assert browser.post(f"{LIST}/{each}/change", wish).status == 404
    assert small_house.stored("ben") == [theirs]
