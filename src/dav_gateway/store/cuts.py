"""Rows of `cut`: the credentials whose connections every process must close, in the order of commit."""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from dav_gateway.core.moment import Moment
from dav_gateway.store.cut_tables import cut

_ADD = insert(cut)
_AFTER = select(cut.c.seq, cut.c.credential_id, cut.c.process).where(cut.c.seq > bindparam("seq")).order_by(cut.c.seq)
_LAST = select(func.coalesce(func.max(cut.c.seq), 0))
_FORGET = delete(cut).where(cut.c.at < bindparam("before"), cut.c.seq <= bindparam("until"))

APPEND_AND_TELL = """WITH added AS (
        INSERT INTO cut (credential_id, at, process)
        SELECT id, %(at)s, %(process)s FROM unnest(%(ids)s::text[]) AS id RETURNING seq, credential_id
    ), word AS (
        SELECT max(seq) AS last,
            json_build_array(%(process)s::text, json_agg(json_build_array(seq, credential_id)))::text AS word
        FROM added
    )
    SELECT last, pg_notify('dav_gateway_cut', CASE WHEN octet_length(word) < 8000 THEN word ELSE '' END)::text
    FROM word"""
"""PostgreSQL's `append`, for psycopg, which also tells who listens at the commit: the process, and number and id of
each cut. With more of them than a notification takes, it says that there is something to read."""

KEPT = 10_000
"""Newest cuts that are kept, whatever the clock of who puts them away says: a reader may not have seen them yet."""


def append(c: Connection, credential_ids: Iterable[str], now: Moment, process: str) -> int:
    """Say that the connections of these credentials must be cut; the last sequence number is returned.

    Only a Backend calls this, inside `Database.change_credentials`: sequence numbers appear in the order of commit, so
    that no reader passes over one. `process` says whose word it is: that one cuts by itself.
    """
    rows = [{"credential_id": credential_id, "at": now, "process": process} for credential_id in credential_ids]
    if rows:
        c.execute(_ADD, rows)
    return last(c)


def after(c: Connection, seq: int) -> list[tuple[int, str, str]]:
    """(sequence number, credential id, process) of every cut later than `seq`, oldest first."""
    return [(row[0], row[1], row[2]) for row in c.execute(_AFTER, {"seq": seq})]


def last(c: Connection) -> int:
    """The newest sequence number, 0 when there is none."""
    return int(c.execute(_LAST).scalar_one())


def forget(c: Connection, before: Moment, *, keep: int = KEPT) -> int:
    """Delete the cuts older than `before` but for the newest, and return how many: a process that runs has seen them,
    one that starts has no connections yet."""
    return c.execute(_FORGET, {"before": before, "until": last(c) - keep}).rowcount
