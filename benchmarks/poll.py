"""CPU of a poll (PROPFIND Depth 0: getctag, sync-token), with an app password, beside stock Radicale in one process.

    python -m benchmarks.poll [--sizes 100 10000] [--polls 500]

Both are called as WSGI applications, so sockets cost neither of them anything. Ours verifies an app password and reads
SQLite; Radicale's `multifilesystem` gets its user from an http_x_remote_user header, which costs it nothing.
Prints milliseconds of process CPU per request, the growth with the size, and the ratio.
"""

import argparse
import base64
import io
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from radicale import config as radicale_config
from radicale.app import Application as StockApplication

from dav_gateway.core.credential import Origin, Service
from dav_gateway.core.scope import Scope
from dav_gateway.dav.configuration import load as load_radicale
from dav_gateway.dav.site import Site
from dav_gateway.dav.wsgi import Gateway
from dav_gateway.service.services import assemble
from dav_gateway.store import collections, migration, objects
from dav_gateway.store.database import open_database
from dav_gateway.store.objects import NewObject

BODY = (
    b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/">'
    b"<D:prop><CS:getctag/><D:sync-token/></D:prop></D:propfind>"
)
Application = Callable[[dict[str, Any], Callable[..., object]], Any]


def event(number: int) -> str:
    """An event of about 650 bytes, every fifth recurring."""
    day = date(2026, 1, 1) + timedelta(days=number % 700)
    rule = "RRULE:FREQ=WEEKLY;COUNT=10\r\n" if number % 5 == 0 else ""
    return (
        f"BEGIN:VEVENT\r\nUID:event-{number}@example.org\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART:{day:%Y%m%d}T090000Z\r\nDTEND:{day:%Y%m%d}T100000Z\r\n{rule}SUMMARY:Meeting number {number}\r\n"
        f"DESCRIPTION:{'Agenda and notes. ' * 20}\r\nLOCATION:Room {number % 30}\r\nEND:VEVENT\r\n"
    )


def calendar(*events: str) -> bytes:
    """A VCALENDAR with these events."""
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//benchmark//EN\r\n" + "".join(events) + "END:VCALENDAR\r\n"
    ).encode()


def call(application: Application, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """One WSGI request."""
    status: list[str] = []
    environ = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": "text/xml",
        "CONTENT_LENGTH": str(len(body)), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(), "HTTP_HOST": "localhost", "HTTP_USER_AGENT": "benchmark/1", **headers,
    }  # fmt: skip
    answer = b"".join(application(environ, lambda line, _headers: status.append(line)))
    return int(status[0][:3]), answer


def measured(poll: Callable[[], tuple[int, bytes]], times: int) -> float:
    """Milliseconds of CPU per poll; the first one is not counted."""
    status, answer = poll()
    if status != 207 or b"sync-token>" not in answer:
        raise SystemExit(f"the poll was answered {status}: {answer[:300]!r}")
    before = time.process_time()
    for _ in range(times):
        poll()
    return (time.process_time() - before) * 1000 / times


def ours(folder: Path, size: int, polls: int) -> float:
    """The gateway with `size` events."""
    database = open_database(f"sqlite:///{folder / f'ours-{size}.db'}")
    migration.upgrade(database)
    services = assemble(database)
    account = services.accounts.add(name="ana", email="ana@example.org", by="benchmark")
    services.accounts.provision(account)
    secret, _ = services.issuing.issue(
        "ana", service=Service.OTHER, scopes={Scope.CALENDARS}, origin=Origin.CLI, actor="benchmark"
    )
    with database.write() as connection:
        found = collections.find(connection, account.id, "calendars", "calendar")
        assert found is not None
        new = [
            NewObject(f"{number}.ics", f"event-{number}@example.org", "VEVENT", calendar(event(number)), None, None)
            for number in range(size)
        ]
        objects.put_many(connection, found.id, new, services.clock())
    gateway = Gateway(services, load_radicale(Path("config/radicale.ini")), Site())
    basic = base64.b64encode(f"ana:{secret.reveal()}".encode()).decode()
    headers = {"HTTP_AUTHORIZATION": f"Basic {basic}", "HTTP_DEPTH": "0"}
    try:
        return measured(lambda: call(gateway, "PROPFIND", "/ana/calendars/calendar/", BODY, headers), polls)
    finally:
        database.dispose()


def stock(folder: Path, size: int, polls: int) -> float:
    """Radicale as it comes, with `size` events."""
    configuration = radicale_config.load()
    configuration.update(
        {
            "auth": {"type": "http_x_remote_user", "delay": "0"},
            "storage": {"filesystem_folder": str(folder / f"stock-{size}")},
            "logging": {"level": "critical"},
        },
        "benchmark",
    )
    application = StockApplication(configuration)
    headers = {"HTTP_X_REMOTE_USER": "ana", "HTTP_DEPTH": "0"}
    put = {**headers, "CONTENT_TYPE": "text/calendar"}
    status, answer = call(application, "PUT", "/ana/calendar/", calendar(*map(event, range(size))), put)
    if status != 201:
        raise SystemExit(f"Radicale did not take the calendar: {status} {answer[:300]!r}")
    return measured(lambda: call(application, "PROPFIND", "/ana/calendar/", BODY, headers), polls)


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--polls", type=int, default=500)
    arguments = parser.parse_args()
    print(f"{'events':>8} {'dav-gateway':>12} {'Radicale':>12} {'ratio':>8}   (ms of CPU per poll)")
    first = 0.0
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            mine = ours(Path(folder), size, arguments.polls)
            theirs = stock(Path(folder), size, max(5, arguments.polls // max(1, size // 20)))
        first = first or mine
        print(f"{size:>8} {mine:>12.3f} {theirs:>12.3f} {theirs / mine:>8.0f}   growth {mine / first:.2f}")


if __name__ == "__main__":
    main()
