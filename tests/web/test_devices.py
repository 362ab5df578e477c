"""Devices: which programs and networks came with each app password, and what came of it."""

import re

from dav_gateway.core import secret
from dav_gateway.core.credential import Credential, Origin, Reason, Service
from dav_gateway.core.moment import DAY, HOUR, MINUTE
from dav_gateway.core.scope import Scope
from dav_gateway.service.presented import Granted, Presented

from .conftest import House

DAVX5 = "DAVx5/4.5.1-ose (at.bitfire.davdroid)"
EVOLUTION = "Evolution/3.46.4"
HERE = "/account/devices"


def come(house: House, password: str, agent: str, address: str) -> bool:
    """One request of a device, written down."""
    presented = Presented("ana", secret.parse(password), address, agent, "r")
    with house.services.database.read() as connection:
        verdict = house.services.verification.verify(connection, presented)
    if isinstance(verdict, Granted):
        house.services.usage.used(verdict.grant, presented)
    house.services.usage.flush()
    return isinstance(verdict, Granted)


def made(house: House, label: str) -> tuple[str, Credential]:
    wish = {"service": Service.OTHER, "scopes": [Scope.CALENDARS], "label": label}
    password, credential = house.services.issuing.issue("ana", origin=Origin.CLI, actor="t", **wish)  # type: ignore[arg-type]
    return password.reveal(), credential


def places(text: str) -> list[list[str]]:
    """The words of each row of the tables."""
    rows = re.findall(r'<tr role="row"><th role="rowheader".*?</tr>', text, re.DOTALL)
    told = [re.sub(r"<[^>]*>", "|", row) for row in rows]
    return [[part.strip("\u2068\u2069 ") for part in row.split("|") if part.strip("\u2068\u2069 ")] for row in told]


def test_each_program_and_network_is_told_with_what_came_of_it(house: House) -> None:
    browser = house.signed_in()
    password, _ = made(house, "Tablet")
    assert come(house, password, DAVX5, "192.0.2.7")
    house.clock.advance(2 * HOUR)
    assert come(house, password, DAVX5, "127.0.0.1")
    house.clock.advance(2 * HOUR)
    assert not come(house, password, EVOLUTION, "2001:db8::1")
    house.clock.advance(MINUTE)
    shown = browser.get(HERE)
    assert shown.status == 200
    found = [[part for part in row if not part.endswith(" seen")] for row in places(shown.text)]
    assert found == [
        ["Evolution", "2001:db8::/64", "1 minute ago", "1 minute ago", "Refused", "Another kind of program"],
        ["DAVx5", "127.0.0.1, this network", "2 hours ago", "2 hours ago", "Synced"],
        ["DAVx5", "192.0.2.7", "4 hours ago", "4 hours ago", "Synced"],
    ]
    house.clock.advance(91 * DAY)
    again = house.signed_in().get(HERE)
    assert [row[:2] for row in places(again.text)] == [["DAVx5", "127.0.0.1, this network"]], "the last use stays"


def test_only_ones_own_and_deleted_ones_that_still_try(house: House) -> None:
    password, mine = made(house, "Old phone")
    house.issue("ben", label="Tableta de Ben")
    assert come(house, password, DAVX5, "192.0.2.7")
    house.services.revocation.revoke([mine.id], by="ana", why="test")
    browser = house.signed_in()
    empty = browser.get(HERE)
    assert "Nothing syncs yet" in empty.text
    assert "Tableta" not in empty.text
    house.clock.advance(MINUTE)
    assert not come(house, password, DAVX5, "192.0.2.7")
    shown = browser.get(HERE)
    assert "Old phone" in shown.text
    assert "Deleted device still trying" in shown.text
    assert f"/{mine.id}/delete" not in shown.text


def test_a_hostile_program_name_is_text(small_house: House) -> None:
    password, _ = made(small_house, "<b>x</b>")
    assert come(small_house, password, "Fre<script>/1.0", "192.0.2.7")
    text = small_house.signed_in().get(HERE).text
    assert "<script>" not in text.replace('<script src="/static', "")
    assert "<b>x</b>" not in text


def test_a_password_that_is_tried_everywhere_stays_a_short_page(small_house: House) -> None:
    password, _ = made(small_house, "Tablet")
    for number in range(20):
        come(small_house, password, DAVX5, f"192.0.2.{number}")
        small_house.clock.advance(HOUR)
    text = small_house.signed_in().get(HERE).text
    assert len(places(text)) == 12
    assert "8 older ones are not shown" in text


def test_a_reason_for_every_refusal_has_words(small_house: House) -> None:
    password, credential = made(small_house, "Tablet")
    presented = Presented("ana", secret.parse(password), "192.0.2.7", DAVX5, "r")
    told = set(Reason) - {Reason.STORE, Reason.OVERLOADED, Reason.NO_CREDENTIALS, Reason.MALFORMED}
    for reason in told:
        small_house.services.usage.refused(credential.id, reason, presented)
    small_house.services.usage.flush()
    assert all(row[-1] != "Refused" for row in places(small_house.signed_in().get(HERE).text))
