"""The watcher: what another process committed, what ran out, and a database that is gone. Real time, real processes."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from dav_gateway.bus.opening import open_bus
from dav_gateway.bus.protocol import Bus, Heard, Member
from dav_gateway.bus.sqlite_bus import SqliteMember
from dav_gateway.bus.times import HEARTBEAT
from dav_gateway.core.moment import SECOND, Moment
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.server.registry import CutUnconfirmed
from dav_gateway.service.cutter import Count
from dav_gateway.service.services import Services, assemble
from dav_gateway.service.watch import Watcher
from dav_gateway.store import audit
from dav_gateway.store.database import Database, open_database, system_clock

from .conftest import Company, Witness

REVOKE = """
import sys, time
from dav_gateway.service.services import assemble
from dav_gateway.store.database import open_database

database = open_database(sys.argv[1])
services = assemble(database)
print("ready", flush=True)
for line in sys.stdin:
    services.revocation.revoke([line.strip()], by="another process", why="test")
    print(time.time(), flush=True)
database.dispose()
"""


@contextmanager
def watching(
    company: Company,
    *,
    clock: Callable[[], Moment] = system_clock,
    hold: Callable[[], object] = lambda: None,
    waits: list[float] | None = None,
) -> Iterator[tuple[Watcher, list[str]]]:
    """A watcher at work, as another process than the company's, and the list of ids that it reports as expired. `hold`
    is called before each of its reads is done, `waits` takes how long each may wait before."""
    expired: list[str] = []
    other = open_database(company.database.url.render_as_string(hide_password=False))
    watcher = Watcher(
        Holding(open_bus(other), hold, [] if waits is None else waits),
        company.witness,
        clock,
        on_expired=expired.extend,
    )
    watcher.start()
    try:
        yield watcher, expired
    finally:
        watcher.stop()
        other.dispose()


class Holding:
    """A bus whose member can be held up before it reads, as by a machine or a network that stands still."""

    def __init__(self, bus: Bus, hold: Callable[[], object], waits: list[float]) -> None:
        self._bus = bus
        self._hold = hold
        self._waits = waits
        self.asking = bus.asking

    def join(self, place: WorkerPlace | None) -> Member:
        member = self._bus.join(place)
        read = member.read

        def held(patience: float) -> Heard:
            self._waits.append(patience)
            heard = read(patience)
            self._hold()
            return heard

        member.read = held  # type: ignore[method-assign]
        return member


def wait_for(condition: Callable[[], object], seconds: float = 5.0) -> float:
    """Wait until the condition holds, and return how long that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not happen in time"
        time.sleep(0.002)
    return time.monotonic() - started


def test_what_another_process_commits_is_cut_before_it_returns(company: Company) -> None:
    company.clock.now = system_clock()
    ids = [company.issue()[1].id for _ in range(5)]
    url = company.database.url.render_as_string(hide_password=False)
    with watching(company):
        command = [sys.executable, "-c", REVOKE, url]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdin is not None
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
            delays = []
            for credential_id in ids:
                other.stdin.write(f"{credential_id}\n")
                other.stdin.flush()
                returned_at = float(other.stdout.readline())
                wait_for(lambda credential_id=credential_id: [credential_id] in company.witness.cuts)  # type: ignore[misc]
                cut_at = time.time() - (time.monotonic() - company.witness.at[-1])
                delays.append(cut_at - returned_at)
    assert all(delay <= 0 for delay in delays), delays
    assert [cut for cut in company.witness.cuts if cut] == [[credential_id] for credential_id in ids]
    assert all(each is not None and each.revoked_at is not None for each in company.witness.committed)


def test_what_was_cut_before_the_start_is_not_cut_again(company: Company) -> None:
    _, credential = company.issue()
    company.services.revocation.revoke([credential.id], by="test", why="test")
    company.witness.cuts.clear()
    with watching(company):
        time.sleep(0.2)
    assert company.witness.cuts == []


def test_an_expiry_cuts_without_a_request(company: Company) -> None:
    company.clock.now = system_clock()
    _, first = company.issue(expires_at=Moment(system_clock() + 400))
    _, second = company.issue(expires_at=Moment(system_clock() + SECOND))
    _, third = company.issue(expires_at=Moment(system_clock() + 3600 * SECOND))
    with watching(company) as (_, expired):
        wait_for(lambda: expired == [first.id, second.id])
        late = system_clock() - (second.expires_at or 0)
        assert 0 <= late < SECOND
    assert company.witness.cuts == [[first.id], [second.id]]
    assert third.id not in expired


def test_an_expiry_that_could_not_be_cut_at_first_is_told_when_it_is(
    small_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_company.clock.now = system_clock()
    _, credential = small_company.issue(expires_at=Moment(system_clock() + 100))
    tried: list[list[str]] = []
    cut = small_company.witness.cut

    def fail_once(ids: Collection[str]) -> Count:
        tried.append(sorted(ids))
        if len(tried) == 1:
            raise CutUnconfirmed
        return cut(ids)

    monkeypatch.setattr(small_company.witness, "cut", fail_once)
    with watching(small_company) as (_, expired):
        wait_for(lambda: expired)
    assert expired == [credential.id]
    assert tried == [[credential.id]] * 2


def test_an_expiry_is_told_once_in_the_audit(company: Company) -> None:
    """Also one that fell into a pause of the server, and also when two processes notice."""
    company.clock.now = Moment(system_clock() - 60 * SECOND)
    password, credential = company.issue(expires_at=Moment(system_clock() - 10 * SECOND))
    company.clock.now = system_clock()
    for _ in range(2):
        services = assemble(company.database, cutter=company.witness)
        services.start()
        wait_for(lambda services=services: services.usage._expired)  # type: ignore[misc]
        services.stop()
        company.verify(password)
    with company.database.read() as connection:
        told = [event for event in audit.select(connection, credential_id=credential.id) if event.event == "expired"]
    assert [event.at for event in told] == [credential.expires_at]
    assert told[0].account == "ana"


def test_a_revoked_credential_does_not_expire(small_company: Company) -> None:
    small_company.clock.now = system_clock()
    _, credential = small_company.issue(expires_at=Moment(system_clock() + 100))
    small_company.services.revocation.revoke([credential.id], by="test", why="test")
    with watching(small_company) as (_, expired):
        time.sleep(0.6)
    assert expired == []


class TestDatabaseGone:
    """Who cannot hear a revocation does not go on sending."""

    def check(self, company: Company, take_away: Callable[[], None], give_back: Callable[[], None]) -> None:
        company.clock.now = system_clock()
        _, credential = company.issue()
        with watching(company) as (watcher, _):
            time.sleep(1.2)
            assert watcher.healthy
            assert company.witness.everything == 0
            take_away()
            assert 0.2 < wait_for(lambda: company.witness.everything) < 1.5
            assert not watcher.healthy
            time.sleep(0.5)
            give_back()
            wait_for(lambda: watcher.healthy)
            company.services.revocation.revoke([credential.id], by="test", why="test")
            wait_for(lambda: company.witness.cuts.count([credential.id]) == 2)
            # Once: whoever came meanwhile was served nothing, and is not reset.
            assert company.witness.everything == 1

    def test_sqlite(self, sqlite_database: Database, found_company: Callable[..., Company]) -> None:
        company = found_company(sqlite_database)
        assert sqlite_database.url.database is not None
        path = Path(sqlite_database.url.database)
        aside = path.with_suffix(".aside")
        self.check(company, lambda: path.rename(aside) and None, lambda: aside.rename(path) and None)  # type: ignore[func-returns-value]

    def test_postgres(self, postgres_database: Database, found_company: Callable[..., Company]) -> None:
        company = found_company(postgres_database)
        name = postgres_database.url.database
        server = postgres_database.url.set(drivername="postgresql", database="postgres")

        def administer(*statements: str) -> None:
            with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement)  # type: ignore[call-overload]

        self.check(
            company,
            lambda: administer(
                f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
            ),
            lambda: administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"),
        )


def test_a_reader_that_hangs_is_noticed_too(small_company: Company) -> None:
    """A database behind a black hole gives no error at all: the second thread does not wait for the first."""
    held = threading.Event()
    release = threading.Event()

    def hold() -> None:
        if held.is_set():
            release.wait(10)

    with watching(small_company, hold=hold) as (watcher, _):
        time.sleep(1.0)
        assert watcher.healthy
        held.set()
        assert 0.3 < wait_for(lambda: small_company.witness.everything) < 1.5
        assert not watcher.healthy
        # What was read before the pause renews nothing: the lease began when that read began.
        held.clear()
        release.set()
        wait_for(lambda: watcher.healthy)


def test_a_read_that_was_slow_is_followed_by_the_next_at_once(small_company: Company) -> None:
    """Its lease is as much shorter: the pause between two reads is counted from the beginning of the first."""
    waits: list[float] = []
    slow = 2 * HEARTBEAT
    with watching(small_company, hold=lambda: time.sleep(slow), waits=waits):
        wait_for(lambda: len(waits) > 4)
    assert waits[1:4] == [0.0] * 3


def test_one_that_comes_back_cuts_nobody_again(company: Company) -> None:
    """It was given up while it heard nothing: PostgreSQL's is expelled, SQLite's hears then what it missed. Who is
    connected since was answered 503 and served nothing."""
    _, credential = company.issue()
    held, release = threading.Event(), threading.Event()
    with watching(company, hold=lambda: held.is_set() and release.wait(20)) as (watcher, _):
        held.set()
        wait_for(lambda: not watcher.healthy)
        receipt = company.services.revocation.revoke([credential.id], by="test", why="")
        assert [each.how for each in receipt.acknowledgements] == ["cut", "lapsed"]
        held.clear()
        release.set()
        wait_for(lambda: watcher.healthy)
        time.sleep(0.3)
        assert watcher.healthy
    assert company.witness.everything == 1
    assert company.witness.cuts == [[credential.id]]  # the company's own


def test_one_that_others_do_not_see_lets_go_of_everybody(
    postgres_database: Database, found_company: Callable[..., Company]
) -> None:
    """Whoever took its row: with a lease in hand it may be serving somebody whom a revocation does not know of."""
    company = found_company(postgres_database)
    with watching(company) as (watcher, _):
        url = postgres_database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as administrator:
            administrator.execute("DELETE FROM worker")
        wait_for(lambda: company.witness.everything)
        wait_for(lambda: watcher.healthy)
    assert company.witness.everything == 1


def test_one_that_cannot_leave_what_it_was_expelled_from_joins_anew(
    small_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its thread the worker would answer 503 until somebody restarts it."""
    left: list[SqliteMember] = []

    def fail_once(member: SqliteMember) -> None:
        monkeypatch.undo()
        left.append(member)
        raise PermissionError(13, "Permission denied")

    with watching(small_company) as (watcher, _):
        assert small_company.database.file is not None
        path = small_company.database.file.path
        monkeypatch.setattr(SqliteMember, "leave", fail_once)
        shutil.rmtree(path.with_name(path.name + "-bus"))
        wait_for(lambda: left)
        wait_for(lambda: watcher.healthy)
    left[0].leave()


def test_an_expiry_is_told_again_after_the_clock_was_set_back(small_company: Company) -> None:
    now = Moment(1_800_000_000_000)
    small_company.clock.now = now
    _, credential = small_company.issue(expires_at=Moment(now + 60 * SECOND))
    shown = [now]
    with watching(small_company, clock=lambda: shown[0]) as (_, expired):
        wait_for(lambda: small_company.witness.cuts == [])
        shown[0] = Moment(now + 3600 * SECOND)
        wait_for(lambda: expired == [credential.id])
        shown[0] = Moment(now + SECOND)
        time.sleep(0.5)
        assert expired == [credential.id]
        shown[0] = Moment(now + 61 * SECOND)
        wait_for(lambda: expired == [credential.id] * 2)


def test_a_cut_that_is_not_confirmed_is_tried_again(small_company: Company) -> None:
    from dav_gateway.core.errors import GatewayError
    from dav_gateway.service.cutter import Count

    class Stubborn(Witness):
        refusals = 3

        def cut(self, ids: object) -> Count:
            if ids and self.refusals:
                self.refusals -= 1
                raise GatewayError("not confirmed")
            return super().cut(ids)  # type: ignore[arg-type]

    small_company.witness = Stubborn(small_company.database)
    _, credential = small_company.issue()
    with watching(small_company):
        with small_company.database.change_credentials([credential.id]):
            pass
        # Nobody rang: it is found at the next beat.
        wait_for(lambda: small_company.witness.cuts == [[credential.id]])


def test_a_process_that_serves_starts_and_stops_it(company: Company) -> None:
    services: Services = assemble(company.database, cutter=company.witness)
    assert not services.watcher.healthy
    services.start()
    assert services.watcher.healthy
    services.stop()
    assert not services.watcher.healthy


@pytest.mark.parametrize("threads", ["watch", "watch-guard", "usage"])
def test_no_thread_is_left(small_company: Company, threads: str) -> None:
    services = assemble(small_company.database, cutter=small_company.witness)
    services.start()
    assert threads in {thread.name for thread in threading.enumerate()}
    services.stop()
    assert threads not in {thread.name for thread in threading.enumerate()}
