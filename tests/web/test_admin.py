"""Administration: the search, its pages, the plots and the trial of a rule."""

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import update

from dav_gateway.core.client_family import FamilyPolicy
from dav_gateway.core.credential import Service
from dav_gateway.core.moment import DAY, HOUR, MINUTE, Moment
from dav_gateway.core.scope import Scope
from dav_gateway.store.credentials import UseNote, note_use
from dav_gateway.store.database import Database
from dav_gateway.store.schema import credential

from .conftest import House
from .test_devices import DAVX5, EVOLUTION, come, made

SHOWN = 50


def rows(text: str) -> list[str]:
    """The comments of the app passwords on the page."""
    return re.findall(r'<span class="soft">\u2068([^<\u2069]*)\u2069, <span class="mono">', text)


def test_the_search_has_words_a_device_and_a_state(small_house: House) -> None:
    for label, service in (("Uno", Service.IPHONE), ("Dos", Service.ANDROID), ("Tres", Service.ANDROID)):
        small_house.issue("ben", label=label, service=service)
    used = small_house.issue("ben", label="Cuatro", service=Service.OTHER)
    with small_house.services.database.write() as connection:
        note_use(connection, [UseNote(used.id, small_house.clock(), "192.0.2.1", DAVX5)])
    admin = small_house.signed_in()

    def found(query: str) -> set[str]:
        return set(rows(admin.get(f"/admin?{query}").text))

    assert found("") == {"Uno", "Dos", "Tres", "Cuatro"}
    assert found("device=android") == {"Dos", "Tres"}
    assert found("q=DOS&device=android") == {"Dos"}
    assert found("state=working") == {"Cuatro"}
    assert found("state=quiet&device=iphone") == {"Uno"}
    assert found("state=look") == set()
    assert found("device=fax&state=everything&page=-1&people=x") == {"Uno", "Dos", "Tres", "Cuatro"}
    assert found("page=9999999999999999999999") == {"Uno", "Dos", "Tres", "Cuatro"}
    assert found("page=7") == set()


def test_long_lists_turn_pages_and_keep_the_search(small_house: House) -> None:
    for number in range(SHOWN + 3):
        small_house.services.accounts.add(name=f"p{number:02}", email=f"p{number}@nogal.example", by="test")
        small_house.issue(f"p{number:02}", label=f"Phone {number}")
    admin = small_house.signed_in()
    first = admin.get("/admin?q=phone").text
    assert len(rows(first)) == SHOWN
    assert "1 to 50 of 53" in first
    assert 'href="/admin?q=phone&amp;page=1#h-devices"' in first
    second = admin.get("/admin?q=phone&page=1").text
    assert "51 to 53 of 53" in second
    assert len(set(rows(first)) | set(rows(second))) == SHOWN + 3
    assert len(re.findall(r'href="/admin/people/', first)) == SHOWN
    assert len(re.findall(r'href="/admin/people/', admin.get("/admin?people=1").text)) == 5


def test_the_plots_say_what_the_rows_say(small_house: House) -> None:
    clock = small_house.clock
    old, gone, ended = (small_house.issue("ben") for _ in range(3))
    with small_house.services.database.write() as connection:
        for each, back in ((old, 200), (gone, 200), (ended, 200)):
            statement = update(credential).where(credential.c.id == each.id)
            connection.execute(statement.values(created_at=clock() - back * DAY))
        dead = {gone.id: {"revoked_at": clock() - 100 * DAY}, ended.id: {"expires_at": clock() - 40 * DAY}}
        for each_id, values in dead.items():
            connection.execute(update(credential).where(credential.c.id == each_id).values(**values))
        note_use(connection, [UseNote(old.id, Moment(clock() - DAY), "192.0.2.1", DAVX5)])
    new = small_house.issue("ben")
    assert new.revoked_at is None
    password, _ = made(small_house, "Tablet")
    assert come(small_house, password, DAVX5, "192.0.2.1")
    assert not come(small_house, password, EVOLUTION, "192.0.2.1")
    clock.advance(MINUTE)
    text = small_house.signed_in().get("/admin").text
    descriptions = re.findall(r"<desc[^>]*>([^<]*)</desc>", text)
    assert [int(each.rpartition(": ")[2]) for each in descriptions[0].split(", ")] == [0] * 5 + [3, 3, 3, 2, 2, 1, 3]
    assert descriptions[1:] == ["DAVx5: 2", "Another kind of program: 1"]
    for drawn in re.findall(r"<svg viewBox.*?</svg>", text, re.DOTALL):
        for each in ET.fromstring(drawn).iter():
            for name in ("x", "y", "cx", "cy", "width"):
                assert 0 <= float(each.get(name, "0")) <= 280


def test_an_empty_company_has_empty_plots(small_house: House) -> None:
    text = small_house.signed_in().get("/admin").text
    assert text.count("Nothing yet.") == 2
    assert "passwords go on as before" in text


@pytest.mark.parametrize("policy", [FamilyPolicy.WARN, FamilyPolicy.OFF])
def test_a_rule_is_tried_on_what_was_seen(
    sqlite_database: Database, found_house: Callable[..., House], policy: FamilyPolicy
) -> None:
    house = found_house(sqlite_database, family_policy=policy)
    password, _ = made(house, "Shared")
    single, _ = made(house, "Single")
    made(house, "Unused")
    for text, agent in ((password, DAVX5), (password, EVOLUTION), (single, DAVX5)):
        assert come(house, text, agent, "192.0.2.1")
        house.clock.advance(2 * HOUR)
    shown = house.signed_in().get("/admin").text
    assert re.findall(r"<dt>([^<]*)</dt><dd>(\d+)</dd>", shown) == [
        ("password goes on as before", "1"),
        ("would have been refused", "1"),
        ("not used, cannot tell", "1"),
    ]
    assert "mailto:?bcc=ana%40nogal.example" in shown
    assert "client_family" in shown
    house.clock.advance(31 * DAY)
    assert "mailto:" not in house.signed_in().get("/admin").text


def test_a_rule_that_is_on_says_what_it_refused(small_house: House) -> None:
    password, _ = made(small_house, "Shared")
    assert come(small_house, password, DAVX5, "192.0.2.1")
    small_house.clock.advance(HOUR)
    assert not come(small_house, password, EVOLUTION, "192.0.2.1")
    small_house.services.usage.flush(everything=True)
    shown = small_house.signed_in().get("/admin").text
    assert "One kind of program for each password: on" in shown
    assert "was tried in another program</dt><dd>1</dd>" in shown
    assert "client_family" not in shown
    assert small_house.issue(scopes=[Scope.CALENDARS]).client_family is None
