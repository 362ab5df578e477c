"""Accounts: what may be added and changed, the password for the page, and the collections of a first sign-in."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dav_gateway.core import verifier
from dav_gateway.core.errors import NotFound, Refusal
from dav_gateway.store import collections
from dav_gateway.store.errors import NameTaken

from .conftest import Company


def test_an_account_is_stored_as_it_reads_best(company: Company) -> None:
    added = company.services.accounts.add(
        name=" Ben ",
        email=" Ben@Nogal.Example ",
        display_name=" Ben  Hofmann ",
        phones=[" +49 30 1 ", ""],
        language="es",
        admin=True,
        by="test",
    )
    assert (added.name, added.email, added.display_name) == ("ben", "ben@nogal.example", "Ben  Hofmann")
    assert (added.phones, added.language, added.admin, added.active) == (("+49 30 1",), "es", True, True)
    assert company.services.accounts.get("BEN") == added
    plain = company.services.accounts.add(name="carla", email="carla@nogal.example", by="test")
    assert (plain.display_name, plain.language, plain.password_verifier) == ("carla", "en", None)
    assert [each.name for each in company.services.accounts.every()] == ["ana", "ben", "carla"]


@pytest.mark.parametrize(
    ("details", "complaint"),
    [
        ({"name": ""}, "account name"),
        ({"name": ".."}, "account name"),
        ({"name": "a/b"}, "account name"),
        ({"name": "ana@nogal"}, "account name"),
        ({"name": "-a"}, "account name"),
        ({"name": "é"}, "account name"),
        ({"name": "x" * 65}, "account name"),
        ({"name": "ana"}, "another account has the name ana"),
        ({"name": "ANA"}, "another account has the name ana"),
        ({"email": "ana@nogal.example"}, "e-mail"),
        ({"email": "no address"}, "not an e-mail address"),
        ({"email": "a@b@c"}, "not an e-mail address"),
        ({"email": "a:b@nogal.example"}, "not an e-mail address"),
        ({"language": "xx"}, "languages en, es"),
        ({"display_name": "two\nlines"}, "one line"),
        ({"display_name": "x" * 201}, "at most 200"),
        ({"title": "\x07"}, "one line"),
        ({"phones": ["1"] * 11}, "at most 10"),
        ({"password": "short"}, "8 to 1024"),
        ({"password": "x" * 1025}, "8 to 1024"),
    ],
)
def test_what_cannot_be_an_account_is_refused(
    small_company: Company, details: dict[str, object], complaint: str
) -> None:
    before = small_company.events()
    wish: dict[str, object] = {"name": "ben", "email": "ben@nogal.example", "by": "test", **details}
    with pytest.raises(Refusal, match=complaint):
        small_company.services.accounts.add(**wish)  # type: ignore[arg-type]
    assert [each.name for each in small_company.services.accounts.every()] == ["ana"]
    assert small_company.events() == before


def test_changing_what_is_given_and_nothing_else(company: Company) -> None:
    accounts = company.services.accounts
    accounts.add(name="ben", email="ben@nogal.example", by="test")
    before = accounts.get("ana")
    changed = accounts.change("ana", by="test", title="Director", phones=["+34 1"])
    assert (changed.title, changed.phones) == ("Director", ("+34 1",))
    assert (changed.display_name, changed.email, changed.admin) == (before.display_name, before.email, before.admin)
    with pytest.raises(NameTaken):
        accounts.change("ana", by="test", email="BEN@nogal.example")
    with pytest.raises(Refusal, match="not empty"):
        accounts.change("ana", by="test", display_name="  ")
    for missing in (lambda: accounts.change("carla", by="test", title="x"), lambda: accounts.get("carla")):
        with pytest.raises(NotFound):
            missing()
    assert company.events().count("account_changed") == 1


def test_the_password_for_the_page_never_opens_dav(company: Company) -> None:
    accounts = company.services.accounts
    accounts.set_password("ana", "correct horse é", by="test")
    stored = accounts.get("ana").password_verifier
    assert stored is not None
    assert verifier.check(stored, "correct horse é")
    assert not verifier.check(stored, "correct horse")
    assert "horse" not in repr(accounts.get("ana"))
    assert str(company.reason("correct horse é")) == "mistyped"
    with pytest.raises(NotFound):
        accounts.set_password("carla", "correct horse", by="test")
    with pytest.raises(Refusal):
        accounts.set_password("ana", "1234567", by="test")
    assert accounts.get("ana").password_verifier == stored
    assert "password_set" in company.events()


def names(company: Company, account_name: str = "ana") -> dict[str, tuple[tuple[str, ...], str]]:
    account = company.services.accounts.get(account_name)
    with company.database.read() as connection:
        found = [
            each for home in ("calendars", "contacts") for each in collections.in_home(connection, account.id, home)
        ]
    return {f"{each.home}/{each.name}": (each.components, each.properties["D:displayname"]) for each in found}


def test_the_first_sign_in_makes_the_default_collections(company: Company) -> None:
    accounts = company.services.accounts
    account = accounts.get("ana")
    assert accounts.provision(account)
    assert names(company) == {
        "calendars/calendar": (("VEVENT", "VFREEBUSY"), "Calendar"),
        "calendars/tasks": (("VTODO",), "Tasks"),
        "contacts/contacts": ((), "Contacts"),
    }
    assert not accounts.provision(account)
    with company.statements() as statements:
        assert not accounts.provision(accounts.get("ana"))
    assert len(statements) == 1


def test_what_the_person_deleted_stays_deleted(company: Company) -> None:
    accounts = company.services.accounts
    accounts.provision(accounts.get("ana"))
    with company.database.write() as connection:
        tasks = collections.find(connection, accounts.get("ana").id, "calendars", "tasks")
        assert tasks is not None
        collections.remove(connection, tasks.id)
    assert not accounts.provision(accounts.get("ana"))
    assert "calendars/tasks" not in names(company)


def test_they_are_named_in_the_persons_language(company: Company) -> None:
    accounts = company.services.accounts
    eva = accounts.add(name="eva", email="eva@nogal.example", language="es", by="test")
    accounts.provision(eva)
    assert [title for _, title in names(company, "eva").values()] == ["Calendario", "Tareas", "Contactos"]


def test_a_collection_that_is_there_already_is_kept(company: Company) -> None:
    account = company.services.accounts.get("ana")
    with company.database.write() as connection:
        own = collections.create(
            connection,
            account_id=account.id,
            home="calendars",
            name="calendar",
            components=("VEVENT", "VTODO"),
            properties={"D:displayname": "Mine"},
            now=company.clock.now,
        )
    company.services.accounts.provision(account)
    assert names(company)["calendars/calendar"] == (own.components, "Mine")
    assert len(names(company)) == 3


def test_of_several_first_requests_at_once_one_provisions(company: Company) -> None:
    accounts = company.services.accounts
    account = accounts.get("ana")
    barrier = threading.Barrier(6)

    def first_request(_number: int) -> bool:
        barrier.wait()
        return accounts.provision(account)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(first_request, range(6))) == [False] * 5 + [True]
    assert len(names(company)) == 3
