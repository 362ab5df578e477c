"""Sessions of the page and forms for one use, on both engines."""

from dataclasses import replace

import pytest

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.store import accounts, form_uses, web_sessions
from dav_gateway.store.database import Database
from dav_gateway.store.web_sessions import Stage, WebSession

T = Moment(1_790_000_000_000)


@pytest.fixture
def session(ana: Account) -> WebSession:
    return WebSession("d1", "s1", ana.id, Stage.SECOND_STEP, T, T, "{}", None, "192.0.2.7", "Firefox")


@pytest.fixture
def ben(database: Database) -> Account:
    with database.write() as c:
        return accounts.add(c, name="ben", email="ben@example.org", display_name="Ben", now=T)


def stored(database: Database, account: Account) -> list[WebSession]:
    with database.read() as c:
        return web_sessions.of_account(c, account.id)


def test_every_field_survives_and_the_account_is_as_it_is_now(
    database: Database, ana: Account, session: WebSession
) -> None:
    with database.write() as c:
        web_sessions.add(c, session)
        accounts.change(c, ana.id, active=False)
    with database.read() as c:
        assert web_sessions.find(c, "d1") == (session, replace(ana, active=False))
        assert web_sessions.find(c, "s1") is None
    assert stored(database, ana) == [session]


def test_it_is_touched_forward_only_and_asked_again(database: Database, ana: Account, session: WebSession) -> None:
    with database.write() as c:
        web_sessions.add(c, session)
        web_sessions.add(c, replace(session, digest="d2", id="s2"))
        web_sessions.touch(c, "d1", Moment(T + 5))
        web_sessions.touch(c, "d1", Moment(T + 3))
        assert web_sessions.ask_again(c, "d2", "asked")
        assert not web_sessions.ask_again(c, "d3", "asked")
    first, second = stored(database, ana)
    assert (first.id, first.seen_at, first.again) == ("s1", T + 5, None)
    assert (second.id, second.seen_at, second.again) == ("s2", T, "asked")


def test_sessions_end_one_by_one_or_all_but_one(
    database: Database, ana: Account, ben: Account, session: WebSession
) -> None:
    with database.write() as c:
        for number in range(1, 5):
            web_sessions.add(c, replace(session, digest=f"d{number}", id=f"s{number}"))
        web_sessions.add(c, replace(session, digest="b", id="b", account_id=ben.id))
        assert web_sessions.end(c, "d1")
        assert not web_sessions.end(c, "d1")
        assert not web_sessions.end_named(c, ana.id, "b"), "of another account"
        assert web_sessions.end_named(c, ana.id, "s2")
        assert web_sessions.end_all(c, ana.id, except_digest="d3") == 1
    assert [each.id for each in stored(database, ana)] == ["s3"]
    assert [each.id for each in stored(database, ben)] == ["b"]


def test_the_unseen_and_the_old_are_forgotten(database: Database, ana: Account, session: WebSession) -> None:
    with database.write() as c:
        web_sessions.add(c, replace(session, digest="unseen", id="unseen", seen_at=Moment(T - 10)))
        web_sessions.add(c, replace(session, digest="old", id="old", created_at=Moment(T - 100)))
        web_sessions.add(c, session)
        assert web_sessions.forget(c, unseen_since=Moment(T - 9), older_than=Moment(T - 99)) == 2
    assert stored(database, ana) == [session]


def test_a_form_is_used_once(database: Database, ana: Account, ben: Account) -> None:
    with database.write() as c:
        assert form_uses.add(c, "f", ana.id, "k7mqx", T)
        assert not form_uses.add(c, "f", ana.id, "00000", T)
        assert form_uses.find(c, "f", ana.id) == "k7mqx"
        assert form_uses.find(c, "f", ben.id) is None
        assert form_uses.forget(c, T) == 0
        assert form_uses.forget(c, Moment(T + 1)) == 1
        assert form_uses.find(c, "f", ana.id) is None
