"""The company directory: one card for each active account, written only where it differs."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import vobject

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.service.vcard import uid_of, vcard
from dav_gateway.store import collections, objects
from dav_gateway.store.database import Database

from .conftest import Company


def cards(company: Company) -> dict[str, bytes]:
    with company.database.read() as connection:
        directory = collections.directory(connection)
        assert directory is not None
        return {card.name: card.octets for card in objects.every(connection, directory.id)}


def sync_token(company: Company) -> str:
    with company.database.read() as connection:
        directory = collections.directory(connection)
        assert directory is not None
        return directory.sync_token


def add_ben(company: Company) -> None:
    company.services.accounts.add(
        name="ben",
        email="Ben@Nogal.example",
        display_name="Ben Hofmann",
        phones=["+49 30 23125 014", "+49 30 23125 015"],
        title="Joiner; workshop, lead",
        department="Workshop",
        by="test",
    )


def test_every_active_account_is_in_it(sqlite_database: Database, found_company: Callable[..., Company]) -> None:
    company = found_company(sqlite_database, company="Estudio Nogal")
    add_ben(company)
    found = cards(company)
    assert sorted(found) == ["ana.vcf", "ben.vcf"]
    card = vobject.readOne(found["ben.vcf"].decode())
    assert card.version.value == "3.0"
    assert card.fn.value == "Ben Hofmann"
    assert (card.n.value.given, card.n.value.family) == ("Ben", "Hofmann")
    assert card.email.value == "ben@nogal.example"
    assert [tel.value for tel in card.tel_list] == ["+49 30 23125 014", "+49 30 23125 015"]
    assert card.title.value == "Joiner; workshop, lead"
    assert card.org.value == ["Estudio Nogal", "Workshop"]
    assert card.uid.value.startswith("urn:uuid:")
    assert not hasattr(card, "rev")


def test_its_sync_token_moves_only_when_a_card_does(company: Company) -> None:
    accounts = company.services.accounts
    add_ben(company)
    before, octets = sync_token(company), cards(company)
    company.clock.advance(1_000_000)
    accounts.set_password("ben", "correct horse", by="test")
    accounts.change("ben", by="test", title="Joiner; workshop, lead", admin=True, language="es")
    company.issue()
    with company.database.write() as connection:
        assert company.services.directory.refresh(connection, company.clock.now) == 0
    assert sync_token(company) == before
    assert cards(company) == octets

    accounts.change("ben", by="test", department="Design")
    assert sync_token(company) != before
    with company.database.read() as connection:
        directory = collections.directory(connection)
        assert directory is not None
        changed, removed = objects.changes_since(connection, directory, directory.change_at(before))
    assert (changed, removed) == (["ben.vcf"], [])


def test_a_deactivated_account_leaves_it_and_comes_back_with_the_same_uid(company: Company) -> None:
    add_ben(company)
    before = cards(company)
    token = sync_token(company)
    company.services.accounts.deactivate("ben", by="test")
    assert sorted(cards(company)) == ["ana.vcf"]
    with company.database.read() as connection:
        directory = collections.directory(connection)
        assert directory is not None
        assert objects.changes_since(connection, directory, directory.change_at(token)) == ([], ["ben.vcf"])
    company.services.accounts.activate("ben", by="test")
    assert cards(company) == before


def test_what_somebody_else_wrote_into_it_is_put_right(company: Company) -> None:
    before = cards(company)
    with company.database.write() as connection:
        directory = collections.directory(connection)
        assert directory is not None
        objects.put(connection, directory.id, objects.NewObject("x.vcf", "x", "VCARD", b"x"), Moment(1))
        objects.put(connection, directory.id, objects.NewObject("ana.vcf", "y", "VCARD", b"y"), Moment(1))
        assert company.services.directory.refresh(connection, Moment(2)) == 2
    assert cards(company) == before


def test_two_accounts_at_once_are_both_in_it(company: Company) -> None:
    barrier = threading.Barrier(4)

    def add(number: int) -> None:
        barrier.wait()
        company.services.accounts.add(name=f"p{number}", email=f"p{number}@nogal.example", by="test")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    assert sorted(cards(company)) == ["ana.vcf", "p0.vcf", "p1.vcf", "p2.vcf", "p3.vcf"]


def account(**fields: object) -> Account:
    made = {"id": 1, "name": "ana", "email": "ana@nogal.example", "display_name": "Ana", **fields}
    return Account(**made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["Ana", "Ana Ruiz Peña", "a;b,c\\d", "名前" * 40, "Ñ" * 120, "x" * 199 + "é", "e\u0301" * 60]
)
def test_any_name_survives_escaping_and_folding(name: str) -> None:
    octets = vcard(account(display_name=name, title=name, department=name), "Nogal; & Co, \\ Ltd")
    assert octets.endswith(b"\r\nEND:VCARD\r\n")
    lines = octets.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()  # no character is cut
    unfolded = octets.replace(b"\r\n ", b"").decode()
    card = vobject.readOne(unfolded)
    assert card.fn.value == card.title.value == name
    assert card.org.value == ["Nogal; & Co, \\ Ltd", name]


def test_what_is_not_known_is_not_in_the_card() -> None:
    lines = vcard(account(), "").decode().split("\r\n")
    assert [line.partition(":")[0].partition(";")[0] for line in lines[:-1]] == [
        "BEGIN", "VERSION", "PRODID", "UID", "FN", "N", "EMAIL", "END",
    ]  # fmt: skip
    assert "ORG:Nogal" in vcard(account(), "Nogal").decode()


def test_the_uid_belongs_to_the_account_not_to_its_data() -> None:
    one = account()
    assert uid_of(one) == uid_of(account(display_name="Ana R.", email="new@nogal.example", id=7))
    assert uid_of(one) != uid_of(account(name="ben"))
    assert uid_of(one) != uid_of(account(created_at=Moment(5)))
