"""Thunderbird, the real one: from the address alone to a deleted event, and every kind of password and of trouble.

A person has one app password for calendars and one for contacts. Thunderbird keeps saved passwords by address, realm
and user name, so two for one address need two user names: the account's name and its e-mail.
"""

import time
from collections.abc import Callable, Iterator

import pytest
import thunderbird
from bodies import card, event
from live_gateway import AppPassword, Gateway
from remote import Remote
from thunderbird import Thunderbird

pytestmark = pytest.mark.xdist_group("thunderbird")

NAME, MAIL = "ana", "ana@nogal.example"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0"
PROMPT = "chrome://global/content/commonDialog.xhtml"
CONFLICT = "chrome://calendar/content/calendar-conflicts-dialog.xhtml"
NOT_WRITTEN = "chrome://calendar/content/calendar-error-prompt.xhtml"
KEEP_THEIRS = CANCEL = {"accept": False}
KEEP_MINE = {"accept": True}
REFRESHES = 60
PATHS = {"calendars": "calendars/calendar/", "contacts": "contacts/contacts/"}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Thunderbird]:
    with thunderbird.running(tmp_path_factory.mktemp("thunderbird")) as bird:
        yield bird


@pytest.fixture
def bird(gateway: Gateway, started: Thunderbird) -> Iterator[Thunderbird]:
    """Thunderbird without calendars, address books and saved passwords; it asks nobody but the gateway for anything."""
    started.forget_all()
    yield started
    assert set(started.origins()) <= {gateway.origin}


@pytest.fixture(scope="module")
def passwords(passwords_for):
    return passwords_for(NAME, service="thunderbird")


@pytest.fixture
def calendar(gateway: Gateway, passwords) -> Iterator[Remote]:
    yield from emptied(gateway, passwords, "calendars")


@pytest.fixture
def book(gateway: Gateway, passwords) -> Iterator[Remote]:
    yield from emptied(gateway, passwords, "contacts")


def emptied(gateway: Gateway, passwords, home: str) -> Iterator[Remote]:
    remote = Remote(gateway, getattr(passwords, home), f"/dav/{passwords.account}/{PATHS[home]}", AGENT)
    for name in remote.names():
        remote.remove(name)
    yield remote
    remote.close()


def find_calendars(bird: Thunderbird, gateway: Gateway, password: AppPassword) -> object:
    """The window "New calendar", On the network; the calendars that are found are subscribed to and filled."""
    found = bird.find_calendars(NAME, password.text, gateway.origin)
    assert shown(bird) == []
    return found


def find_books(bird: Thunderbird, gateway: Gateway, password: AppPassword) -> object:
    """The window "New CardDAV address book", which asks for the password in a prompt; likewise."""
    bird.will_answer({"accept": True, "user": MAIL, "password": password.text})
    found = bird.find_books(MAIL, gateway.origin)
    assert shown(bird) == [PROMPT]
    return found


def set_up_and_revoke(
    bird: Thunderbird, gateway: Gateway, scope: str, find: Callable[[Thunderbird, Gateway, AppPassword], object]
) -> None:
    """Sign in with a password of its own, which is revoked then; the requests so far are forgotten."""
    password = gateway.issue(NAME, scope, service="thunderbird")
    find(bird, gateway, password)
    gateway.revoke(password)
    bird.requests()


def shown(bird: Thunderbird) -> list[str]:
    """The windows that opened since the last time."""
    return [each["address"] for each in bird.dialogs()]


def users(bird: Thunderbird) -> list[str]:
    """The user names whose passwords are saved."""
    return sorted(user for _, _, user in bird.logins())


def refusals(bird: Thunderbird) -> list[tuple[str, int, str]]:
    """Every request since the last time that sent credentials: method, status, user name."""
    return [(each.method, each.status, each.user) for each in bird.requests() if each.authorized]


def without_repetition(said: list[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
    """On a busy machine Thunderbird tries the saved password twice: as it remembers it, and as it is saved."""
    return said[1:] if said[:2] == [said[0]] * 2 and said[0][2] else said


def test_calendars_from_the_address_alone(gateway, bird, passwords, calendar):
    calendar.put("theirs.ics", event("theirs", "Theirs"))
    home = f"/dav/{NAME}/calendars/"
    assert find_calendars(bird, gateway, passwords.calendars) == {
        f"{home}calendar/": ["caldav", "Calendar"],
        f"{home}tasks/": ["caldav", "Tasks"],
    }, "and no ICS file at the address that was typed"
    assert bird.items(calendar.path) == {"theirs": "Theirs"}
    assert bird.logins() == [[gateway.origin, "dav-gateway", NAME]]


def test_address_books_from_the_address_alone(gateway, bird, passwords, book):
    book.put("theirs.vcf", card("theirs", "Mila Nováková"))
    home = f"/dav/{NAME}/contacts/"
    assert find_books(bird, gateway, passwords.contacts) == {
        f"{home}contacts/": "Contacts",
        f"{home}employees/": "Employees",
    }
    assert bird.cards(book.path) == {"theirs": "Mila Nováková"}
    assert bird.logins() == [[gateway.origin, "dav-gateway", MAIL]]


def test_both_are_there_after_a_new_start(gateway, bird, passwords, calendar, book):
    find_calendars(bird, gateway, passwords.calendars)
    find_books(bird, gateway, passwords.contacts)
    bird.forget_session()
    calendar.put("theirs.ics", event("theirs", "Theirs"))
    book.put("theirs.vcf", card("theirs", "Mila Nováková"))
    bird.refresh(calendar.path)
    assert bird.sync_book(book.path) == ""
    assert bird.items(calendar.path) == {"theirs": "Theirs"}
    assert bird.cards(book.path) == {"theirs": "Mila Nováková"}
    assert shown(bird) == []


def test_the_life_of_an_event(gateway, bird, passwords, calendar):
    calendar.put("theirs.ics", event("theirs", "Theirs"))
    find_calendars(bird, gateway, passwords.calendars)
    bird.add_item(calendar.path, event("mine", "Mine"))
    assert "SUMMARY:Mine\r\n" in calendar.get("mine.ics")
    bird.change_item(calendar.path, "mine", "Changed here")
    assert "SUMMARY:Changed here\r\n" in calendar.get("mine.ics")

    calendar.put("mine.ics", event("mine", "Changed there"))
    calendar.remove("theirs.ics")
    bird.refresh(calendar.path)
    assert bird.items(calendar.path) == {"mine": "Changed there"}

    bird.delete_item(calendar.path, "mine")
    assert calendar.names() == set()
    assert bird.items(calendar.path) == {}
    assert shown(bird) == []


def test_conflicts_about_an_event(gateway, bird, passwords, calendar):
    calendar.put("both.ics", event("both", "First"))
    find_calendars(bird, gateway, passwords.calendars)

    calendar.put("both.ics", event("both", "Changed there"))
    bird.will_answer(KEEP_THEIRS)
    bird.change_item(calendar.path, "both", "Changed here")
    assert shown(bird) == [CONFLICT]
    assert bird.items(calendar.path) == {"both": "Changed there"}
    assert calendar.get("both.ics") == event("both", "Changed there")

    calendar.put("both.ics", event("both", "Changed there again"))
    bird.will_answer(KEEP_MINE)
    bird.change_item(calendar.path, "both", "Changed here again")
    assert shown(bird) == [CONFLICT]
    assert bird.items(calendar.path) == {"both": "Changed here again"}
    assert "SUMMARY:Changed here again\r\n" in calendar.get("both.ics")

    calendar.put("both.ics", event("both", "Not to be deleted"))
    bird.will_answer(KEEP_THEIRS)
    bird.delete_item(calendar.path, "both")
    assert shown(bird) == [CONFLICT]
    bird.refresh(calendar.path)
    assert bird.items(calendar.path) == {"both": "Not to be deleted"}
    assert calendar.get("both.ics") == event("both", "Not to be deleted")


def test_the_life_of_a_card(gateway, bird, passwords, book):
    book.put("theirs.vcf", card("theirs"))
    find_books(bird, gateway, passwords.contacts)
    assert bird.add_card(book.path, card("mine", "Tomás Ó Briain", "4.0")) == ""
    assert "FN:Tomás Ó Briain\r\n" in book.get("mine.vcf")
    assert bird.change_card(book.path, "mine", "Changed here") == ""
    assert "FN:Changed here\r\n" in book.get("mine.vcf")

    book.put("mine.vcf", card("mine", "Changed there"))
    book.remove("theirs.vcf")
    assert bird.sync_book(book.path) == ""
    assert bird.cards(book.path) == {"mine": "Changed there"}

    book.put("mine.vcf", card("mine", "Changed there again"))
    assert bird.change_card(book.path, "mine", "The last word") == "", "Thunderbird sends no If-Match for cards"
    assert "FN:The last word\r\n" in book.get("mine.vcf")
    assert bird.delete_card(book.path, "mine") == ""
    assert book.names() == set()
    assert bird.sync_book(book.path) == ""
    assert bird.cards(book.path) == {}
    assert shown(bird) == []


def test_the_wrong_password_of_the_two_finds_nothing(gateway, bird, passwords):
    assert find_calendars(bird, gateway, passwords.contacts) == "NoneFoundError"
    assert isinstance(find_books(bird, gateway, passwords.calendars), str), "the text of an error"
    assert {each.status for each in bird.requests() if each.authorized} == {207, 405}, "405 is its PUT"
    assert users(bird) == [NAME], "refused as a password it would have been removed again"


def test_the_wrong_password_of_the_two_takes_nothing_away(gateway, bird, passwords, calendar, book):
    calendar.put("kept.ics", event("kept", "Kept"))
    book.put("kept.vcf", card("kept", "Kept"))
    find_calendars(bird, gateway, passwords.calendars)
    find_books(bird, gateway, passwords.contacts)
    bird.save_password(NAME, passwords.contacts.text)
    bird.save_password(MAIL, passwords.calendars.text)
    bird.forget_session()
    bird.requests()
    bird.refresh(calendar.path)
    assert "403" in bird.sync_book(book.path)
    assert {status for _, status, _ in refusals(bird)} == {403}
    assert users(bird) == [NAME, MAIL]
    assert bird.items(calendar.path) == bird.cards(book.path) == {"kept": "Kept"}

    bird.save_password(NAME, passwords.calendars.text)
    bird.save_password(MAIL, passwords.contacts.text)
    bird.forget_session()
    calendar.put("kept.ics", event("kept", "Changed there"))
    book.put("kept.vcf", card("kept", "Changed there"))
    bird.refresh(calendar.path)
    assert bird.sync_book(book.path) == ""
    assert bird.items(calendar.path) == bird.cards(book.path) == {"kept": "Changed there"}
    assert not bird.disabled(calendar.path)
    assert shown(bird) == []


def test_a_revoked_password_of_calendars_is_asked_for_anew(gateway, bird, passwords, calendar):
    calendar.put("kept.ics", event("kept", "Kept"))
    set_up_and_revoke(bird, gateway, "calendars", find_calendars)
    bird.start_refresh(calendar.path)
    assert bird.open_dialog() == PROMPT
    assert without_repetition(refusals(bird)) == [("REPORT", 401, NAME), ("REPORT", 401, "")]
    assert users(bird) == []
    assert bird.items(calendar.path) == {"kept": "Kept"}

    calendar.put("kept.ics", event("kept", "Changed there"))
    bird.answer({"accept": True, "user": NAME, "password": passwords.calendars.text})
    bird.refreshed()
    assert bird.items(calendar.path) == {"kept": "Changed there"}
    assert users(bird) == [NAME]
    assert shown(bird) == [PROMPT]


def test_a_prompt_that_is_refused_does_not_come_back(gateway, bird, passwords, calendar):
    calendar.put("kept.ics", event("kept", "Kept"))
    set_up_and_revoke(bird, gateway, "calendars", find_calendars)
    bird.start_refresh(calendar.path)
    for _ in range(2):  # after a 4xx it asks once more without its sync token
        assert bird.open_dialog() == PROMPT
        bird.answer(CANCEL)
    bird.refreshed()
    assert shown(bird) == [PROMPT, PROMPT]
    said = [(each.method, each.status, each.user) for each in bird.requests()]
    assert without_repetition(said) == [("REPORT", 401, NAME), ("REPORT", 401, ""), ("REPORT", 401, "")]
    assert bird.items(calendar.path) == {"kept": "Kept"}
    assert not bird.disabled(calendar.path)


def test_a_revoked_password_of_contacts(gateway, bird, passwords, book):
    """Thunderbird says nothing as long as the password is saved; without it the prompt comes."""
    book.put("kept.vcf", card("kept", "Kept"))
    set_up_and_revoke(bird, gateway, "contacts", find_books)
    assert bird.sync_book(book.path) == "Authorization failure"
    assert refusals(bird) == [("REPORT", 401, MAIL)] * 2, "once more with the password that is saved"
    assert shown(bird) == []
    assert bird.cards(book.path) == {"kept": "Kept"}

    bird.remove_passwords()
    bird.forget_session()
    book.put("kept.vcf", card("kept", "Changed there"))
    bird.start_sync_book(book.path)
    assert bird.open_dialog() == PROMPT
    bird.answer({"accept": True, "user": MAIL, "password": passwords.contacts.text})
    assert bird.refreshed() == ""
    assert bird.cards(book.path) == {"kept": "Changed there"}
    assert users(bird) == [MAIL]


def test_events_outlive_a_server_in_trouble(gateway, bird, passwords, calendar):
    calendar.put("kept.ics", event("kept", "Kept"))
    calendar.put("gone.ics", event("gone"))
    find_calendars(bird, gateway, passwords.calendars)
    bird.requests()
    with gateway.out_of_order():
        bird.add_item(calendar.path, event("mine", "Mine"))
        bird.change_item(calendar.path, "kept", "Changed here")
        bird.delete_item(calendar.path, "gone")
        assert refusals(bird) == [("PUT", 503, NAME), ("PUT", 503, NAME), ("DELETE", 503, NAME)]
    assert bird.items(calendar.path) == {"kept": "Changed here", "mine": "Mine"}
    assert calendar.names() == {"kept.ics", "gone.ics"}

    bird.refresh(calendar.path)
    assert calendar.names() == {"kept.ics", "mine.ics"}
    assert "SUMMARY:Changed here\r\n" in calendar.get("kept.ics")
    assert bird.items(calendar.path) == {"kept": "Changed here", "mine": "Mine"}
    assert users(bird) == [NAME]
    assert shown(bird) == [NOT_WRITTEN], "once, about what was to be deleted"


def test_a_sync_of_events_outlives_a_server_in_trouble(gateway, bird, passwords, calendar):
    calendar.put("kept.ics", event("kept", "Kept"))
    find_calendars(bird, gateway, passwords.calendars)
    bird.requests()
    with gateway.out_of_order():
        bird.refresh(calendar.path)
        assert refusals(bird) == [("REPORT", 503, NAME)]
    assert bird.items(calendar.path) == {"kept": "Kept"}
    calendar.put("kept.ics", event("kept", "Changed there"))
    bird.refresh(calendar.path)
    assert bird.items(calendar.path) == {"kept": "Changed there"}
    assert not bird.disabled(calendar.path)
    assert users(bird) == [NAME]
    assert shown(bird) == []


def test_events_outlive_a_refresh_that_failed_before_them(gateway, bird, passwords, calendar):
    """The first refresh afterwards sends the new event and never ends; the next one sends the rest."""
    calendar.put("kept.ics", event("kept", "Kept"))
    find_calendars(bird, gateway, passwords.calendars)
    with gateway.out_of_order():
        bird.refresh(calendar.path)
        bird.add_item(calendar.path, event("mine", "Mine"))
        bird.change_item(calendar.path, "kept", "Changed here")
    for _ in range(REFRESHES):
        bird.start_refresh(calendar.path)
        time.sleep(0.25)
        if "SUMMARY:Changed here\r\n" in calendar.get("kept.ics"):
            break
    assert calendar.names() == {"kept.ics", "mine.ics"}
    assert "SUMMARY:Changed here\r\n" in calendar.get("kept.ics")
    assert bird.items(calendar.path) == {"kept": "Changed here", "mine": "Mine"}
    assert users(bird) == [NAME]
    assert shown(bird) == []


def test_cards_outlive_a_server_in_trouble(gateway, bird, passwords, book):
    """Thunderbird does not send again by itself what was answered 503: the next change of the card takes it along."""
    book.put("kept.vcf", card("kept", "Kept"))
    book.put("gone.vcf", card("gone"))
    find_books(bird, gateway, passwords.contacts)
    bird.requests()
    with gateway.out_of_order():
        assert "503" in bird.sync_book(book.path)
        assert "503" in bird.add_card(book.path, card("mine", "Mine", "4.0"))
        assert bird.delete_card(book.path, "gone") == "", "which it does not look at"
        assert refusals(bird) == [("REPORT", 503, MAIL), ("PUT", 503, MAIL), ("DELETE", 503, MAIL)]
    book.put("kept.vcf", card("kept", "Changed there"))
    assert bird.sync_book(book.path) == ""
    assert bird.cards(book.path) == {"kept": "Changed there", "mine": "Mine"}
    assert bird.change_card(book.path, "mine", "Still mine") == ""
    assert "FN:Still mine\r\n" in book.get("mine.vcf")
    assert book.names() == {"kept.vcf", "gone.vcf", "mine.vcf"}
    assert users(bird) == [MAIL]
    assert shown(bird) == []
