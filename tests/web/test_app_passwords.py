"""The list, making, and everything that can be done to one app password."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from dav_gateway.bus.protocol import Acknowledgement, How
from dav_gateway.core import secret
from dav_gateway.core.credential import Service
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.service.presented import Granted, Presented
from dav_gateway.service.receipts import Receipt
from dav_gateway.service.shown_again import LIFETIME
from dav_gateway.store import audit, credentials
from dav_gateway.store.credentials import RefusalNote, UseNote
from dav_gateway.store.identity_tables import ceremony
from dav_gateway.store.schema import metadata
from dav_gateway.web.receipts import told

from .conftest import LIST, House

HOW: tuple[How, ...] = ("cut", "ended", "lapsed")
HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "%(name)s %s", "\u202egnp.exe"]


def test_only_who_said_so_has_confirmed() -> None:
    """A process that has ended, or has no right to serve any more, has said nothing."""
    said = tuple(Acknowledgement(how, how, 0.01, {}) for how in HOW)
    assert told(Receipt(("k7mqx",), Moment(1), Moment(2), 1, 0, said)).processes == 1


def verify(house: House, password: str, agent: str = "Evolution/3.46.4") -> object:
    presented = Presented("ana", secret.parse(password), "127.0.0.1", agent, "r")
    with house.services.database.read() as connection:
        return house.services.verification.verify(connection, presented)


@pytest.mark.parametrize(
    ("what", "scopes", "collections"),
    [
        ("calendar", {Scope.CALENDARS}, None),
        ("contacts", {Scope.CONTACTS}, None),
        ("employees", {Scope.CONTACTS}, {"employees"}),
        ("both", {Scope.CALENDARS, Scope.CONTACTS}, None),
    ],
)
def test_what_is_chosen_is_what_is_made(small_house: House, what: str, scopes: set[Scope], collections: object) -> None:
    browser = small_house.signed_in()
    shown = browser.make(what=what, where="evolution", comment="Portátil", access="read-only", ends="30")
    assert shown.status == 200
    [made] = small_house.stored()
    assert (made.scopes, made.collections) == (scopes, collections)
    assert (made.service, made.access, made.label) == (Service.EVOLUTION, Access.READ_ONLY, "Portátil")
    assert made.expires_at == small_house.clock.now + 30 * DAY
    assert isinstance(verify(small_house, shown.password), Granted)
    assert f"http://127.0.0.1:{small_house.port}/dav/" in shown.text


def test_the_password_is_shown_once_and_kept_nowhere(house: House) -> None:
    browser = house.signed_in()
    form = browser.get(f"{LIST}/new")
    fields = {"csrf": form.field("csrf"), "form": form.field("form"), "what": "calendar", "where": "other",
              "comment": "x", "access": "read-write", "ends": "0"}  # fmt: skip
    shown = browser.post(f"{LIST}/new", fields)
    secret = shown.password.replace("-", "")[5:]
    assert shown.headers["cache-control"] == "no-store"
    stored = everything(house)
    assert secret.encode() not in stored
    assert shown.password.encode() not in stored
    house.clock.advance(LIFETIME)
    again = browser.post(f"{LIST}/new", fields)
    assert again.status == 409
    assert shown.password not in again.text
    assert len(house.stored()) == 1
    [made] = house.stored()
    for path in (LIST, f"{LIST}/{made.id}", f"{LIST}/{made.id}/live", "/account/security", "/admin"):
        text = browser.get(path).text.replace("-", "")
        assert secret not in text
    assert secret not in house.log.getvalue().replace("-", "")


def test_a_double_click_makes_one(house: House) -> None:
    browser = house.signed_in()
    form = browser.get(f"{LIST}/new")
    fields = {"csrf": form.field("csrf"), "form": form.field("form"), "what": "both", "where": "outlook",
              "comment": "", "access": "read-write", "ends": "0"}  # fmt: skip
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: browser.post(f"{LIST}/new", fields), range(4)))
    assert {each.status for each in found} == {200}
    assert len({each.password for each in found}) == 1, "whichever answer the browser shows, it is the password"
    [made] = house.stored()
    assert made.label == "Ana's Outlook"
    assert made.id == found[0].password[:5]


def test_the_second_click_shows_it_to_the_same_person_for_seconds(house: House) -> None:
    browser, ben = house.signed_in(), house.signed_in("ben")
    form = browser.get(f"{LIST}/new")
    fields = {"csrf": form.field("csrf"), "form": form.field("form"), "what": "both", "where": "outlook",
              "comment": "", "access": "read-write", "ends": "0"}  # fmt: skip
    first = browser.post(f"{LIST}/new", fields)
    theirs = ben.post(f"{LIST}/new", {**fields, "csrf": ben.get(LIST).field("csrf")})
    assert theirs.status == 400
    assert first.password not in theirs.text
    kept = house.services.forms.shown_again
    assert kept.look(fields["form"], house.services.accounts.get("ben")) is None
    assert kept.look(fields["form"][:8], house.ana) is None
    house.clock.advance(LIFETIME - 1)
    assert browser.post(f"{LIST}/new", fields).password == first.password
    with house.services.database.read() as connection:
        shown = [each.detail for each in audit.select(connection) if each.event == "shown"]
    assert shown == [{"again": True}, {}]
    house.services.forms.shown_again.sweep()
    with house.services.database.read() as connection:
        assert connection.execute(select(ceremony)).first() is not None
    house.clock.advance(1)
    house.services.forms.shown_again.sweep()
    with house.services.database.read() as connection:
        assert connection.execute(select(ceremony)).first() is None
    assert browser.post(f"{LIST}/new", fields).status == 409


def test_one_that_was_not_seen_is_replaced_in_one_click(house: House) -> None:
    browser = house.signed_in()
    form = browser.get(f"{LIST}/new")
    fields = {"csrf": form.field("csrf"), "form": form.field("form"), "what": "calendar", "where": "outlook",
              "comment": "PC", "access": "read-only", "ends": "30"}  # fmt: skip
    first = browser.post(f"{LIST}/new", fields)
    house.clock.advance(LIFETIME)
    late = browser.post(f"{LIST}/new", fields)
    [unseen] = house.stored()
    click = {"csrf": late.field("csrf"), "form": late.field("form")}
    again = browser.post(f"{LIST}/{unseen.id}/again", click)
    twice = browser.post(f"{LIST}/{unseen.id}/again", click)
    assert (again.status, twice.status) == (200, 200)
    assert again.password == twice.password != first.password
    assert "The old password works until" not in again.text + twice.text
    old, new = sorted(house.stored(), key=lambda each: each.id != unseen.id)
    assert old.revoked_at is not None
    assert (new.label, new.scopes, new.access, new.expires_at) == ("PC", old.scopes, old.access, old.expires_at)
    assert browser.post(f"{LIST}/{unseen.id}/again", {"csrf": late.field("csrf"), "form": "x"}).status == 404
    house.services.revocation.revoke([new.id], by="ana", why="test")
    gone = browser.post(f"{LIST}/new", fields)
    assert gone.status == 409
    assert "It opens nothing any more" in gone.text


def everything(house: House) -> bytes:
    """Every value of every table."""
    found = []
    with house.services.database.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                found += [each if isinstance(each, bytes) else str(each).encode() for each in row]
    return b"\n".join(found)


@pytest.mark.parametrize(
    "wrong",
    [{"what": "everything"}, {"where": "fax"}, {"access": "write"}, {"ends": "-1"}, {"ends": "99999999"}, {"form": ""}],
)
def test_choices_that_the_form_does_not_offer_make_nothing(small_house: House, wrong: dict[str, str]) -> None:
    assert small_house.signed_in().make(**wrong).status == 400
    assert small_house.stored() == []


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_are_text(small_house: House, label: str) -> None:
    browser = small_house.signed_in()
    shown = browser.make(comment=label)
    if shown.status == 422:
        assert "A comment is one line" in shown.text
        assert "\u202e" not in shown.text.replace('value="', "") or small_house.stored() == []
        return
    [made] = small_house.stored()
    for path in (LIST, f"{LIST}/{made.id}", f"{LIST}/{made.id}/delete", f"{LIST}/lost", "/admin"):
        page = browser.get(path)
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "\u206849" not in page.text


@pytest.mark.parametrize("label", ["x" * 10_000, "a\nb", "a\x00b", "\u202eb"])
def test_impossible_labels_are_refused_in_words(small_house: House, label: str) -> None:
    browser = small_house.signed_in()
    answer = browser.make(comment=label)
    assert answer.status == 422
    assert 'aria-invalid="true"' in answer.text
    assert small_house.stored() == []
    made = small_house.issue(label="before")
    renamed = browser.submit(f"{LIST}/{made.id}", f"{LIST}/{made.id}/rename", comment=label)
    assert renamed.status == 422
    assert small_house.stored()[0].label == "before"


def test_the_twenty_sixth_is_refused_in_words(small_house: House) -> None:
    for _ in range(25):
        small_house.issue()
    answer = small_house.signed_in().make()
    assert answer.status == 422
    assert "25 app passwords in use" in answer.text


def test_an_empty_list_says_what_to_do(small_house: House) -> None:
    browser = small_house.signed_in()
    assert "Nothing syncs yet" in browser.get(LIST).text
    made = small_house.issue()
    assert "Nothing syncs yet" not in browser.get(LIST).text
    small_house.services.revocation.revoke([made.id], by="ana", why="test")
    assert "Nothing syncs yet" in browser.get(LIST).text


def test_rename_pause_resume_and_allow(house: House) -> None:
    browser, made = house.signed_in(), house.issue(service=Service.IPHONE, label="old")
    one = f"{LIST}/{made.id}"
    assert browser.submit(one, f"{one}/rename", comment="new").status == 303
    assert browser.submit(one, f"{one}/pause").status == 303
    [stored] = house.stored()
    assert stored.label == "new"
    assert stored.paused_at is not None
    assert "Paused" in browser.get(LIST).text
    assert browser.submit(one, f"{one}/resume").status == 303
    assert browser.submit(one, f"{one}/accept-new-device").status == 303
    [stored] = house.stored()
    assert (stored.paused_at, stored.client_family) == (None, None)


def test_replacing_shows_a_new_one_and_the_old_goes_on(house: House) -> None:
    browser = house.signed_in()
    old = browser.make().password
    [made] = house.stored()
    shown = browser.submit(f"{LIST}/{made.id}/rotate")
    assert shown.status == 200
    assert shown.password != old
    assert isinstance(verify(house, old), Granted)
    assert isinstance(verify(house, shown.password), Granted)
    assert not isinstance(verify(house, old), Granted), "the new one was seen"


def test_delete_asks_shows_a_receipt_and_then_how_to_clean_up(house: House) -> None:
    browser, made = house.signed_in(), house.issue(service=Service.ANDROID, label="Móvil")
    one = f"{LIST}/{made.id}"
    assert "Delete the password of" in browser.get(f"{one}/delete").text
    assert house.stored()[0].revoked_at is None, "a GET changes nothing"
    receipt = browser.submit(f"{one}/delete")
    assert receipt.status == 200
    assert "Stopped at" in receipt.text
    assert "Delete account" in receipt.text
    assert house.stored()[0].revoked_by == "ana"
    assert browser.get(f"{one}/delete").to == f"{one}/removal"
    assert browser.get(one).to == f"{one}/removal"
    assert "Delete account" in browser.get(f"{one}/removal").text
    assert "Móvil" in browser.get(f"{LIST}/deleted").text


def test_a_lost_device_stops_the_chosen_or_everything(house: House) -> None:
    browser = house.signed_in()
    first, second, third = house.issue(), house.issue(), house.issue()
    others = house.issue("ben")
    lost = f"{LIST}/lost"
    assert browser.submit(lost).to == lost, "nothing was chosen"
    assert browser.submit(lost, id=[others.id]).to == lost, "another's is nothing here"
    assert browser.submit(lost, id=[first.id, others.id, first.id]).status == 200
    assert [each.id for each in house.stored() if each.revoked_at] == [first.id]
    assert browser.submit(lost, everything="yes").status == 200
    assert {each.id for each in house.stored() if each.revoked_at} == {first.id, second.id, third.id}
    assert house.stored("ben")[0].revoked_at is None


def test_anothers_app_password_does_not_exist(house: House) -> None:
    browser, theirs = house.signed_in("ben"), house.issue("ana")
    word = browser.get(LIST).field("csrf")
    one = f"{LIST}/{theirs.id}"
    for path in (one, f"{one}/live", f"{one}/delete", f"{one}/rotate", f"{one}/removal", f"{LIST}/zzzzz"):
        assert browser.get(path).status == 404
    for act in ("rename", "pause", "resume", "accept-new-device", "rotate", "delete"):
        assert browser.post(f"{one}/{act}", {"csrf": word, "form": "x", "comment": "y"}).status == 404
    [stored] = house.stored("ana")
    assert (stored.revoked_at, stored.paused_at, stored.label) == (None, None, theirs.label)


def test_states_stand_in_words_and_groups(small_house: House) -> None:
    browser, now = small_house.signed_in(), small_house.clock.now
    house = small_house
    working, stale, tried = house.issue(label="A"), house.issue(label="B"), house.issue(label="C")
    house.issue(label="never")
    gone = house.issue(label="gone")
    house.services.revocation.revoke([gone.id], by="ana", why="test")
    with house.services.database.write() as connection:
        day = now - 94 * DAY
        credentials.note_use(connection, [UseNote(working.id, now, "127.0.0.1", "Evolution/3.46")])
        credentials.note_use(connection, [UseNote(stale.id, day, "192.0.2.9", "Evolution/3.46")])  # type: ignore[arg-type]
        credentials.note_refusal(connection, [RefusalNote(tried.id, now, "mistyped", "4")])
        credentials.note_refusal(connection, [RefusalNote(gone.id, now, "revoked")])
    text = browser.get(LIST).text
    for words in ("Unused for 94 days", "Never used", "mistyped, probably in group 4", "still trying", "Working",
                  "on this network", "4 of 25 in use"):  # fmt: skip
        assert words in text, words
    look, works, quiet = (text.index(f'id="group-{name}"') for name in ("look", "working", "quiet"))
    assert look < text.index(f"/{tried.id}") < works < text.index(f"/{working.id}") < quiet
    assert quiet < text.index(f"/{stale.id}")


def test_the_live_line_says_what_happened_last(house: House) -> None:
    import json

    browser, made = house.signed_in(), house.issue(service=Service.IPHONE)

    def look() -> dict[str, str]:
        found: dict[str, str] = json.loads(browser.get(f"{LIST}/{made.id}/live").text)
        return found

    assert look()["tone"] == "wait"
    house.clock.advance(3000)
    with house.services.database.write() as connection:
        note = RefusalNote(made.id, house.clock.now, "client", "thunderbird")
        credentials.note_refusal(connection, [note])
    house.clock.advance(3000)
    said = look()
    assert said["tone"] == "stop"
    assert said["fact"] == "Refused 3 seconds ago: this is Thunderbird, the password is for iPhone."
    with house.services.database.write() as connection:
        note = RefusalNote(made.id, house.clock.now, "mistyped", "4")
        credentials.note_refusal(connection, [note])
    assert look()["group"] == "4"
    house.clock.advance(1000)
    agent = "iOS/18.4 (22E240) dataaccessd/1.0"
    with house.services.database.write() as connection:
        credentials.note_use(connection, [UseNote(made.id, house.clock.now, "192.0.2.7", agent)])
    house.clock.advance(12_000)
    assert look()["fact"] == "Connected: iPhone, 12 seconds ago."
    with house.services.database.write() as connection:
        credentials.note_refusal(connection, [RefusalNote(made.id, house.clock.now, "scope", "contacts")])
    assert look()["tone"] == "ok", "DAVx5 asks for both services while it works"
