"""A process that writes flat out, run as a script by the tests of fence and durability.

    writing_process.py URL fenced|early THREADS CREDENTIAL_ID...
    writing_process.py URL acknowledged THREADS

In the first form each thread appends audit rows under the first credential until it is refused, then under the next:
`fenced` as the product does, `early` with the check in front of the lock instead of behind it. In the second form each
thread stores objects and prints the name of each when its commit has returned, until it is killed.
"""

import sys
import threading
import time

from sqlalchemy import Connection

from dav_gateway.core.credential import Reason, refusal_of_liveness
from dav_gateway.core.errors import Fenced
from dav_gateway.core.moment import EPOCH
from dav_gateway.store import accounts, audit, collections, credentials, objects
from dav_gateway.store.audit import Event
from dav_gateway.store.database import Database, Fence, open_database
from dav_gateway.store.objects import NewObject


def main() -> None:
    url, mode, *rest = sys.argv[1:]
    database = open_database(url, busy_timeout=20)
    if mode == "acknowledged":
        threads = [threading.Thread(target=_store_and_say, args=(database, each)) for each in range(int(rest[0]))]
    else:
        threads = [threading.Thread(target=_write, args=(database, mode, rest[1:])) for _ in range(int(rest[0]))]
        _say("ready")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write(database: Database, mode: str, ids: list[str]) -> None:
    write = {"fenced": _write_fenced, "early": _write_early}[mode]
    for credential_id in ids:
        try:
            while True:
                write(database, credential_id)
        except Fenced:
            continue


def _write_fenced(database: Database, credential_id: str) -> None:
    with database.write(Fence(credential_id, lambda c: _check(c, credential_id))) as c:
        _work(c, credential_id)


def _write_early(database: Database, credential_id: str) -> None:
    if database.dialect == "sqlite":
        with database.read() as c:
            _check(c, credential_id)
    with database.write() as c:
        if database.dialect == "postgresql":
            _check(c, credential_id)
        _work(c, credential_id)


def _work(c: Connection, credential_id: str) -> None:
    time.sleep(0.002)  # as long as a request looks at what it is about to write
    audit.append(c, Event(EPOCH, "used", credential_id=credential_id))


def _check(c: Connection, credential_id: str) -> None:
    found = credentials.with_owner(c, credential_id)
    reason = refusal_of_liveness(*found, EPOCH) if found else Reason.UNKNOWN
    if reason is not None:
        raise Fenced(reason)


def _store_and_say(database: Database, thread: int) -> None:
    with database.read() as c:
        [owner] = accounts.every(c)
        [calendar] = collections.in_home(c, owner.id, "calendars")
    number = 0
    while True:
        number += 1
        name = f"{thread}-{number}.ics"
        with database.write(Fence("k7mqx", lambda _: None)) as c:
            objects.put(c, calendar.id, NewObject(name, name, "VEVENT", name.encode() * 100), EPOCH)
        _say(name)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
