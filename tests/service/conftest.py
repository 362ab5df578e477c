"""Services on real databases, with a clock that the test moves and a cutter that looks at what is committed."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

import pytest
from sqlalchemy import event

from dav_gateway.core import secret
from dav_gateway.core.credential import Credential, Origin, Reason, Service
from dav_gateway.core.keyring import Keyring
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Scope
from dav_gateway.core.secret import AppPassword
from dav_gateway.core.verifier import CHEAPEST
from dav_gateway.service.cutter import Count
from dav_gateway.service.page_services import PageOptions
from dav_gateway.service.services import Services, assemble
from dav_gateway.service.verification import Granted, Presented, Refused
from dav_gateway.store import audit, credentials
from dav_gateway.store.database import Database

START = Moment(1_790_000_000_000)
IPHONE = "iOS/17.3.1 (21D61) dataaccessd/1.0"
THUNDERBIRD = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0"
HOME = "192.0.2.7"
PUBLIC_URL = "https://dav.nogal.example"
KEY = bytes(range(32))


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> Moment:
        return self.now

    def advance(self, milliseconds: int) -> None:
        self.now = Moment(self.now + milliseconds)


@dataclass
class Witness:
    """A Cutter that writes down whom it cut, when, and what another connection could read at that moment."""

    database: Database
    cuts: list[list[str]] = field(default_factory=list)
    committed: list[Credential | None] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    everything: int = 0

    def cut(self, ids: Collection[str]) -> Count:
        self.at.append(monotonic())
        self.cuts.append(sorted(ids))
        with self.database.read() as connection:
            self.committed += [credentials.get(connection, credential_id) for credential_id in sorted(ids)]
        return Count(len(ids), len(ids), dict.fromkeys(ids, (1, 1)))

    def cut_all(self) -> Count:
        self.everything += 1
        return Count()


@dataclass
class Company:
    """An account `ana`, the services, and the few things that tests do again and again."""

    database: Database
    services: Services
    clock: Clock
    witness: Witness

    def issue(self, service: Service = Service.OTHER, **wish: object) -> tuple[AppPassword, Credential]:
        chosen: dict[str, object] = {"scopes": [Scope.CALENDARS], "origin": Origin.CLI, "actor": "test", **wish}
        return self.services.issuing.issue("ana", service=service, **chosen)  # type: ignore[arg-type]

    def verify(
        self,
        password: AppPassword | str,
        login: str = "ana",
        *,
        address: str = HOME,
        user_agent: str = IPHONE,
        services: Services | None = None,
    ) -> Granted | Refused:
        text = password if isinstance(password, str) else password.reveal()
        presented = Presented(login, secret.parse(text), address, user_agent, "request-1")
        with self.database.read() as connection:
            return (services or self.services).verification.verify(connection, presented)

    def reason(self, password: AppPassword | str, login: str = "ana", **more: str) -> Reason | None:
        verdict = self.verify(password, login, **more)  # type: ignore[arg-type]
        return verdict.reason if isinstance(verdict, Refused) else None

    def stored(self, credential_id: str) -> Credential:
        with self.database.read() as connection:
            found = credentials.get(connection, credential_id)
        assert found is not None
        return found

    def events(self, credential_id: str | None = None) -> list[str]:
        """Words of the audit, oldest first."""
        with self.database.read() as connection:
            found = audit.select(connection, credential_id=credential_id, limit=1000)
        return [each.event for each in reversed(found)]

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The SQL statements that run inside the block."""
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        event.listen(self.database.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(self.database.engine, "before_cursor_execute", note)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def found_company(clock: Clock) -> Callable[..., Company]:
    """Makes a Company on a database."""

    def found(database: Database, **settings: object) -> Company:
        witness = Witness(database)
        page = PageOptions(public_url=PUBLIC_URL, company="Nogal", read_key=lambda: Keyring(KEY))
        chosen: dict[str, object] = {"profile": CHEAPEST, "human_profile": CHEAPEST, "page": page, **settings}
        services = assemble(database, cutter=witness, clock=clock, **chosen)  # type: ignore[arg-type]
        services.accounts.add(name="ana", email="ana@nogal.example", display_name="Ana Ruiz", by="test")
        return Company(database, services, clock, witness)

    return found


@pytest.fixture
def company(database: Database, found_company: Callable[..., Company]) -> Company:
    """A company on each engine."""
    return found_company(database)


@pytest.fixture
def small_company(sqlite_database: Database, found_company: Callable[..., Company]) -> Company:
    """A company on SQLite, where the engine makes no difference."""
    return found_company(sqlite_database)
