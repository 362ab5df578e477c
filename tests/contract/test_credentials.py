"""Credentials: every field survives, and the small writes that follow a use do what they say and no more."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest

from dav_gateway.core.account import Account
from dav_gateway.core.credential import Credential, Service
from dav_gateway.core.errors import NotFound
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Access, Scope
from dav_gateway.store import accounts, credentials
from dav_gateway.store.credentials import RefusalNote, UseNote
from dav_gateway.store.database import Database
from dav_gateway.store.errors import IdTaken

Issue = Callable[..., Credential]


def test_every_field_survives(database: Database, ana: Account, draft: Credential) -> None:
    full = replace(
        draft,
        scopes=frozenset({Scope.CALENDARS, Scope.CONTACTS}),
        access=Access.READ_ONLY,
        collections=frozenset({"team", "employees"}),
        networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
        **{name: Moment(number) for number, name in enumerate(MOMENTS, start=1)},  # type: ignore[arg-type]
        **{name: f"<{name}>" for name in TEXTS},  # type: ignore[arg-type]
    )
    with database.write() as c:
        credentials.add(c, full)
        credentials.add(c, replace(draft, id="00000"))
    with database.read() as c:
        assert credentials.with_owner(c, "k7mqx") == (full, ana)
        assert credentials.get(c, "k7mqx") == full
        assert credentials.get(c, "00000") == replace(draft, id="00000")
        assert credentials.with_owner(c, "zzzzz") is None
        assert credentials.get(c, "K7MQX") is None


MOMENTS = (
    "expires_at",
    "created_at",
    "first_used_at",
    "last_used_at",
    "paused_at",
    "revoked_at",
    "last_refusal_at",
)
TEXTS = (
    "client_family",
    "last_used_address",
    "last_used_client",
    "revoked_by",
    "revoked_why",
    "last_refusal_reason",
    "replaces",
    "last_refusal_hint",
)


def test_the_owner_is_read_as_it_is_now(database: Database, ana: Account, issue: Issue) -> None:
    issue()
    with database.write() as c:
        accounts.change(c, ana.id, active=False, phones=["1"])
    with database.read() as c:
        found = credentials.with_owner(c, "k7mqx")
    assert found is not None
    assert found[1] == replace(ana, active=False, phones=("1",))


def test_those_that_are_not_revoked_come_with_their_owners(database: Database, ana: Account, issue: Issue) -> None:
    with database.write() as c:
        aaron = accounts.add(c, name="aaron", email="aaron@example.org", display_name="Aaron", now=Moment(1))
    first = issue(created_at=Moment(2))
    issue(id="gone0", revoked_at=Moment(3))
    second = issue(id="00000", created_at=Moment(1), paused_at=Moment(5))
    third = issue(id="aaaaa", account_id=aaron.id)
    with database.read() as c:
        assert credentials.not_revoked(c) == [(third, aaron), (second, ana), (first, ana)]


def test_an_id_is_given_once(database: Database, issue: Issue, draft: Credential) -> None:
    issue(label="first")
    with pytest.raises(IdTaken), database.write() as c:
        credentials.add(c, replace(draft, label="second"))
    with database.read() as c:
        found = credentials.get(c, "k7mqx")
    assert found is not None
    assert found.label == "first"


def test_a_refused_id_leaves_the_transaction_usable(database: Database, issue: Issue, draft: Credential) -> None:
    issue()
    with database.write() as c:
        with pytest.raises(IdTaken):
            credentials.add(c, draft)
        credentials.add(c, replace(draft, id="another"))
    with database.read() as c:
        assert credentials.get(c, "another") is not None


def test_the_credentials_of_an_account_oldest_first(database: Database, ana: Account, issue: Issue) -> None:
    issue(id="c", created_at=Moment(3))
    issue(id="a", created_at=Moment(1), revoked_at=Moment(2))
    issue(id="b", created_at=Moment(2))
    with database.write() as c:
        bo = accounts.add(c, name="bo", email="bo@example.org", display_name="Bo", now=Moment(1))
    issue(id="d", account_id=bo.id)
    with database.read() as c:
        assert [found.id for found in credentials.of_account(c, ana.id)] == ["a", "b", "c"]


def test_change_touches_the_given_fields_only(database: Database, issue: Issue) -> None:
    issued = issue()
    changes = {
        "label": "tablet",
        "service": Service.ANDROID,
        "scopes": frozenset({Scope.CONTACTS}),
        "access": Access.READ_ONLY,
        "collections": frozenset({"employees"}),
        "networks": (ip_network("10.0.0.0/8"),),
        "expires_at": Moment(9),
        "verifier": "$blake2b$x",
        "client_family": "dav",
        "paused_at": Moment(4),
        "revoked_at": Moment(5),
        "revoked_by": "ana",
        "revoked_why": "lost",
        "replaces": "00000",
    }
    for name, value in changes.items():
        before = _read(database)
        with database.write() as c:
            changed = credentials.change(c, "k7mqx", **{name: value})  # type: ignore[arg-type]
        assert changed == replace(before, **{name: value}) == _read(database)  # type: ignore[arg-type]
    assert _read(database) == replace(issued, **changes)  # type: ignore[arg-type]
    with pytest.raises(NotFound), database.write() as c:
        credentials.change(c, "zzzzz", label="nobody")


def test_live_ones_are_counted(database: Database, ana: Account, issue: Issue, now: Moment) -> None:
    issue(id="live")
    issue(id="paused", paused_at=now)
    issue(id="ends later", expires_at=Moment(now + 1))
    issue(id="ended", expires_at=now)
    issue(id="revoked", revoked_at=now)
    with database.read() as c:
        assert credentials.live_count(c, ana.id, now) == 3
        assert credentials.live_count(c, ana.id + 1, now) == 0


def test_uses_are_noted_and_never_go_back(database: Database, issue: Issue) -> None:
    issue()
    with database.write() as c:
        credentials.note_use(c, [])
        credentials.note_use(c, [_use(7), _use(5), UseNote("zzzzz", Moment(1), "", "")])
    noted = _read(database)
    assert (noted.first_used_at, noted.last_used_at) == (5, 7)
    assert (noted.last_used_address, noted.last_used_client) == ("192.0.2.7", "client 7")
    with database.write() as c:
        credentials.note_use(c, [_use(6)])
    assert _read(database) == noted


def _use(at: int) -> UseNote:
    return UseNote("k7mqx", Moment(at), f"192.0.2.{at}", f"client {at}")


def test_refusals_are_noted_and_never_go_back(database: Database, issue: Issue) -> None:
    issue()
    with database.write() as c:
        credentials.note_refusal(c, [])
        credentials.note_refusal(
            c, [RefusalNote("k7mqx", Moment(7), "scope"), RefusalNote("k7mqx", Moment(5), "client")]
        )
    assert (_read(database).last_refusal_at, _read(database).last_refusal_reason) == (7, "scope")


def test_the_first_family_stays(database: Database, issue: Issue) -> None:
    issue()
    with database.write() as c:
        assert credentials.fix_family(c, "k7mqx", "apple") == "apple"
        assert credentials.fix_family(c, "k7mqx", "outlook") == "apple"
        assert credentials.fix_family(c, "zzzzz", "apple") is None
    assert _read(database).client_family == "apple"


def test_expiries_are_told_in_their_order(database: Database, issue: Issue) -> None:
    issue(id="never")
    issue(id="b", expires_at=Moment(20))
    issue(id="a", expires_at=Moment(10))
    issue(id="dead", expires_at=Moment(15), revoked_at=Moment(1))
    with database.read() as c:
        assert credentials.expired_between(c, Moment(0), Moment(20)) == ["a", "b"]
        assert credentials.expired_between(c, Moment(10), Moment(19)) == []


def _read(database: Database) -> Credential:
    with database.read() as c:
        found = credentials.get(c, "k7mqx")
    assert found is not None
    return found
