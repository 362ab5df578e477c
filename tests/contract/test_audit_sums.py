"""Sums over the audit: what is alike is counted together, with its first and last moment."""

import pytest

from dav_gateway.core.moment import Moment
from dav_gateway.store import audit, audit_sums
from dav_gateway.store.audit import Event
from dav_gateway.store.audit_sums import Sum
from dav_gateway.store.database import Database


def used(at: int, credential: str = "k7mqx", address: str | None = "192.0.2.1", account: str = "ana") -> Event:
    return Event(Moment(at), "used", account, credential, None, address, "davx5")


def refused(at: int, reason: str, account: str | None = "ana") -> Event:
    return Event(Moment(at), "refused", account, "k7mqx", None, "192.0.2.1", "ios", detail={"reason": reason})


def test_what_is_alike_is_counted_together(database: Database) -> None:
    events = [
        used(1),
        used(5),
        used(6, address=None),
        used(3, account="ben"),
        refused(4, "client"),
        refused(7, "client"),
    ]
    with database.write() as c:
        audit.append(c, *events, Event(Moment(9), "renamed", "ana", "k7mqx"))
    with database.read() as c:
        assert audit_sums.of_account(c, "ana", ("used", "refused"), Moment(2)) == [
            Sum("refused", "k7mqx", "ios", "client", "192.0.2.1", Moment(4), Moment(7), 2),
            Sum("used", "k7mqx", "davx5", "", "", Moment(6), Moment(6), 1),
            Sum("used", "k7mqx", "davx5", "", "192.0.2.1", Moment(5), Moment(5), 1),
        ]
        assert audit_sums.of_everybody(c, ("used",), Moment(0)) == [
            Sum("used", "k7mqx", "davx5", "", "", Moment(1), Moment(6), 4)
        ]
        assert audit_sums.of_account(c, "carla", ("used",), Moment(0)) == []


def test_only_the_newest_rows_are_looked_at(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_sums, "LOOKED_AT_OF_ONE", 2)
    with database.write() as c:
        audit.append(c, used(1), used(2), used(3))
    with database.read() as c:
        [found] = audit_sums.of_account(c, "ana", ("used",), Moment(0))
    assert (found.first, found.times) == (Moment(2), 2)
