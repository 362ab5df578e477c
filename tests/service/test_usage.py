"""Use and refusal as the owner sees them: seldom written, sampled, and never in the way of a request."""

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from dav_gateway.core import secret
from dav_gateway.core.credential import Reason
from dav_gateway.core.moment import HOUR, MINUTE
from dav_gateway.service.services import assemble
from dav_gateway.service.usage import MOST_PENDING
from dav_gateway.service.verification import Granted
from dav_gateway.store.database import open_database

from .conftest import HOME, IPHONE, Company


def test_the_last_use_is_written_at_most_once_a_minute(company: Company) -> None:
    password, credential = company.issue()
    usage = company.services.usage
    company.verify(password)
    first = company.clock.now
    company.clock.advance(1000)
    company.verify(password, address="192.0.2.99", user_agent="iOS/18.0 (22A1) \x00remindd/1.0" + "x" * 200)
    usage.flush()
    stored = company.stored(credential.id)
    assert stored.first_used_at == first
    assert stored.last_used_at == first + 1000
    assert stored.last_used_address == "192.0.2.99"
    assert stored.last_used_client == ("iOS/18.0 (22A1) remindd/1.0" + "x" * 200)[:120]

    company.clock.advance(1000)
    company.verify(password)
    with company.statements() as statements:
        usage.flush()
    assert statements == []
    company.clock.advance(MINUTE)
    usage.flush()
    assert company.stored(credential.id).last_used_at == first + 2000
    assert company.stored(credential.id).last_used_address == HOME


def test_uses_are_sampled_in_the_audit(small_company: Company) -> None:
    password, credential = small_company.issue()
    for _ in range(100):
        small_company.verify(password)
        small_company.services.usage.flush()
        small_company.clock.advance(MINUTE)
    assert small_company.events(credential.id).count("used") == 2  # one an hour


def test_a_lost_device_that_polls_for_ever_does_not_fill_the_audit(small_company: Company) -> None:
    password, credential = small_company.issue()
    small_company.services.revocation.revoke([credential.id], by="test", why="lost")
    for _ in range(50):
        small_company.verify(password)
        small_company.services.usage.flush()
        small_company.clock.advance(1000)
    assert small_company.events(credential.id).count("refused") == 1
    stored = small_company.stored(credential.id)
    assert stored.last_refusal_reason == "revoked"
    assert stored.last_used_at is None


def test_what_may_not_be_done_is_told_apart(company: Company) -> None:
    password, credential = company.issue()
    verdict = company.verify(password)
    assert isinstance(verdict, Granted)
    presented = _presented(password)
    company.services.usage.refused(credential.id, Reason.SCOPE, presented)
    company.services.usage.refused(credential.id, Reason.STORE, presented)
    company.services.usage.refused(None, Reason.NO_CREDENTIALS, presented)
    company.services.usage.flush()
    assert company.events(credential.id)[2:] == ["first_used", "used", "scope_denied"]
    assert company.stored(credential.id).last_refusal_reason == "scope"


def test_an_id_that_nobody_has_leaves_no_trace(small_company: Company) -> None:
    before = small_company.events()
    small_company.services.usage.refused("00000", Reason.MISTYPED, _presented(secret.make(bytes)))
    small_company.services.usage.refused(None, Reason.MISTYPED, _presented(secret.make(bytes)))
    small_company.services.usage.flush()
    assert small_company.events() == before


def test_a_locked_database_fails_no_request_and_loses_no_note(
    sqlite_url: str, found_company: Callable[..., Company]
) -> None:
    database = open_database(sqlite_url, busy_timeout=0.2)
    company = found_company(database)
    password, credential = company.issue()
    assert company.reason(password) is None
    company.services.usage.flush()
    company.clock.advance(MINUTE)
    assert database.url.database is not None
    locker = sqlite3.connect(database.url.database, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    assert company.reason(password) is None
    assert time.monotonic() - started < 0.1
    assert company.services.usage.flush() is False
    # A first use is no courtesy: what it settles must be written, so it waits for a better moment.
    locker.rollback()
    fresh, _ = company.issue()
    locker.execute("BEGIN IMMEDIATE")
    assert company.reason(fresh) is Reason.STORE
    locker.rollback()
    locker.close()
    assert company.reason(fresh) is None
    assert company.services.usage.flush() is True
    assert company.stored(credential.id).last_used_at == company.clock.now
    database.dispose()


def test_memory_is_bounded(small_company: Company) -> None:
    usage = small_company.services.usage
    presented = _presented(secret.make(bytes))
    for number in range(MOST_PENDING + 100):
        usage.refused(f"{number:05}", Reason.MISTYPED, presented)
    assert len(usage._pending) == MOST_PENDING


def test_the_background_thread_writes_and_stopping_writes_the_rest(company: Company) -> None:
    services = assemble(company.database)
    password, credential = company.issue()
    services.start()
    assert isinstance(company.verify(password, services=services), Granted)
    deadline = time.monotonic() + 5
    while "used" not in company.events(credential.id):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    noted = company.stored(credential.id).last_used_at
    company.verify(password, services=services)
    services.stop()
    last = company.stored(credential.id).last_used_at
    assert noted is not None
    assert last is not None
    assert last > noted


def test_nothing_that_waits_holds_a_secret(small_company: Company) -> None:
    password, _ = small_company.issue()
    small_company.verify(password)
    waiting = str(small_company.services.usage._pending)
    assert password.reveal()[6:] not in waiting
    assert HOME in waiting


def test_uses_after_a_long_pause_are_audited_again(small_company: Company) -> None:
    password, credential = small_company.issue()
    for _ in range(3):
        small_company.verify(password)
        small_company.services.usage.flush()
        small_company.clock.advance(HOUR)
    assert small_company.events(credential.id).count("used") == 3


def _presented(password: secret.AppPassword) -> "object":
    from dav_gateway.service.verification import Presented

    return Presented("ana", secret.parse(password.reveal()), HOME, IPHONE, "request-1")


def test_a_batch_locks_no_credential_while_it_asks_for_others(company: Company) -> None:
    """A revocation of any of them waits for the locks of these rows, so they are taken last."""
    for _ in range(3):
        company.verify(company.issue()[0])
    said: list[str] = []

    def note(*of: Any) -> None:
        said.append(of[2])

    event.listen(company.database.engine, "before_cursor_execute", note)
    assert company.services.usage.flush(everything=True)
    event.remove(company.database.engine, "before_cursor_execute", note)
    locks = [statement.startswith("UPDATE credential") for statement in said]
    assert locks.count(True) == 1
    assert locks.index(True) == len(locks) - 1
    assert len(locks) > 3
