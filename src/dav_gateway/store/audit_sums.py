"""Sums over `audit`: how often something happened, and when first and last. Whatever the age of the installation, only
so many of the newest rows are looked at."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select

from dav_gateway.core.moment import Moment
from dav_gateway.store.schema import audit

LOOKED_AT_OF_ONE = 20_000
LOOKED_AT = 100_000


@dataclass(frozen=True, slots=True)
class Sum:
    """Events that are alike. `reason` is that of a refusal, empty for everything else; `address` is empty where it was
    not asked for."""

    event: str
    credential_id: str | None
    client_family: str | None
    reason: str
    address: str
    first: Moment
    last: Moment
    times: int


def of_account(c: Connection, account: str, events: Sequence[str], since: Moment) -> list[Sum]:
    """The events of an account by app password, program, address and reason, the latest first."""
    statement = _sums(LOOKED_AT_OF_ONE, audit.c.account == bindparam("account"), with_address=True)
    return _read(c, statement, events, since, account=account)


def of_everybody(c: Connection, events: Sequence[str], since: Moment) -> list[Sum]:
    """The events of all accounts, and of nobody's, by app password, program and reason, the latest first."""
    return _read(c, _sums(LOOKED_AT, with_address=False), events, since)


def _sums(limit: int, *where: ColumnElement[bool], with_address: bool) -> Select[Any]:
    newest = select(audit).where(*where).order_by(audit.c.id.desc()).limit(limit).subquery()
    alike = [newest.c.event, newest.c.credential_id, newest.c.client_family, newest.c.detail]
    if with_address:
        alike.append(newest.c.address)
    last = func.max(newest.c.at)
    return (
        select(*alike, func.min(newest.c.at), last, func.count())
        .where(newest.c.event.in_(bindparam("events", expanding=True)), newest.c.at >= bindparam("since"))
        .group_by(*alike)
        .order_by(last.desc())
    )


def _read(c: Connection, statement: Select[Any], events: Sequence[str], since: Moment, **values: str) -> list[Sum]:
    found = []
    for row in c.execute(statement, {"events": list(events), "since": since, **values}):
        event, credential_id, family, detail, *address, first, last, times = row
        reason = str(json.loads(detail).get("reason", ""))
        found.append(Sum(event, credential_id, family, reason, address[0] or "" if address else "", first, last, times))
    return found
