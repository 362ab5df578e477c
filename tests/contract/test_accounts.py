"""Accounts: names and addresses in any case, each once."""

import pytest

from dav_gateway.core.account import Account
from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import Moment
from dav_gateway.store import accounts
from dav_gateway.store.database import Database
from dav_gateway.store.errors import NameTaken


def test_what_is_added_is_found_again(database: Database, now: Moment) -> None:
    with database.write() as c:
        added = accounts.add(
            c,
            name="Luis.P",
            email="Luis@Example.ORG",
            display_name="Luis Pérez",
            now=now,
            admin=True,
            language="es",
            phones=["+34 600 000 000", "+34 600 000 001"],
            title="Jefe",
            department="Ventas",
            password_verifier="$argon2id$x",
        )
    assert added == Account(
        id=added.id,
        name="luis.p",
        email="luis@example.org",
        display_name="Luis Pérez",
        admin=True,
        active=True,
        language="es",
        phones=("+34 600 000 000", "+34 600 000 001"),
        title="Jefe",
        department="Ventas",
        password_verifier="$argon2id$x",
        provisioned=False,
        created_at=now,
    )
    with database.read() as c:
        assert accounts.by_name(c, "LUIS.P") == added
        assert accounts.by_id(c, added.id) == added
        assert accounts.by_login(c, " luis.p ") == added
        assert accounts.by_login(c, "LUIS@example.org") == added


def test_unknown_names_find_nothing(database: Database, ana: Account) -> None:
    with database.read() as c:
        assert accounts.by_name(c, "ana@example.org") is None
        assert accounts.by_login(c, "an") is None
        assert accounts.by_login(c, "") is None
        assert accounts.by_login(c, "ana\0") is None
        assert accounts.by_id(c, ana.id + 1) is None


@pytest.mark.parametrize(
    ("name", "email", "field"),
    [("ANA", "other@example.org", "name"), ("other", "ANA@example.org", "e-mail"), ("ana", "ana@example.org", "name")],
)
def test_a_second_account_of_the_name_or_address_is_refused(
    database: Database, ana: Account, name: str, email: str, field: str
) -> None:
    with pytest.raises(NameTaken) as refused, database.write() as c:
        accounts.add(c, name=name, email=email, display_name="X", now=ana.created_at)
    assert refused.value.field == field
    with database.read() as c:
        assert accounts.every(c) == [ana]


def test_every_account_is_listed_by_name(database: Database, ana: Account) -> None:
    with database.write() as c:
        for name in ("zoe", "bo"):
            accounts.add(c, name=name, email=f"{name}@example.org", display_name=name, now=ana.created_at)
        accounts.change(c, ana.id, active=False)
    with database.read() as c:
        assert [(account.name, account.active) for account in accounts.every(c)] == [
            ("ana", False),
            ("bo", True),
            ("zoe", True),
        ]


def test_change_touches_the_given_fields_only(database: Database, ana: Account) -> None:
    with database.write() as c:
        changed = accounts.change(c, ana.id, phones=("1", "2"), title="CEO", provisioned=True, email="A@x.org")
    assert (changed.phones, changed.title, changed.provisioned, changed.email) == (("1", "2"), "CEO", True, "a@x.org")
    assert (changed.name, changed.display_name, changed.active) == (ana.name, ana.display_name, ana.active)
    with database.read() as c:
        assert accounts.by_id(c, ana.id) == changed


def test_change_refuses_an_address_that_is_taken_and_an_account_that_is_not_there(
    database: Database, ana: Account
) -> None:
    with database.write() as c:
        luis = accounts.add(c, name="luis", email="luis@example.org", display_name="L", now=ana.created_at)
    with pytest.raises(NameTaken), database.write() as c:
        accounts.change(c, luis.id, email="ANA@example.org")
    with pytest.raises(NotFound), database.write() as c:
        accounts.change(c, luis.id + 1, title="nobody")
    with pytest.raises(NotFound), database.write() as c:
        accounts.lock(c, luis.id + 1)
    with database.write() as c:
        assert accounts.lock(c, luis.id) == luis
