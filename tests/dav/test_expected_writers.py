"""Who has written before goes to the lock at once; what it may still do is read there, and whoever may not write any
more has no second turn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

import pytest

from dav_gateway.core.scope import Access, Scope
from dav_gateway.store.database import Database
from tests.dav.support import Rig, calendar_object

NONSENSE = b"nonsense"
CALENDAR = "/dav/ana/calendars/calendar/"
Change = Callable[[Rig, str], object]

CHANGES: dict[str, tuple[Change, int]] = {
    "revoked": (lambda rig, i: rig.services.revocation.revoke([i], by="test", why="test"), 401),
    "paused": (lambda rig, i: rig.services.revocation.pause(i, by="test"), 401),
    "deactivated": (lambda rig, _: rig.services.accounts.deactivate("ana", by="test"), 401),
    "read-only": (lambda rig, i: rig.services.revocation.narrow(i, by="test", access=Access.READ_ONLY), 403),
    "scope": (lambda rig, i: rig.services.revocation.narrow(i, by="test", scopes=frozenset({Scope.CONTACTS})), 403),
    "network": (
        lambda rig, i: rig.services.revocation.narrow(i, by="test", networks=(ip_network("198.51.100.0/24"),)),
        403,
    ),
}


@pytest.fixture
def rig(rig_anywhere: Rig) -> Rig:
    return rig_anywhere


@contextmanager
def turns(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Which credentials ask for the write lock, until the end of the block."""
    asked: list[str] = []
    write = Database.write

    def noted(database: Database, fence: Any = None, **more: Any) -> Any:
        if fence is not None:
            asked.append(fence.credential_id)
        return write(database, fence, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", noted)
        yield asked


def writer(rig: Rig) -> str:
    """A password that has written, and may have done so without being read in front of the lock the last time."""
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    for uid, status in (("one", 201), ("two", 201)):
        reply = rig.request("PUT", f"{CALENDAR}{uid}.ics", calendar_object(uid), password=password)
        assert reply.status == status
    return password


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(
    ("method", "body"), [("PUT", calendar_object("one", "SUMMARY:new")), ("PUT", NONSENSE), ("DELETE", b"")]
)
def test_what_was_decided_since_is_met_behind_the_lock(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str, method: str, body: bytes
) -> None:
    change, status = CHANGES[name]
    password = writer(rig)
    change(rig, password[:5])
    before = rig.everything()
    with turns(rig, monkeypatch) as asked:
        reply = rig.request(method, f"{CALENDAR}one.ics", body, password=password)
        assert reply.status == status
        assert b"valid-calendar-data" not in reply.body
        assert asked == ([] if body == NONSENSE else [password[:5]])
        del asked[:]
        assert rig.request(method, f"{CALENDAR}two.ics", body, password=password).status == status
        assert asked == []
    assert rig.everything() == before


@pytest.mark.parametrize(
    "how",
    [
        {"password": lambda right: right[:-1] + ("a" if right[-1] != "a" else "b")},
        {"password": lambda right: f"{right[:5]}-3f9tb-x2wne-hd4r8-6pzay"},
        {"login": "ben"},
    ],
    ids=["mistyped", "another secret", "another name"],
)
def test_who_is_not_the_writer_has_no_turn(rig: Rig, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]) -> None:
    password = writer(rig)
    shown = how.get("password", str)(password)
    with turns(rig, monkeypatch) as asked:
        reply = rig.request("DELETE", f"{CALENDAR}one.ics", password=shown, login=how.get("login", "ana"))
        assert reply.status == 401
        assert asked == []
        # And the writer is expected as before.
        assert rig.request("DELETE", f"{CALENDAR}one.ics", password=password).status == 204
        assert asked == [password[:5]]


@pytest.mark.parametrize("path", ["/dav/ben/calendars/calendar/e.ics", "/dav/ana/contacts/employees/e.vcf"])
def test_a_place_that_is_not_the_writers_gives_no_turn(rig: Rig, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    password = writer(rig)
    with turns(rig, monkeypatch) as asked:
        assert rig.request("DELETE", path, password=password).status == 403
    assert asked == []


def test_the_living_are_told_what_is_wrong_with_a_body(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    password = writer(rig)
    with turns(rig, monkeypatch) as asked:
        reply = rig.request("PUT", f"{CALENDAR}one.ics", NONSENSE, password=password)
    assert reply.status == 403
    assert b"valid-calendar-data" in reply.body
    assert asked == []
