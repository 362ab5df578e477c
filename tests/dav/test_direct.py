"""The short ways tell the same as Radicale's dispatch, request by request."""

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest

from dav_gateway.core.scope import Access, Scope
from dav_gateway.dav import direct
from dav_gateway.dav.answers import Long, Own
from dav_gateway.dav.names import DECLARATIONS
from dav_gateway.store import collections, objects
from dav_gateway.store.database import Database
from tests.dav.quick_lane import quickly, until_connected
from tests.dav.random_requests import BOTH, fill, plain, reading, writing
from tests.dav.support import Rig, rig_on

Plain = tuple[int, dict[str, str], bytes]


def _the_long_way(rig: Rig, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]) -> Plain:
    """What Radicale's dispatch tells."""
    with monkeypatch.context() as patch:
        patch.setattr(direct, "answer", lambda *_: None)
        return plain(rig.request(**asked))


def _compare(quick: Plain | None, long: Plain, asked: dict[str, Any], taken: Counter[str]) -> None:
    """What the quick lane tells, if it does, with what is told otherwise; the server leaves out the body for HEAD."""
    if quick is not None:
        taken[f"{asked['method']} {quick[0]}"] += 1
        if asked["method"] == "HEAD":
            quick = quick[0], quick[1], b""
        assert quick == long, asked


@pytest.mark.parametrize("seed", range(4))
def test_the_short_ways_tell_what_radicales_dispatch_tells(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    passwords, tokens = fill(rig)
    random = Random(seed)
    taken: Counter[str] = Counter()
    for number in range(1500):
        asked = reading(random, passwords, tokens)
        long = _the_long_way(rig, monkeypatch, asked)
        assert plain(rig.request(**asked)) == long, (number, asked)
        _compare(quickly(rig, asked), long, asked, taken)
    assert taken["PROPFIND 207"] > 20
    assert taken["REPORT 207"] > 2
    assert taken["GET 200"] > 2


def test_one_statement_tells_what_a_snapshot_tells(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL: what is answered without a transaction, and what turns out to need one, is the long way's answer."""
    rig = rig_on(postgres_database)
    passwords, tokens = fill(rig)
    random = Random(5)
    taken: Counter[bool] = Counter()
    once = direct._read_once

    def noted(*asked: Any) -> Long | None:
        found = once(*asked)
        taken[found is not None] += 1
        return found

    monkeypatch.setattr(direct, "_read_once", noted)
    for number in range(1200):
        asked = reading(random, passwords, tokens)
        long = _the_long_way(rig, monkeypatch, asked)
        assert plain(rig.request(**asked)) == long, (number, asked)
    assert taken[True] > 100
    assert taken[False] > 20


def test_the_event_loop_tells_what_a_thread_tells(postgres_database: Database) -> None:
    """PostgreSQL: what one statement answers, in the loop that asked for it."""
    rig = rig_on(postgres_database)
    passwords, tokens = fill(rig)
    random = Random(6)
    taken: Counter[str] = Counter()
    with asyncio.Runner() as runner:
        until_connected(rig, runner)
        for _ in range(3000):
            asked = reading(random, passwords, tokens)
            long = plain(rig.request(**asked))
            _compare(quickly(rig, asked, runner), long, asked, taken)
    assert taken["PROPFIND 207"] > 10
    assert taken["REPORT 207"] > 2
    assert taken["GET 200"] > 2


SYNC = (
    "<D:sync-collection {}><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level>"
    "<D:prop><C:calendar-data/></D:prop></D:sync-collection>"
)
MULTIGET = (
    "<C:calendar-multiget {}><!-- sync-collection {} --><D:prop><D:getetag/></D:prop>"
    "<D:href>/dav/ana/calendars/calendar/1.ics</D:href></C:calendar-multiget>"
)


@pytest.mark.parametrize("report", [SYNC, MULTIGET])
@pytest.mark.parametrize("to_do", ["nothing", "revoke"])
def test_what_needs_a_snapshot_asks_for_the_credential_in_it(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch, to_do: str, report: str
) -> None:
    """A credential that dies between the one statement and the snapshot that has to follow opens nothing."""
    rig = rig_on(postgres_database)
    [everything, *_], tokens = fill(rig)
    once = direct._read_once

    def slowly(*asked: Any) -> Long | None:
        found = once(*asked)
        assert found is None
        if to_do == "revoke":
            rig.services.revocation.revoke([everything[:5]], by="test", why="test")
        return found

    monkeypatch.setattr(direct, "_read_once", slowly)
    body = report.format(DECLARATIONS, tokens[0]).encode()
    reply = rig.request("REPORT", "/dav/ana/calendars/calendar/", body, password=everything)
    assert reply.status == {"nothing": 207, "revoke": 401}[to_do]


def _swapped(text: str) -> str:
    return text.replace("ana", "\0").replace("ben", "ana").replace("\0", "ben")


@pytest.mark.parametrize("seed", range(3))
def test_writes_come_out_the_same(rig: Rig, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Ana's go by the long way, Ben's the same by the short one; what there is in the end is the same too."""
    random = Random(seed)
    passwords = {
        login: [rig.password(BOTH, account=login), rig.password(BOTH, account=login, access=Access.READ_ONLY),
                rig.password({Scope.CONTACTS}, account=login), "wrong"]
        for login in ("ana", "ben")
    }  # fmt: skip
    for login in ("ana", "ben"):
        for password in passwords[login][:3]:
            rig.request("PROPFIND", "/dav/", password=password, login=login, depth="0")
    etags, taken = ['"y"'], Counter[int]()
    short = direct.answer
    monkeypatch.setattr(direct, "answer", lambda *asked: noted(short(*asked)))

    def noted(answer: Own | None) -> Own | None:
        taken[0] += answer is not None
        return answer

    for number in range(600):
        asked, which = writing(random, etags), random.choice([0] * 9 + [1, 2, 3])
        long = _the_long_way(rig, monkeypatch, {**asked, "password": passwords["ana"][which]})
        mirrored = {**asked, "path": _swapped(asked["path"])}
        status, headers, body = plain(rig.request(**mirrored, login="ben", password=passwords["ben"][which]))
        told = {name: _swapped(value) for name, value in headers.items()}
        assert (status, told, _swapped(body.decode())) == (long[0], long[1], long[2].decode()), (number, asked)
        assert quickly(rig, {**asked, "password": passwords["ana"][0]}) is None
        etags += [headers["ETag"]] if "ETag" in headers else []
        taken[status] += 1
    assert taken[0] > 150
    assert {201, 204, 403, 404, 412} <= set(taken)
    with rig.services.database.read() as connection:
        stored = [
            [one[:6] for one in objects.every(connection, each.id)]
            for account in (1, 2)
            for each in collections.in_home(connection, account, "calendars")
        ]
    half = len(stored) // 2
    assert stored[:half] == stored[half:]
