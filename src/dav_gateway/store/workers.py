"""Rows of `worker`: the processes that serve, as PostgreSQL's bus knows them (SQLite's has files, see bus).

Statements are text because the bus speaks to psycopg itself: it needs notifications and deadlines of its own. A row
that is there means: wait for this one. `beat` moves with every read; `done` is the last cut that was carried out.
"""

ENTER = """INSERT INTO worker (id, node, slot, label, beat, done, joined_at)
    VALUES (%(id)s, %(node)s, %(slot)s, %(label)s, %(beat)s, %(done)s, %(now)s)"""

TAKE_OVER = "DELETE FROM worker WHERE node = %(node)s AND slot = %(slot)s"
"""A worker that takes over a slot: the one before it has ended."""

LEAVE = "DELETE FROM worker WHERE id = %(id)s"

LAST = "SELECT coalesce(max(seq), 0) FROM cut"

BEAT = """WITH me AS (UPDATE worker SET beat = beat + 1 WHERE id = %(id)s RETURNING id)
    SELECT seq, credential_id, process FROM me LEFT JOIN cut ON seq > %(seq)s ORDER BY seq"""
"""No row: expelled. One row of NULLs: nothing new."""

DONE = """WITH me AS (UPDATE worker SET done = %(done)s WHERE id = %(id)s RETURNING id)
    SELECT pg_notify('dav_gateway_done', %(word)s) FROM me"""

OTHERS = "SELECT id, label, beat, done FROM worker WHERE id <> %(own)s"

EXPEL = "DELETE FROM worker WHERE id = %(id)s AND beat = %(beat)s"
"""Only one whose beat has not moved since it was asked: its lease is over, and its next beat will tell it."""

EXPIRED = """SELECT id FROM credential
    WHERE expires_at > %(after)s AND expires_at <= %(until)s AND revoked_at IS NULL"""
"""credentials.expired_between on the bus's own connection, which has a deadline."""

LISTEN_CUTS = "LISTEN dav_gateway_cut"
LISTEN_DONE = "LISTEN dav_gateway_done"
UNLISTEN = "UNLISTEN *"
TELL_CUTS = "SELECT pg_notify('dav_gateway_cut', '')"
