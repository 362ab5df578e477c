"""What people are told by mail, and in which words, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from string import Formatter
from threading import Barrier

import pytest
from tests.automatic.mailing import deliver, mailing, office, rows
from tests.automatic.post_office import PostOffice, text_of
from tests.service.conftest import START, THUNDERBIRD, Company

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import DAY, MINUTE, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.mail.messages import LANGUAGES, catalogue
from dav_gateway.service.mail.notices import REMIND_BEFORE, MailKind, Notices
from dav_gateway.service.services import assemble

__all__ = ["mailing", "office"]


def test_issued(mailing: Company, office: PostOffice) -> None:
    password, credential = mailing.issue(label="Ana's phone", access=Access.READ_ONLY)
    assert deliver(mailing) == 1
    assert deliver(mailing) == 0
    [message] = office.taken
    assert office.recipients == [["ana@nogal.example"]]
    assert message["From"] == "Nogal <calendar@nogal.example>"
    assert message["To"] == "Ana Ruiz <ana@nogal.example>"
    assert message["Subject"] == "New app password: Ana's phone"
    assert message["Auto-Submitted"] == "auto-generated"
    body = text_of(message)
    assert body.startswith("Hello Ana Ruiz,\n\na new app password")
    assert f"    Ana's phone ({credential.id}): calendar, read only\n" in body
    assert "Made: 2026-09-21 14:13 UTC, by: administrator\n" in body
    assert "https://dav.example.com/account/app-passwords\n" in body
    for secret in (password.reveal(), password.reveal("")):
        assert secret not in message.as_string()
        assert secret not in rows(mailing)


def test_in_the_language_of_the_person(mailing: Company, office: PostOffice) -> None:
    mailing.services.accounts.change("ana", by="test", language="es", display_name="Ana Núñez")
    mailing.issue(scopes=list(Scope), label="móvil")
    deliver(mailing)
    [message] = office.taken
    assert message["Subject"] == "Nueva contraseña de aplicación: móvil"
    assert message["Content-Language"] == "es"
    assert text_of(message).startswith("Hola, Ana Núñez:")
    assert "calendario y contactos" in text_of(message)


def test_what_did_not_happen_is_not_told(mailing: Company, office: PostOffice) -> None:
    for _each in range(MOST_LIVE):
        mailing.issue()
    with pytest.raises(Refusal):
        mailing.issue(label="one too many")
    assert deliver(mailing) == MOST_LIVE
    assert "one too many" not in str([message.as_string() for message in office.taken])


def test_first_use_is_told_once_and_a_new_client_too(mailing: Company, office: PostOffice) -> None:
    password, credential = mailing.issue(label="laptop")
    deliver(mailing)
    office.taken.clear()
    mailing.verify(password)
    mailing.verify(password, address="203.0.113.1")
    assert deliver(mailing) == 1
    body = text_of(office.taken[0])
    assert office.taken[0]["Subject"] == "First connection: laptop"
    assert "Client: iPhone, iPad\nFrom: 192.0.2.7\n" in body
    mailing.services.issuing.accept_new_client(credential.id, actor="ana")
    mailing.verify(password, user_agent=THUNDERBIRD)
    mailing.verify(password, user_agent=THUNDERBIRD)
    assert deliver(mailing) == 1
    assert "Client: Thunderbird\n" in text_of(office.taken[1])


def test_first_uses_at_once_are_told_once(mailing: Company, office: PostOffice) -> None:
    password, _credential = mailing.issue(service=Service.IPHONE)
    deliver(mailing)
    office.taken.clear()
    together = Barrier(4)

    def use(_number: int) -> None:
        together.wait()
        mailing.verify(password)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    assert deliver(mailing) == 1


def test_who_ends_it_is_not_told_and_the_owner_is(mailing: Company, office: PostOffice) -> None:
    ids = [mailing.issue(label=f"device {number}")[1].id for number in range(4)]
    deliver(mailing)
    office.taken.clear()
    mailing.services.revocation.revoke(ids[:1], by="ana", why="sold")
    assert deliver(mailing) == 0
    mailing.services.revocation.revoke(ids[1:2], by="boss", why="policy")
    mailing.services.revocation.revoke(ids[1:2], by="boss", why="once more")
    mailing.services.revocation.revoke_all("ana", by="boss", why="left")
    assert deliver(mailing) == 2
    one, both = (message["Subject"] for message in office.taken)
    assert one == "Ended by an administrator: device 1"
    assert sorted(both.removeprefix("Ended by an administrator: ").split(", ")) == ["device 2", "device 3"]


def test_a_rotation_is_told_as_a_new_password_only(mailing: Company, office: PostOffice) -> None:
    password, credential = mailing.issue(label="phone")
    mailing.verify(password)
    deliver(mailing)
    office.taken.clear()
    successor, _new = mailing.services.issuing.rotate(credential.id, origin=Origin.PAGE, actor="ana")
    mailing.verify(successor)
    deliver(mailing)
    assert [message["Subject"] for message in office.taken] == ["New app password: phone", "First connection: phone"]


def test_reminders_come_once(mailing: Company, office: PostOffice) -> None:
    end = Moment(START + 30 * DAY)
    mailing.issue(label="contract", expires_at=end)
    mailing.issue(label="visit", expires_at=Moment(START + 3 * DAY))
    gone = mailing.issue(label="gone", expires_at=end)[1].id
    deliver(mailing)
    office.taken.clear()
    mailing.services.revocation.revoke([gone], by="ana", why="sold")
    mailing.clock.advance(30 * DAY - REMIND_BEFORE - 1)
    assert mailing.services.notices.remind(mailing.database, mailing.clock.now) == 0
    mailing.clock.advance(1)
    others = assemble(mailing.database, clock=mailing.clock, profile=CHEAPEST, post=mailing.services.post)
    together = Barrier(2)

    def look(notices: Notices) -> int:
        together.wait()
        return notices.remind(mailing.database, mailing.clock.now)

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(look, [mailing.services.notices, others.notices])) == 1
    mailing.clock.advance(DAY)
    assert mailing.services.notices.remind(mailing.database, mailing.clock.now) == 0
    assert deliver(mailing) == 1
    assert office.taken[0]["Subject"] == "About to expire: contract"
    assert "Ends: 2026-10-21 14:13 UTC\n" in text_of(office.taken[0])


def test_sign_in_and_second_factor(mailing: Company, office: PostOffice) -> None:
    owner, notices, now = mailing.services.accounts.get("ana"), mailing.services.notices, mailing.clock.now
    with mailing.database.write() as connection:
        notices.signed_in(connection, owner, now, client="Firefox on Windows", address="203.0.113.1")
        notices.second_factor(connection, owner, now, on=True, address="203.0.113.1")
        notices.second_factor(connection, owner, now, on=False, address="203.0.113.1")
    assert deliver(mailing) == 3
    assert [message["Subject"] for message in office.taken] == [
        "Sign-in from a new device",
        "Two-step sign-in is on",
        "Two-step sign-in is off",
    ]
    assert "Browser: Firefox on Windows\nFrom: 203.0.113.1\n" in text_of(office.taken[0])


def test_a_reset_link_exists_only_in_the_mail(mailing: Company, office: PostOffice) -> None:
    assert mailing.services.post is not None
    made: list[str] = []

    def link(owner: Account) -> str:
        made.append(f"https://dav.example.com/reset/{owner.name}-{len(made)}")
        return made[-1]

    mailing.services.post.reset_link = link
    with mailing.database.write() as connection:
        mailing.services.notices.password_reset(connection, mailing.services.accounts.get("ana"), mailing.clock.now)
    assert made == []
    assert deliver(mailing) == 1
    assert f"\n{made[0]}\n" in text_of(office.taken[0])
    assert "reset/ana" not in rows(mailing)


def test_a_reset_link_for_who_was_deactivated_meanwhile_is_given_up(mailing: Company, office: PostOffice) -> None:
    """It would be tried for ever, and end each round of deliveries."""
    with mailing.database.write() as connection:
        mailing.services.notices.password_reset(connection, mailing.services.accounts.get("ana"), mailing.clock.now)
    mailing.services.accounts.deactivate("ana", by="test")
    for _ in range(2):
        assert deliver(mailing) == 0
        mailing.clock.advance(DAY)
    assert office.taken == []
    assert "the account ana is deactivated" in rows(mailing)


def test_nobody_is_flooded_with_reset_links(mailing: Company) -> None:
    """Whoever knows a name may ask for the mail."""
    assert mailing.services.post is not None
    mailing.services.post.reset_link = lambda _owner: "https://dav.example.com/reset/x"

    def ask() -> None:
        with mailing.database.write() as connection:
            mailing.services.notices.password_reset(connection, mailing.services.accounts.get("ana"), mailing.clock.now)

    for _ in range(20):
        ask()
    assert deliver(mailing) == 1
    mailing.clock.advance(15 * MINUTE)
    ask()
    ask()
    assert deliver(mailing) == 1


def test_without_mail_nothing_is_asked_for(company: Company) -> None:
    password, credential = company.issue(expires_at=Moment(START + 30 * DAY))
    company.verify(password)
    company.services.revocation.revoke([credential.id], by="boss", why="test")
    company.clock.advance(25 * DAY)
    assert company.services.notices.remind(company.database, company.clock.now) == 0
    assert rows(company) == "[]"


def test_hostile_names_and_labels(mailing: Company, office: PostOffice) -> None:
    mailing.services.accounts.change("ana", by="test", display_name='"Ana", <a@b> {name} %s')
    mailing.issue(label="{secret} Bcc: x@y <b>&amp;")
    assert deliver(mailing) == 1
    [message] = office.taken
    assert office.recipients == [["ana@nogal.example"]]
    assert message["Subject"] == "New app password: {secret} Bcc: x@y <b>&amp;"
    assert text_of(message).startswith('Hello "Ana", <a@b> {name} %s,\n')
    assert message["Bcc"] is None


def test_many_labels_make_no_long_subject(mailing: Company, office: PostOffice) -> None:
    for number in range(3):
        mailing.issue(label=f"{number} " + "x" * 70)
    deliver(mailing)
    office.taken.clear()
    mailing.services.revocation.revoke_all("ana", by="boss", why="left")
    deliver(mailing)
    subject, body = office.taken[0]["Subject"], text_of(office.taken[0])
    assert subject.startswith("Ended by an administrator: ")
    assert subject.endswith(f" {'x' * 70} + 2")
    assert all(f"    {number} xxx" in body for number in range(3))


def test_every_language_says_the_same_things() -> None:
    def names(template: str) -> set[str]:
        return {name for _text, name, _spec, _conversion in Formatter().parse(template) if name is not None}

    english = catalogue("en")
    assert set(english) == {"words", *(kind.value for kind in MailKind)}
    for language in LANGUAGES:
        texts = catalogue(language)
        assert texts.keys() == english.keys()
        for table, entries in texts.items():
            assert entries.keys() == english[table].keys(), (language, table)
            for key, template in entries.items():
                assert template.strip()
                assert names(template) == names(english[table][key]), (language, table, key)
    assert {origin.value for origin in Origin} | {scope.value for scope in Scope} <= english["words"].keys()
