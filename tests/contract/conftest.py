"""What the contract tests start from: one account with one credential, one calendar and one address book."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Origin, Service
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.store import accounts, collections, credentials
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database
from dav_gateway.store.objects import NewObject

NOW = Moment(1_790_000_000_000)


@pytest.fixture
def now() -> Moment:
    """A moment in 2026."""
    return NOW


@pytest.fixture
def ana(database: Database) -> Account:
    """An account."""
    with database.write() as c:
        return accounts.add(c, name="ana", email="ana@example.org", display_name="Ana", now=NOW)


@pytest.fixture
def draft(ana: Account) -> Credential:
    """A credential of Ana's that is not stored."""
    return Credential(
        id="k7mqx",
        account_id=ana.id,
        label="iPhone de Ana",
        service=Service.IPHONE,
        scopes=frozenset({Scope.CALENDARS}),
        access=Access.READ_WRITE,
        collections=None,
        networks=(),
        expires_at=None,
        verifier="$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$dmVyaWZpZXI",
        origin=Origin.PAGE,
        created_at=NOW,
    )


@pytest.fixture
def issue(database: Database, draft: Credential) -> Callable[..., Credential]:
    """Stores the draft with the given fields changed."""

    def issue(**fields: object) -> Credential:
        credential = replace(draft, **fields)  # type: ignore[arg-type]
        with database.write() as c:
            credentials.add(c, credential)
        return credential

    return issue


@pytest.fixture
def calendar(database: Database, ana: Account) -> Collection:
    """An empty calendar of Ana's."""
    with database.write() as c:
        return collections.create(
            c,
            account_id=ana.id,
            home="calendars",
            name="team",
            components=["VEVENT"],
            properties={"D:displayname": "Work"},
            now=NOW,
        )


@pytest.fixture
def event() -> Callable[..., NewObject]:
    """Makes an event by its name; the rest follows from it unless it is given."""

    def event(name: str, uid: str | None = None, octets: bytes | None = None, **fields: Any) -> NewObject:
        return NewObject(
            name=name,
            uid=uid or f"uid-of-{name}",
            component="VEVENT",
            octets=octets or f"BEGIN:VCALENDAR\r\nX-NAME:{name}\r\nEND:VCALENDAR\r\n".encode(),
            **fields,
        )

    return event
