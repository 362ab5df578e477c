"""What is written of objects by the thousand is what is written of one, for whatever is asked."""

import tracemalloc
from random import Random
from typing import Any

import pytest

from dav_gateway.core import secret
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import Moment
from dav_gateway.core.scope import Access, Scope, resource_at
from dav_gateway.dav import properties, propfind, view
from dav_gateway.dav.names import DECLARATIONS, octets_text, text
from dav_gateway.dav.object_responses import ObjectResponses
from dav_gateway.dav.properties import DATA
from dav_gateway.dav.wanted import Wanted
from dav_gateway.service.request import DavRequest, serving
from dav_gateway.store import collections, objects
from dav_gateway.store.objects import NewObject
from tests.dav.support import Rig, calendar_object, vcard

BOTH = {Scope.CALENDARS, Scope.CONTACTS}
NAMES = [*sorted({name for table in properties.TABLES.values() for name in table}), "{urn:x}other", *DATA.values()]
ODD_NAMES = ["e1.ics", "a b.ics", "100%.ics", "%s.ics", "ü&<>.ics", "x" * 200 + ".ics"]


@pytest.mark.parametrize("home", list(Scope))
@pytest.mark.parametrize("access", list(Access))
def test_a_listing_says_of_each_object_what_a_request_for_it_says(rig: Rig, home: Scope, access: Access) -> None:
    make, folder = (calendar_object, "calendar") if home is Scope.CALENDARS else (vcard, "contacts")
    writer = rig.password(BOTH)
    for name in ODD_NAMES:
        path = f"/dav/ana/{home}/{folder}/{name}"
        assert rig.request("PUT", path, make(name), password=writer).status == 201
    password = rig.password(BOTH, access=access)
    rig.request("PROPFIND", "/dav/", password=password, depth="0")
    asked = rig.request("PROPFIND", "/dav/", password=password, depth="0")
    assert asked.status == 207
    random = Random(1)
    resource = resource_at(f"/ana/{home}/{folder}/")
    assert resource is not None
    with serving(_request(rig, password)) as request:
        assert request.authenticate_proven()
        looked = view.look_up(request, resource)
        assert looked is not None
        assert looked.collection is not None
        stored = list(objects.every(request.connection, looked.collection.id, octets=False))
        assert len(stored) == len(ODD_NAMES)
        for number in range(80):
            names = tuple(random.sample(NAMES, random.randint(0, 10)))
            for wanted in (Wanted(names), Wanted(names, everything=True), Wanted(names_only=True)):
                brief = number % 3 == 0
                told = ObjectResponses(looked, rig.site, wanted, brief=brief)
                rows = objects.listing(request.connection, looked.collection.id, told.columns)
                several = list(told.many(rows))
                assert several == list(told.some((each, None) for each in stored))
                one = [propfind.described(view.member(looked, each), rig.site, wanted, brief=brief) for each in stored]
                assert several == one


def _request(rig: Rig, password: str) -> DavRequest:
    from dav_gateway.service.presented import Presented

    return DavRequest(
        rig.services, Presented("ana", secret.parse(password), "192.0.2.7", "test/1", "x"), href="/dav/", path="/"
    )


@pytest.mark.parametrize(
    "octets",
    [b"plain & <simple>\r\n\t", "ü\u2028".encode(), b"\x00\x01", "\ufffe".encode(), "\uffff\ufffd".encode(), b"\x7f"],
)
def test_octets_as_xml_are_their_text_as_xml(octets: bytes) -> None:
    assert octets_text(octets) == text(octets.decode())


def fill(rig: Rig, size: int) -> str:
    password = rig.password({Scope.CALENDARS})
    rig.request("PROPFIND", "/dav/", password=password, depth="0")
    with rig.services.database.write() as connection:
        calendar = collections.find(connection, 1, "calendars", "calendar")
        assert calendar is not None
        new = [NewObject(f"{n}.ics", f"uid-{n}", "VEVENT", calendar_object(f"{n}")) for n in range(size)]
        objects.put_many(connection, calendar.id, new, Moment(1))
    return password


LISTING = f"<D:propfind {DECLARATIONS}><D:prop><D:getetag/></D:prop></D:propfind>".encode()
FIRST = (
    f"<D:sync-collection {DECLARATIONS}><D:sync-token/><D:sync-level>1</D:sync-level>"
    "<D:prop><D:getetag/></D:prop></D:sync-collection>"
).encode()
WHOLE = (
    f"<C:calendar-multiget {DECLARATIONS}><D:prop><C:calendar-data/></D:prop>"
    + "".join(f"<D:href>/dav/ana/calendars/calendar/{n}.ics</D:href>" for n in range(8000))
    + "</C:calendar-multiget>"
).encode()


def query(asked: str) -> bytes:
    everything = '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter>'
    return f"<C:calendar-query {DECLARATIONS}><D:prop>{asked}</D:prop>{everything}</C:calendar-query>".encode()


QUERY = query("<D:getetag/>")
IN_PARTS = query(
    '<C:calendar-data><C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="UID"/></C:comp></C:comp>'
    "</C:calendar-data>"
)


@pytest.mark.parametrize(
    ("method", "body", "depth"),
    [("PROPFIND", LISTING, "1"), ("REPORT", FIRST, "0"), ("REPORT", QUERY, "1"), ("REPORT", IN_PARTS, "1")],
)
def test_a_long_listing_is_never_whole_in_memory(rig: Rig, method: str, body: bytes, depth: str) -> None:
    password = fill(rig, 8000)
    sizes: list[int] = []

    def sink(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        def discard(*_: object) -> Any:
            return lambda piece: sizes.append(len(piece))

        tracemalloc.start()
        try:
            assert list(rig.gateway(environ, discard)) == []
            peak.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        start_response("200 OK", [])
        return []

    peak: list[int] = []
    for _ in range(2):  # the first fills caches
        sizes.clear()
        rig.request(method, "/dav/ana/calendars/calendar/", body, password=password, depth=depth, call=sink)
    assert sum(sizes) > 1_500_000
    assert peak[-1] < 800_000


def test_a_multiget_reads_a_hundred_objects_at_a_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    password = fill(rig, 250)
    sizes = []
    get_many = objects.get_many

    def noted(connection: Any, collection_id: int, names: Any, **more: Any) -> Any:
        sizes.append(len(names))
        return get_many(connection, collection_id, names, **more)

    monkeypatch.setattr(objects, "get_many", noted)
    reply = rig.request("REPORT", "/dav/ana/calendars/calendar/", WHOLE, password=password, depth="0")
    assert len(reply.hrefs()) == 8000
    assert set(sizes) == {100}


def test_a_listing_that_the_database_breaks_off_is_a_503(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    password = fill(rig, 1000)
    listing = objects.listing

    def broken(*arguments: Any) -> Any:
        for number, row in enumerate(listing(*arguments)):
            if number == 700:
                raise StoreUnavailable("a test")
            yield row

    monkeypatch.setattr(objects, "listing", broken)
    reply = rig.request("PROPFIND", "/dav/ana/calendars/calendar/", LISTING, password=password, depth="1")
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert b"multistatus" not in reply.body
