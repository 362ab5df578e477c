"""Who is answered by the quick lane, and what: nobody who may no longer, and nothing that may take long."""

import asyncio
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

import pytest

from dav_gateway.core.scope import Scope
from dav_gateway.dav.names import DECLARATIONS
from dav_gateway.store import collections, credentials, objects
from dav_gateway.store.database import Database
from dav_gateway.store.objects import NewObject
from tests.dav.quick_lane import CALENDAR, POLL, quickly, until_connected
from tests.dav.random_requests import fill, plain
from tests.dav.support import Rig, calendar_object, rig_on

SYNC = "<D:sync-collection {}><D:sync-token/><D:sync-level>1</D:sync-level><D:prop/></D:sync-collection>"
QUERY = '<C:calendar-query {}><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
ETAG = "<D:propfind {}><D:prop><D:getetag/></D:prop></D:propfind>"


def test_the_first_use_of_a_password_takes_the_long_way(rig: Rig) -> None:
    asked = {**POLL, "password": rig.password({Scope.CALENDARS})}
    assert quickly(rig, asked) is None
    assert rig.request(**asked).status == 207
    assert quickly(rig, asked) is not None


@pytest.mark.parametrize("how", ["revoked", "paused", "expired", "deactivated", "narrowed", "other client"])
def test_who_may_no_longer_is_not_answered_quickly(rig: Rig, how: str) -> None:
    """What is remembered of a secret says nothing of its credential: its row is read every time."""
    _who_may_no_longer(rig, how)


@pytest.mark.parametrize("how", ["revoked", "paused", "expired", "deactivated", "narrowed", "other client"])
def test_who_may_no_longer_is_not_answered_in_the_loop_of_postgres(postgres_database: Database, how: str) -> None:
    rig = rig_on(postgres_database)
    with asyncio.Runner() as runner:
        until_connected(rig, runner)
        _who_may_no_longer(rig, how, runner)


def _who_may_no_longer(rig: Rig, how: str, runner: asyncio.Runner | None = None) -> None:
    password = rig.password({Scope.CALENDARS})
    asked: dict[str, Any] = {**POLL, "password": password}
    rig.request(**asked)
    assert quickly(rig, asked, runner) is not None
    services, one = rig.services, [password[:5]]
    match how:
        case "revoked":
            services.revocation.revoke(one, by="test", why="test")
        case "paused":
            services.revocation.pause(one[0], by="test")
        case "expired":
            with services.database.write() as connection:
                credentials.change(connection, one[0], expires_at=services.clock())
        case "deactivated":
            services.accounts.deactivate("ana", by="test")
        case "narrowed":
            with services.database.write() as connection:
                credentials.change(connection, one[0], networks=[ip_network("198.51.100.0/24")])
        case _:
            asked["extra"] = {"HTTP_USER_AGENT": "DAVx5/4.4"}
    assert quickly(rig, asked, runner) is None
    assert rig.request(**asked).status in (401, 403)


def test_a_loop_whose_connection_is_severed_gets_another(postgres_database: Database) -> None:
    rig = rig_on(postgres_database)
    asked = {**POLL, "password": rig.password({Scope.CALENDARS})}
    rig.request(**asked)
    with asyncio.Runner() as runner:
        until_connected(rig, runner)
        assert quickly(rig, asked, runner) is not None
        with postgres_database.write() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        while quickly(rig, asked, runner) is not None:
            runner.run(asyncio.sleep(0.01))
        until_connected(rig, runner)


def test_dead_properties_of_objects_take_the_quick_lane_while_they_are_small(rig: Rig) -> None:
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    calendar = "/dav/ana/calendars/calendar/"
    first = b'<D:propfind xmlns:D="DAV:"><D:prop><D:sync-token/></D:prop></D:propfind>'
    token = rig.request("PROPFIND", calendar, first, password=password, depth="0").text_of("{DAV:}sync-token")
    for number in range(4):
        body = calendar_object(f"k{number}")
        assert rig.request("PUT", f"{calendar}k{number}.ics", body, password=password).status == 201
    sync = (
        f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop>'
        '<a xmlns="urn:y"/></D:prop></D:sync-collection>'
    ).encode()
    asked: list[dict[str, Any]] = [
        {"method": "PROPFIND", "path": f"{calendar}k0.ics", "body": b"", "password": password, "depth": "0"},
        {"method": "REPORT", "path": calendar, "body": sync, "password": password},
    ]
    for size, expected in ((100, [True, True]), (12_000, [True, False])):
        for number in range(4):
            value = f'<D:set><D:prop><a xmlns="urn:y">{"x" * size}</a></D:prop></D:set>'
            update = f'<D:propertyupdate xmlns:D="DAV:">{value}</D:propertyupdate>'.encode()
            assert rig.request("PROPPATCH", f"{calendar}k{number}.ics", update, password=password).status == 207
        answers = [quickly(rig, each) for each in asked]
        assert [answer is not None for answer in answers] == expected
        for each, answer in zip(asked, answers, strict=True):
            long = plain(rig.request(**each))
            assert b"x" * size in long[2]
            assert answer in (None, long)


def test_a_database_that_is_busy_is_left_to_who_can_wait(rig: Rig) -> None:
    asked = {**POLL, "password": rig.password({Scope.CALENDARS})}
    rig.request(**asked)
    assert quickly(rig, asked) is not None
    file = rig.services.database.file
    assert file is not None
    moved = file.path.with_suffix(".away")
    file.path.rename(moved)
    assert quickly(rig, asked) is None
    moved.rename(file.path)
    assert quickly(rig, asked) is not None


def _multiget(names: Iterable[str], content: str = "<D:prop><D:getetag/><C:calendar-data/></D:prop>") -> str:
    hrefs = "".join(f"<D:href>{CALENDAR}{name}.ics</D:href>" for name in names)
    return f"<C:calendar-multiget {{}}>{content}{hrefs}</C:calendar-multiget>"


def _is_quick(rig: Rig, password: str, method: str, path: str, body: str, depth: str = "0") -> bool:
    """Whether the event loop answers, and tells the same."""
    octets = body.replace("{}", DECLARATIONS).encode()
    asked = {"method": method, "path": path, "body": octets, "depth": depth, "password": password, "login": "ana"}
    long = rig.request(**asked)
    assert long.status in (200, 207)
    quick = quickly(rig, asked)
    assert quick in (None, plain(long))
    return quick is not None


def _stored(rig: Rig, number: int, octets: int) -> None:
    with rig.services.database.write() as connection:
        calendar = collections.find(connection, 1, "calendars", "calendar")
        assert calendar is not None
        held = [
            NewObject(f"n{n}.ics", f"n{n}", "VEVENT", calendar_object(f"n{n}", f"DESCRIPTION:{'x' * octets}"))
            for n in range(number)
        ]
        objects.put_many(connection, calendar.id, held, rig.services.clock())


def test_what_may_take_long_is_not_done_in_the_event_loop(rig: Rig) -> None:
    """Queries, large objects, parts of objects, listings that tell of dead properties."""
    password = fill(rig)[0][0]
    for asked in [
        ("PROPFIND", CALENDAR, "", "1"),
        ("REPORT", CALENDAR, QUERY, "1"),
        ("REPORT", CALENDAR, _multiget(["large"])),
        (
            "REPORT",
            CALENDAR,
            _multiget(["e1"], "<D:prop><C:calendar-data><C:comp name='VCALENDAR'/></C:calendar-data></D:prop>"),
        ),
        ("GET", CALENDAR + "large.ics", ""),
    ]:
        assert not _is_quick(rig, password, *asked), asked


@pytest.mark.parametrize(("number", "octets", "quick"), [(250, 1, True), (260, 1, False), (40, 4000, False)])
def test_short_listings_are_made_in_the_event_loop(rig: Rig, number: int, octets: int, quick: bool) -> None:
    """Up to 256 objects that are together 128 KiB: nobody else is served meanwhile."""
    password = rig.password({Scope.CALENDARS})
    rig.request("PROPFIND", "/dav/", password=password, depth="0")
    _stored(rig, number, octets)
    assert _is_quick(rig, password, "PROPFIND", CALENDAR, ETAG, "1") is quick
    assert _is_quick(rig, password, "REPORT", CALENDAR, SYNC) is quick


@pytest.mark.parametrize(("number", "octets", "quick"), [(64, 1, True), (65, 1, False), (40, 4000, False)])
def test_short_multigets_are_made_in_the_event_loop(rig: Rig, number: int, octets: int, quick: bool) -> None:
    """Up to 64 objects that are together 128 KiB, each href once, and what is not there beside them."""
    password = rig.password({Scope.CALENDARS})
    rig.request("PROPFIND", "/dav/", password=password, depth="0")
    _stored(rig, number, octets)
    names = [f"n{n}" for n in range(1, number)]
    assert _is_quick(rig, password, "REPORT", CALENDAR, _multiget([*names, "none"])) is quick
