"""Mail: asked for with the event, delivered in the background, each once, on both engines."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Formatter
from threading import Barrier
from time import monotonic, sleep

import pytest
from sqlalchemy import text
from tests.automatic.post_office import PostOffice, files, post_office, text_of
from tests.service.conftest import START, THUNDERBIRD, Company
from tests.system import program

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import DAY, HOUR, MINUTE, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.service.issuing import MOST_LIVE
from dav_gateway.service.mail.messages import LANGUAGES, Letterhead, catalogue
from dav_gateway.service.mail.notices import REMIND_BEFORE, MailKind, Notices
from dav_gateway.service.mail.sender import LEASE, MOST_ATTEMPTS, Post, Sender
from dav_gateway.service.mail.transport import Console, Folder, Smtp
from dav_gateway.service.services import assemble
from dav_gateway.store import outbox
from dav_gateway.store.database import Database

HEAD = Letterhead("calendar@nogal.example", "Nogal", "https://dav.example.com")
Found = Callable[..., Company]


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as office:
        yield office


@pytest.fixture
def mailing(database: Database, found_company: Found, office: PostOffice) -> Company:
    """A company whose mail goes to the post office."""
    return found_company(database, post=Post(Smtp("127.0.0.1", office.port, "none"), HEAD))


def deliver(company: Company) -> int:
    assert company.services.post is not None
    return Sender(company.database, company.services.post, company.clock).deliver()


def rows(company: Company) -> str:
    with company.database.read() as connection:
        return str(connection.execute(text("SELECT * FROM outbox")).all())


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


def test_a_busy_server_is_tried_again_later_and_later(mailing: Company, office: PostOffice) -> None:
    mailing.issue()
    office.answers = ["451 busy"] * 3
    for pause in (MINUTE, 4 * MINUTE, 16 * MINUTE):
        assert deliver(mailing) == 0
        mailing.clock.advance(pause - 1)
        assert deliver(mailing) == 0
        assert len(office.answers) in (0, 1, 2)
        mailing.clock.advance(1)
    assert deliver(mailing) == 1


def test_a_server_that_is_away_for_good_is_given_up(mailing: Company, office: PostOffice) -> None:
    mailing.issue()
    office.answers = ["451 busy"] * 100
    for _attempt in range(100):
        deliver(mailing)
        mailing.clock.advance(4 * HOUR)
    assert len(office.answers) == 100 - MOST_ATTEMPTS
    assert "the message was refused (451)" in rows(mailing)


def test_a_refusal_for_good_is_not_repeated(mailing: Company, office: PostOffice) -> None:
    mailing.issue()
    office.answers = ["554 no"]
    assert deliver(mailing) == 0
    mailing.clock.advance(DAY)
    assert deliver(mailing) == 0
    assert office.taken == []


def test_nobody_listens(small_company: Company) -> None:
    post = Post(Smtp("127.0.0.1", 1, "none", "user", "hunter22"), HEAD)
    services = assemble(small_company.database, clock=small_company.clock, profile=CHEAPEST, post=post)
    services.issuing.issue("ana", service=Service.OTHER, scopes=[Scope.CALENDARS], origin=Origin.CLI, actor="test")
    assert Sender(small_company.database, post, small_company.clock).deliver() == 0
    assert "ConnectionRefusedError" in rows(small_company)
    assert "hunter22" not in rows(small_company) + repr(post)


def test_processes_share_the_work_and_send_each_mail_once(mailing: Company, office: PostOffice) -> None:
    for number in range(12):
        mailing.issue(label=f"device {number}")
    assert mailing.services.post is not None
    senders = [Sender(mailing.database, mailing.services.post, mailing.clock) for _each in range(3)]
    together = Barrier(3)

    def run(sender: Sender) -> int:
        together.wait()
        return sender.deliver()

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(run, senders)) == 12
    assert len({message["Message-ID"] for message in office.taken}) == len(office.taken) == 12


def test_a_process_that_died_leaves_its_letter_to_another(mailing: Company, office: PostOffice) -> None:
    mailing.issue()
    with mailing.database.write() as connection:
        taken = outbox.claim(connection, "dead", mailing.clock.now, Moment(mailing.clock.now + LEASE))
    assert taken is not None
    assert deliver(mailing) == 0
    mailing.clock.advance(LEASE)
    assert deliver(mailing) == 1
    assert office.taken[0]["Message-ID"] == f"<{taken.id}.{taken.created_at}@dav.example.com>"
    with mailing.database.write() as connection:
        assert not outbox.later(connection, taken.id, "dead", mailing.clock.now, "late"), "the lease is lost"
    assert deliver(mailing) == 0


def test_a_process_that_serves_delivers_by_itself(mailing: Company, office: PostOffice) -> None:
    mailing.services.start()
    try:
        mailing.issue()
        until = monotonic() + 60
        while not office.taken and monotonic() < until:
            sleep(0.02)
    finally:
        mailing.services.stop()
    assert len(office.taken) == 1


def test_without_mail_nothing_is_asked_for(company: Company) -> None:
    password, credential = company.issue(expires_at=Moment(START + 30 * DAY))
    company.verify(password)
    company.services.revocation.revoke([credential.id], by="boss", why="test")
    company.clock.advance(25 * DAY)
    assert company.services.notices.remind(company.database, company.clock.now) == 0
    assert rows(company) == "[]"


def test_starttls_and_sign_in(small_company: Company, tmp_path: Path) -> None:
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    small_company.services.accounts.change("ana", by="test", language="es")
    with post_office(server) as office:

        def sent(password: str, context: ssl.SSLContext | None) -> int:
            post = Post(Smtp("localhost", office.port, "starttls", "gateway", password, context), HEAD)
            services = assemble(small_company.database, clock=small_company.clock, profile=CHEAPEST, post=post)
            services.issuing.issue("ana", service=Service.OTHER, scopes=list(Scope), origin=Origin.CLI, actor="test")
            return Sender(small_company.database, post, small_company.clock).deliver()

        assert sent("letmein", None) == 0, "a certificate that nobody vouches for is not spoken to"
        assert office.users == []
        assert sent("wrong", trusting) == 0
        assert sent("letmein", trusting) == 1
    assert len(office.taken) == 1
    assert "letmein" not in rows(small_company)


def test_into_a_folder_and_onto_the_console(
    sqlite_database: Database, found_company: Found, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    company = found_company(sqlite_database, post=Post(Folder(tmp_path / "mail"), HEAD))
    company.issue(label="phone")
    assert deliver(company) == 1
    [message] = files(tmp_path / "mail")
    assert message["Subject"] == "New app password: phone"
    assert [path.suffix for path in (tmp_path / "mail").iterdir()] == [".eml"]
    company.issue(label="laptop")
    assert Sender(company.database, Post(Console(), HEAD), company.clock).deliver() == 1
    assert "ana@nogal.example>: New app password: laptop\nHello Ana Ruiz," in capsys.readouterr().err


def test_hostile_names_and_labels(mailing: Company, office: PostOffice) -> None:
    mailing.services.accounts.change("ana", by="test", display_name='"Ana", <a@b> {name} %s')
    mailing.issue(label="{secret} Bcc: x@y <b>&amp;")
    assert deliver(mailing) == 1
    [message] = office.taken
    assert office.recipients == [["ana@nogal.example"]]
    assert message["Subject"] == "New app password: {secret} Bcc: x@y <b>&amp;"
    assert text_of(message).startswith('Hello "Ana", <a@b> {name} %s,\n')
    assert message["Bcc"] is None


@pytest.mark.parametrize("email", ["a,b@nogal.example", "<x@nogal.example>", "ana@"])
def test_an_address_that_nobody_can_write_to_stops_nobody_else(
    mailing: Company, office: PostOffice, email: str
) -> None:
    with mailing.database.write() as connection:
        connection.execute(text("UPDATE account SET email = :email"), {"email": email})
    mailing.issue()
    mailing.services.accounts.add(name="ben", email="ben@nogal.example", by="test")
    mailing.services.issuing.issue(
        "ben", service=Service.OTHER, scopes=[Scope.CALENDARS], origin=Origin.CLI, actor="test"
    )
    assert deliver(mailing) == 1
    assert office.recipients == [["ben@nogal.example"]]


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
