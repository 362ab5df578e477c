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

TELL = """SELECT pg_notify('dav_gateway_done', %(word)s) FROM worker WHERE id = %(id)s"""

DONE = """WITH new AS (SELECT seq, credential_id, process FROM cut WHERE seq > %(seq)s),
    me AS (UPDATE worker SET beat = beat + 1, done = CASE
        WHEN (%(done)s <= %(seq)s OR EXISTS (SELECT FROM new WHERE seq = %(done)s)) AND NOT EXISTS (
            SELECT FROM new WHERE seq <= %(done)s AND process <> %(id)s
            AND seq || ' ' || credential_id <> ALL (%(carried)s::text[]))
        THEN %(done)s ELSE done END WHERE id = %(id)s RETURNING done)
    SELECT seq, credential_id, process,
        CASE WHEN done = %(done)s THEN pg_notify('dav_gateway_done', %(word)s)::text END IS NOT NULL
    FROM me LEFT JOIN new ON true ORDER BY seq"""
"""Everything up to `done` is carried out: what was read up to `seq`, and of what comes after it `carried`, which only a
notification has told; so this looks itself whether that is all. The last column says so. It is a BEAT as well, with its
rows. The same word said once for each row is one notification."""

OTHERS = "SELECT id, label, beat, done FROM worker WHERE id <> %(own)s"

EXPEL = """DELETE FROM worker USING unnest(%(ids)s::text[], %(beats)s::bigint[]) AS still (id, beat)
    WHERE worker.id = still.id AND worker.beat = still.beat RETURNING worker.id"""
"""Only those whose beats have not moved since they were asked: their leases are over, and their next beats will tell
them."""

EXPIRED = """SELECT id FROM credential
    WHERE expires_at > %(after)s AND expires_at <= %(until)s AND revoked_at IS NULL"""
"""credentials.expired_between on the bus's own connection, which has a deadline."""

LISTEN_CUTS = "LISTEN dav_gateway_cut"
LISTEN_DONE_AND_LOOK = f"LISTEN dav_gateway_done; {OTHERS}"
UNLISTEN = "UNLISTEN *"
