"""Receipts: what is recorded of a revocation, on each engine, and the first request that it refused."""

from dav_gateway.core.moment import SECOND
from dav_gateway.service.receipts import rows_of
from dav_gateway.service.services import assemble
from dav_gateway.store import audit, receipts
from dav_gateway.store.database import open_database
from dav_gateway.store.receipts import Refused, StoredReceipt

from .conftest import START, Company, Witness


def stored(company: Company, credential_id: str) -> StoredReceipt | None:
    with company.database.read() as connection:
        return receipts.latest(connection, credential_id)


def test_it_is_recorded_with_who_acknowledged(company: Company) -> None:
    """Another process serves too: what both cut is counted."""
    other_database = open_database(company.database.url.render_as_string(hide_password=False))
    other = assemble(other_database, cutter=Witness(other_database), clock=company.clock)
    other.start()
    _, credential = company.issue()
    receipt = company.services.revocation.revoke([credential.id], by="ana", why="lost")
    other.stop()
    assert [each.how for each in receipt.acknowledgements] == ["cut", "cut"]
    assert (receipt.connections, receipt.requests) == (2, 2)
    found = stored(company, credential.id)
    assert found is not None
    assert found.id == receipt.number
    assert (found.decided_at, found.done_at, found.actor) == (START, START, "ana")
    assert (found.connections, found.requests) == (2, 2)
    assert found.acknowledgements == rows_of(receipt)
    assert [row[3:] for row in found.acknowledgements] == [(1, 1), (1, 1)]
    with company.database.read() as connection:
        [event] = [each for each in audit.select(connection, credential_id=credential.id) if each.event == "cut"]
    assert event.detail == {"receipt": found.id, "connections": 2, "requests": 2}
    other_database.dispose()


def test_the_first_refused_request_is_noted_once(company: Company) -> None:
    password, credential = company.issue()
    company.verify(password)
    company.services.revocation.revoke([credential.id], by="ana", why="lost")
    company.clock.advance(5 * SECOND)
    company.verify(password, user_agent="DAVx5/4.5")
    company.clock.advance(SECOND)
    company.verify(password, user_agent="DAVx5/4.5")
    company.services.usage.flush(everything=True)
    company.clock.advance(3600 * SECOND)
    company.verify(password, user_agent="curl/8")
    company.services.usage.flush(everything=True)
    found = stored(company, credential.id)
    assert found is not None
    assert found.refused == (Refused(credential.id, START + 5 * SECOND, "DAVx5/4.5"),)


def test_a_refusal_belongs_to_the_newest_receipt(company: Company) -> None:
    password, credential = company.issue()
    company.services.revocation.pause(credential.id, by="ana")
    first = stored(company, credential.id)
    company.services.revocation.resume(credential.id, by="ana")
    company.services.revocation.revoke([credential.id], by="ana", why="lost")
    company.verify(password)
    company.services.usage.flush(everything=True)
    newest = stored(company, credential.id)
    assert first is not None
    assert newest is not None
    assert newest.id > first.id
    assert newest.refused[0].at == START
    with company.database.read() as connection:
        assert receipts.get(connection, first.id) == first


def test_several_at_once_share_one(company: Company) -> None:
    ids = sorted(company.issue()[1].id for _ in range(3))
    receipt = company.services.revocation.revoke_all("ana", by="ana", why="lost")
    found = stored(company, ids[1])
    assert found is not None
    assert found.id == receipt.number
    assert [each.credential_id for each in found.refused] == ids
    assert found.connections == 3


def test_nothing_to_revoke_leaves_none(company: Company) -> None:
    receipt = company.services.revocation.revoke_all("ana", by="ana", why="lost")
    assert (receipt.ids, receipt.number) == ((), None)
    assert stored(company, "k7mqx") is None


def test_a_receipt_that_cannot_be_recorded_takes_nothing_back(small_company: Company) -> None:
    _, credential = small_company.issue()
    with small_company.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE receipt RENAME TO receipt_away")
    receipt = small_company.services.revocation.revoke([credential.id], by="ana", why="lost")
    assert receipt.number is None
    assert small_company.stored(credential.id).revoked_at == START
