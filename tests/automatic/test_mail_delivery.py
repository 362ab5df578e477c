"""Mail leaves in the background, each letter once, whatever the server and the processes do."""

import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from time import monotonic, sleep

import pytest
from sqlalchemy import text
from tests.automatic.mailing import HEAD, Found, deliver, mailing, office, rows
from tests.automatic.post_office import PostOffice, files, post_office
from tests.service.conftest import Company
from tests.system import program

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.moment import DAY, HOUR, MINUTE, Moment
from dav_gateway.core.scope import Scope
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.service.mail.sender import LEASE, MOST_ATTEMPTS, Post, Sender
from dav_gateway.service.mail.transport import Console, Folder, Smtp
from dav_gateway.service.services import assemble
from dav_gateway.store import outbox
from dav_gateway.store.database import Database

__all__ = ["mailing", "office"]


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
    assert (tmp_path / "mail").stat().st_mode & 0o777 == 0o700, "a mail may hold a link to choose a new password"
    company.issue(label="laptop")
    assert Sender(company.database, Post(Console(), HEAD), company.clock).deliver() == 1
    assert "ana@nogal.example>: New app password: laptop\nHello Ana Ruiz," in capsys.readouterr().err


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
