"""Revoke, pause, narrow, deactivate: committed first, then cut, then the receipt; all or nothing."""

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import psycopg
import pytest
from sqlalchemy import Connection

from dav_gateway.bus.opening import open_bus
from dav_gateway.core.credential import Reason
from dav_gateway.core.errors import NotFound, Refusal, StoreUnavailable
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.server.registry import CutUnconfirmed
from dav_gateway.service.cutter import Count, Owed
from dav_gateway.service.mail.notices import Notices
from dav_gateway.service.revocation import Receipt, Revocation
from dav_gateway.store import accounts, credentials
from dav_gateway.store.database import Database, open_database
from dav_gateway.store.postgres_backend import PATIENCE

from .conftest import START, Company, Witness


def test_revoking_is_committed_then_cut_then_told(company: Company) -> None:
    password, credential = company.issue()
    assert company.reason(password) is None
    receipt = company.services.revocation.revoke([credential.id], by="ana", why="lost")
    [own] = receipt.acknowledgements
    assert receipt == Receipt((credential.id,), START, START, 1, 1, (own,), number=1)
    assert (own.member, own.how, own.tally) == ("this process", "cut", {credential.id: (1, 1)})
    assert company.witness.cuts == [[credential.id]]
    seen = company.witness.committed[0]
    assert seen is not None
    assert (seen.revoked_at, seen.revoked_by, seen.revoked_why) == (START, "ana", "lost")
    assert company.reason(password) is Reason.REVOKED
    assert company.events(credential.id)[-2:] == ["revoked", "cut"]


def test_a_second_time_keeps_the_first_reason_and_cuts_again(company: Company) -> None:
    _, credential = company.issue()
    company.services.revocation.revoke([credential.id], by="ana", why="lost")
    company.clock.advance(DAY)
    company.services.revocation.revoke([credential.id, credential.id], by="ben", why="again")
    assert company.stored(credential.id).revoked_at == START
    assert company.stored(credential.id).revoked_by == "ana"
    assert company.witness.cuts == [[credential.id], [credential.id]]
    assert company.events(credential.id).count("revoked") == 1


def test_several_are_revoked_all_or_none(company: Company) -> None:
    first, second = (company.issue()[1].id for _ in range(2))
    with pytest.raises(NotFound, match="00000"):
        company.services.revocation.revoke([first, "00000", second], by="ana", why="lost")
    assert company.stored(first).revoked_at is None
    assert company.witness.cuts == []
    company.services.revocation.revoke([first, second], by="ana", why="lost")
    assert company.witness.cuts == [sorted([first, second])]


def test_i_lost_a_device(company: Company) -> None:
    passwords = [company.issue()[0] for _ in range(3)]
    company.services.revocation.revoke([passwords[0].id], by="ana", why="before")
    company.services.accounts.add(name="ben", email="ben@nogal.example", by="test")
    receipt = company.services.revocation.revoke_all("ana", by="ana", why="lost")
    assert sorted(receipt.ids) == sorted(password.id for password in passwords[1:])
    assert {company.reason(password) for password in passwords} == {Reason.REVOKED}
    assert company.stored(passwords[0].id).revoked_why == "before"
    with pytest.raises(NotFound):
        company.services.revocation.revoke_all("carla", by="ana", why="lost")


@pytest.mark.parametrize("taken", ["deactivated", "all revoked"])
def test_one_that_is_being_issued_is_not_missed(company: Company, taken: str) -> None:
    """Whatever the order: afterwards no live credential of the account is left that was not cut or refused."""
    services = company.services
    for _ in range(6):
        barrier = threading.Barrier(2)

        def issue(barrier: threading.Barrier = barrier) -> str | None:
            barrier.wait()
            try:
                return company.issue()[1].id
            except Refusal:
                return None

        def take(barrier: threading.Barrier = barrier) -> Receipt:
            barrier.wait()
            if taken == "deactivated":
                return services.accounts.deactivate("ana", by="test")
            return services.revocation.revoke_all("ana", by="test", why="test")

        with ThreadPoolExecutor(2) as pool:
            issuing, taking = pool.submit(issue), pool.submit(take)
            made, receipt = issuing.result(), taking.result()
        if taken == "deactivated":
            assert made is None or made in receipt.ids
            services.accounts.activate("ana", by="test")
        elif made is not None and made not in receipt.ids:
            assert company.stored(made).revoked_at is None  # issued after it
        services.revocation.revoke_all("ana", by="test", why="clear")


def test_pause_and_resume(company: Company) -> None:
    password, credential = company.issue()
    services = company.services
    services.revocation.pause(credential.id, by="ana")
    assert company.witness.cuts == [[credential.id]]
    assert company.reason(password) is Reason.PAUSED
    services.revocation.pause(credential.id, by="ana")
    assert services.revocation.resume(credential.id, by="ana").paused_at is None
    services.revocation.resume(credential.id, by="ana")
    assert len(company.witness.cuts) == 2
    assert company.reason(password) is None
    assert company.events(credential.id)[2:] == ["paused", "cut", "cut", "resumed", "first_used"]
    services.revocation.revoke([credential.id], by="ana", why="lost")
    for operation in (services.revocation.pause, services.revocation.resume):
        with pytest.raises(Refusal, match="revoked, for good"):
            operation(credential.id, by="ana")
        with pytest.raises(NotFound):
            operation("00000", by="ana")


def test_deactivating_an_account_cuts_all_of_it(company: Company) -> None:
    passwords = [company.issue()[0] for _ in range(2)]
    receipt = company.services.accounts.deactivate("ana", by="test")
    assert sorted(receipt.ids) == sorted(password.id for password in passwords)
    assert company.witness.cuts == [sorted(receipt.ids)]
    assert {company.reason(password) for password in passwords} == {Reason.ACCOUNT_INACTIVE}
    assert all(each is not None and each.revoked_at is None for each in company.witness.committed)
    company.services.accounts.activate("ana", by="test")
    assert {company.reason(password) for password in passwords} == {None}
    assert [event for event in company.events() if event.startswith("account_")] == [
        "account_added",
        "account_deactivated",
        "account_activated",
    ]


def test_narrowing_cuts_and_never_widens(company: Company) -> None:
    both = [Scope.CALENDARS, Scope.CONTACTS]
    _, credential = company.issue(
        scopes=both, collections=["calendar", "tasks"], networks=["192.0.2.0/24"], expires_at=Moment(START + DAY)
    )
    narrow = company.services.revocation.narrow
    receipt = narrow(
        credential.id,
        by="ana",
        scopes=frozenset({Scope.CALENDARS}),
        access=Access.READ_ONLY,
        collections=frozenset({"tasks"}),
        networks=(ip_network("192.0.2.0/25"),),
        expires_at=Moment(START + DAY - 1),
    )
    assert receipt.ids == (credential.id,)
    narrowed = company.stored(credential.id)
    assert narrowed.scopes == {Scope.CALENDARS}
    assert narrowed.access is Access.READ_ONLY
    assert narrowed.collections == {"tasks"}
    assert [str(network) for network in narrowed.networks] == ["192.0.2.0/25"]
    assert narrowed.expires_at == START + DAY - 1
    for wider in (
        {"scopes": frozenset(both)},
        {"access": Access.READ_WRITE},
        {"collections": None},
        {"collections": frozenset({"tasks", "calendar"})},
        {"networks": ()},
        {"networks": (ip_network("192.0.2.0/24"),)},
        {"expires_at": None},
        {"expires_at": Moment(START + DAY)},
    ):
        with pytest.raises(Refusal, match="more than it may now"):
            narrow(credential.id, by="ana", **wider)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match="at least one scope"):
        narrow(credential.id, by="ana", scopes=frozenset())
    assert company.stored(credential.id) == narrowed
    assert company.events(credential.id)[2:] == ["changed", "cut"]
    _, endless = company.issue()
    narrow(endless.id, by="ana", expires_at=Moment(START + 1))
    assert company.stored(endless.id).expires_at == START + 1


def test_a_database_that_cannot_be_written_changes_nothing(
    sqlite_url: str, found_company: Callable[..., Company]
) -> None:
    database = open_database(sqlite_url, busy_timeout=0.2)
    company = found_company(database)
    password, credential = company.issue()
    assert company.reason(password) is None
    with _locked(database), pytest.raises(StoreUnavailable):
        company.services.revocation.revoke([credential.id], by="ana", why="lost")
    assert company.stored(credential.id).revoked_at is None
    assert company.reason(password) is None
    database.dispose()


def test_unknown_whether_committed_is_cut(postgres_database: Database, found_company: Callable[..., Company]) -> None:
    """The session dies between the change and the commit: nobody may go on as if it had not happened."""
    company = found_company(postgres_database)
    password, credential = company.issue()

    def change(connection: object, now: Moment) -> list[str]:
        session = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()  # type: ignore[attr-defined]
        credentials.change(connection, credential.id, revoked_at=now)  # type: ignore[arg-type]
        with company.database.write() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({session})")
        return [credential.id]

    with pytest.raises(StoreUnavailable):
        company.services.revocation.carry_out(change)
    assert company.witness.cuts == [[credential.id]]
    assert company.reason(password) is None


def test_what_cannot_be_cut_when_nobody_knows_is_owed(
    postgres_database: Database, found_company: Callable[..., Company]
) -> None:
    company = found_company(postgres_database)
    _, credential = company.issue()

    class Failing(Witness):
        def cut(self, ids: Collection[str]) -> Count:
            raise CutUnconfirmed("the server did not confirm")

    def change(connection: Connection, _now: Moment) -> list[str]:
        session = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with company.database.write() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({session})")
        return [credential.id]

    owed = Owed()
    bus, cutter, mail = open_bus(company.database), Failing(company.database), Notices(enabled=False)
    revocation = Revocation(company.database, bus, cutter, company.clock, mail=mail, owed=owed)
    with pytest.raises(CutUnconfirmed):
        revocation.carry_out(change)
    assert owed.take() == {credential.id}


class _locked:  # noqa: N801 - reads as a verb
    """Another process holds SQLite's write lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> None:
        import sqlite3

        assert self._database.url.database is not None
        self._other = sqlite3.connect(self._database.url.database, isolation_level=None)
        self._other.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_error: object) -> None:
        self._other.rollback()
        self._other.close()


def test_no_write_of_a_revoked_credential_is_committed_after_the_receipt(company: Company) -> None:
    """Writers flat out through the fence; what is counted when revoke returns is what there is at the end."""
    password, credential = company.issue()
    verdict = company.verify(password)
    grant = verdict.grant  # type: ignore[union-attr]
    stop = threading.Event()

    def write(_number: int) -> int:
        written = 0
        while not stop.is_set():
            try:
                with company.database.write(company.services.verification.fence(grant)) as connection:
                    account = accounts.lock(connection, grant.account.id)
                    accounts.change(connection, account.id, title=f"{int(account.title or 0) + 1}")
                    written += 1
            except Refusal:
                raise
            except Exception as error:  # noqa: BLE001
                assert "may no longer act" in str(error)  # noqa: PT017
                return written
        return written

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, number) for number in range(3)]
        while int(company.services.accounts.get("ana").title or 0) < 5:
            pass
        company.services.revocation.revoke([credential.id], by="ana", why="lost")
        counted = int(company.services.accounts.get("ana").title)
        written = [writer.result(timeout=30) for writer in writers]
        stop.set()
    assert sum(written) >= 5
    assert int(company.services.accounts.get("ana").title) == counted == sum(written)


def test_members_that_cannot_be_listed_leave_no_connection_of_ours(
    small_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed, then the folder of the bus cannot be read: nothing is promised, and what is here is cut."""
    from dav_gateway.bus.sqlite_folder import SqliteFolder

    _, credential = small_company.issue()

    def unreadable(_folder: SqliteFolder) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(SqliteFolder, "members", unreadable)
    with pytest.raises(StoreUnavailable, match="cannot be listed"):
        small_company.services.revocation.revoke([credential.id], by="ana", why="lost")
    assert [credential.id] in small_company.witness.cuts
    assert small_company.stored(credential.id).revoked_at == START


def test_a_session_that_stops_while_a_revocation_waits_for_it_is_ended(
    postgres_database: Database, found_company: Callable[..., Company]
) -> None:
    """It was at work when the patience with others was over, so the first look spares it."""
    company = found_company(postgres_database)
    _, credential = company.issue()
    url = postgres_database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as stopped:
        stopped.execute("UPDATE credential SET label = 'held' WHERE id = %s", [credential.id])

        def work() -> None:
            until = time.monotonic() + PATIENCE * 1.5
            while time.monotonic() < until:
                stopped.execute("SELECT 1")
                time.sleep(PATIENCE / 10)

        thread = threading.Thread(target=work)
        thread.start()
        company.services.revocation.revoke([credential.id], by="test", why="")
        thread.join()
        with pytest.raises(psycopg.OperationalError):
            stopped.execute("SELECT 1")
    assert company.stored(credential.id).label != "held"
