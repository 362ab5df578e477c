"""PROPPATCH on objects (RFC 4918 section 9.2): dead properties of any namespace stay with the object, and every way of
asking tells them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from dav_gateway.core.scope import Access, Scope
from dav_gateway.dav.property_update import MAX_OBJECT_PROPERTIES_BYTES
from tests.dav.support import CARD, EVENT, Reply, Rig, calendar_object
from tests.dav.test_kept_properties import SPACES, patch

BOTH = {Scope.CALENDARS, Scope.CONTACTS}
CALENDAR = "/dav/ana/calendars/calendar/"
EVENT_PATH, CARD_PATH = f"{CALENDAR}e1.ics", "/dav/ana/contacts/contacts/c1.vcf"
NAMES = "<Y:mark/><ICAL:calendar-order/><Y:nested/><D:displayname/>"
SET = (
    "<Y:mark>100% &amp; ü</Y:mark><ICAL:calendar-order>3</ICAL:calendar-order><Y:nested><Y:inner a='1'>x</Y:inner>"
    "</Y:nested><D:displayname>Mine</D:displayname>"
)
OCTETS = "<D:getetag/><D:getlastmodified/><D:getcontentlength/>"
COUNTERS = (
    b'<D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><D:prop><D:sync-token/><CS:getctag/>'
    b"<D:getetag/><D:getlastmodified/></D:prop></D:propfind>"
)


def find(rig: Rig, password: str, path: str, names: str = NAMES, depth: str = "0", **extra: str) -> bytes:
    body = f"<D:propfind {SPACES}><D:prop>{names}</D:prop></D:propfind>".encode()
    reply = rig.request("PROPFIND", path, body, password=password, depth=depth, extra=extra)
    assert reply.status == 207
    return reply.body


def marked(rig: Rig, password: str, path: str = EVENT_PATH, inner: str = SET) -> Reply:
    reply = patch(rig, password, path, inner)
    assert (reply.status, b"200 OK" in reply.body, b"403" in reply.body) == (207, True, False)
    return reply


def is_told(body: bytes) -> bool:
    found = [
        b">100% &amp; \xc3\xbc<" in body,
        b"<ICAL:calendar-order>3</ICAL:calendar-order>" in body,
        b"a='1'>x<" in body,
        b"<D:displayname>Mine</D:displayname>" in body,
    ]
    assert len(set(found)) == 1
    return found[0]


@pytest.mark.parametrize("path", [EVENT_PATH, CARD_PATH])
def test_they_come_back_and_go(rig_anywhere: Rig, path: str) -> None:
    rig = rig_anywhere
    rig.seed()
    password = rig.password(BOTH)
    assert not is_told(find(rig, password, path))
    marked(rig, password, path)
    body = find(rig, password, path)
    assert is_told(body)
    assert b"404" not in body
    folder = path.rpartition("/")[0] + "/"
    other = patch(rig, password, path, "<Y:other>1</Y:other>", remove=NAMES)
    assert (other.status, b"403" in other.body) == (207, False)
    assert not is_told(find(rig, password, folder, depth="1"))
    assert b"200 OK" in find(rig, password, path, "<Y:other/>")


def report(name: str, inner: str, asked: str) -> bytes:
    return f"<{name} {SPACES} xmlns:CR='urn:ietf:params:xml:ns:carddav'>{asked}{inner}</{name}>".encode()


FILTER = '<C:filter><C:comp-filter name="VCALENDAR"/></C:filter>'
EVERY_WAY: dict[str, tuple[str, str, str, str]] = {
    "depth 1": ("PROPFIND", "1", "D:propfind", ""),
    "first sync": ("REPORT", "0", "D:sync-collection", "<D:sync-token/><D:sync-level>1</D:sync-level>"),
    "sync in pages": (
        "REPORT", "0", "D:sync-collection",
        "<D:sync-token/><D:sync-level>1</D:sync-level><D:limit><D:nresults>5</D:nresults></D:limit>",
    ),
    "multiget": (
        "REPORT", "1", "C:calendar-multiget", f"<D:href>{EVENT_PATH}</D:href><D:href>{CALENDAR}e2.ics</D:href>"
    ),
    "query": ("REPORT", "1", "C:calendar-query", FILTER),
}  # fmt: skip


@pytest.mark.parametrize("way", EVERY_WAY)
def test_every_way_of_asking_tells_them(rig_anywhere: Rig, way: str) -> None:
    rig = rig_anywhere
    rig.seed()
    password = rig.password(BOTH)
    assert rig.request("PUT", f"{CALENDAR}e2.ics", calendar_object("e2"), password=password).status == 201
    marked(rig, password)
    method, depth, name, inner = EVERY_WAY[way]
    asked = f"<D:prop><D:getetag/>{NAMES}</D:prop>"
    body = rig.request(method, CALENDAR, report(name, inner, asked), password=password, depth=depth).body
    assert is_told(body)
    # the other event has none of them, and says so
    other = body.partition(b"e2.ics")[2].partition(b"</D:response>")[0]
    assert other.count(b"404 Not Found") == 1
    assert b"<D:displayname/>" in other


@pytest.mark.parametrize("depth", ["0", "1"])
def test_allprop_and_propname(rig: Rig, depth: str) -> None:
    """RFC 4918 section 9.1: dead properties are among them."""
    rig.seed()
    password = rig.password(BOTH)
    marked(rig, password)
    path = EVENT_PATH if depth == "0" else CALENDAR
    assert is_told(rig.request("PROPFIND", path, password=password, depth=depth).body)
    body = b'<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>'
    names = rig.request("PROPFIND", path, body, password=password, depth=depth).body
    assert b'<X:mark xmlns:X="urn:y"/>' in names
    assert b"inner" not in names


def test_a_change_is_of_all_or_of_none(rig_anywhere: Rig) -> None:
    """RFC 4918 section 9.2: 403 for what is protected, 424 for what is not."""
    rig = rig_anywhere
    rig.seed()
    password = rig.password(BOTH)
    marked(rig, password)
    for live in ("D:getetag", "D:resourcetype", "D:getcontentlength", "D:owner", "C:calendar-data", "D:sync-token"):
        reply = patch(rig, password, EVENT_PATH, f"<{live}>x</{live}><Y:mark>new</Y:mark>", remove="<Y:nested/>")
        assert reply.status == 207
        assert b"cannot-modify-protected-property" in reply.body
        assert b"424 Failed Dependency" in reply.body
        assert b"200 OK" not in reply.body
        assert is_told(find(rig, password, EVENT_PATH))


def test_neither_entity_tag_nor_sync_token_moves(rig_anywhere: Rig) -> None:
    """RFC 4918 section 8.6: the entity tag is that of the body. RFC 6578 section 3.5.1: a sync follows entity tags."""
    rig = rig_anywhere
    rig.seed()
    password = rig.password(BOTH)

    def state() -> tuple[bytes, bytes, dict[str, str]]:
        collection = rig.request("PROPFIND", CALENDAR, COUNTERS, password=password, depth="0").body
        got = rig.request("GET", EVENT_PATH, password=password)
        assert got.body == EVENT
        return collection, find(rig, password, EVENT_PATH, OCTETS), got.headers

    before = state()
    marked(rig, password)
    assert state() == before


def test_put_keeps_them_and_delete_does_not(rig_anywhere: Rig) -> None:
    rig = rig_anywhere
    rig.seed()
    password = rig.password(BOTH)
    marked(rig, password)
    newer = calendar_object("e1", "SUMMARY:Newer")
    assert rig.request("PUT", EVENT_PATH, newer, password=password).status == 204
    assert is_told(find(rig, password, EVENT_PATH))
    assert rig.request("DELETE", EVENT_PATH, password=password).status == 204
    assert rig.request("PUT", EVENT_PATH, EVENT, password=password).status == 201
    assert not is_told(find(rig, password, EVENT_PATH))


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize("replaces", [False, True])
def test_they_are_copied_and_move_along(rig_anywhere: Rig, method: str, *, replaces: bool) -> None:
    """RFC 4918 sections 9.8.2 and 9.9.1."""
    rig = rig_anywhere
    rig.seed()
    password = rig.password(BOTH)
    marked(rig, password)
    target = "/dav/ana/calendars/other/"
    assert rig.request("MKCALENDAR", target, password=password).status == 201
    if replaces:
        assert rig.request("PUT", f"{target}new.ics", EVENT, password=password).status == 201
        marked(rig, password, f"{target}new.ics", "<Y:older>1</Y:older>")
    reply = rig.request(method, EVENT_PATH, password=password, destination=f"{target}new.ics")
    assert reply.status == (204 if replaces else 201)
    assert is_told(find(rig, password, f"{target}new.ics"))
    assert b"200 OK" not in find(rig, password, f"{target}new.ics", "<Y:older/>")
    if method == "COPY":
        assert is_told(find(rig, password, EVENT_PATH))
    else:
        assert rig.request("PUT", EVENT_PATH, EVENT, password=password).status == 201
        assert not is_told(find(rig, password, EVENT_PATH))


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_with_a_collection_too(rig_anywhere: Rig, method: str) -> None:
    rig = rig_anywhere
    rig.seed()
    password = rig.password(BOTH)
    marked(rig, password)
    target = "/dav/ana/calendars/other/"
    assert rig.request(method, CALENDAR, password=password, destination=target).status == 201
    assert is_told(find(rig, password, f"{target}e1.ics"))
    assert rig.request("DELETE", target, password=password).status == 204


def test_who_may_not_write_is_told_by_property(rig: Rig) -> None:
    rig.seed()
    password = rig.password(BOTH, access=Access.READ_ONLY)
    reply = patch(rig, password, EVENT_PATH, SET)
    assert (reply.status, b"need-privileges" in reply.body, b"200 OK" in reply.body) == (207, True, False)
    assert not is_told(find(rig, password, EVENT_PATH))
    other = rig.password({Scope.CONTACTS})
    assert patch(rig, other, EVENT_PATH, SET).status == 403
    assert patch(rig, rig.password(BOTH), f"{CALENDAR}nothing.ics", SET).status == 404


def test_too_much_of_one_object_is_507(rig: Rig) -> None:
    rig.seed()
    password = rig.password(BOTH)
    marked(rig, password)
    for inner in (
        f"<Y:a>{'x' * MAX_OBJECT_PROPERTIES_BYTES}</Y:a>",
        "".join(f"<Y:{'n' * 60}{n}/>" for n in range(300)),
    ):
        assert patch(rig, password, EVENT_PATH, inner).status == 507
    assert patch(rig, password, EVENT_PATH, "".join(f"<Y:n{n}/>" for n in range(401))).status == 400
    assert is_told(find(rig, password, EVENT_PATH))
    assert b"200 OK" not in find(rig, password, EVENT_PATH, "<Y:n1/>")


def test_they_have_the_room_that_objects_leave(rig_anywhere: Rig) -> None:
    """RFC 4331 section 6; what is removed or stays as large is never refused."""
    rig_anywhere.seed()
    rig = Rig(rig_anywhere.services, replace(rig_anywhere.site, account_bytes=len(EVENT) + len(CARD) + 300))
    password = rig.password(BOTH)
    marked(rig, password, inner=f"<Y:a>{'x' * 100}</Y:a>")
    full = patch(rig, password, CARD_PATH, f"<Y:a>{'x' * 250}</Y:a>")
    assert (full.status, b"<D:quota-not-exceeded/>" in full.body) == (507, True)
    assert b"200 OK" not in find(rig, password, CARD_PATH, "<Y:a/>")
    marked(rig, password, inner=f"<Y:a>{'y' * 100}</Y:a>")
    marked(rig, password, CARD_PATH, f"<Y:a>{'x' * 50}</Y:a>")


@contextmanager
def statements(rig: Rig) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(rig.services.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(rig.services.database.engine, "before_cursor_execute", note)


def test_nobody_else_asks_the_database_for_them(rig: Rig) -> None:
    """A listing has them in its own statement; what asks for live properties alone does not look at them."""
    rig.seed()
    password = rig.password(BOTH)
    for number in range(50):
        assert (
            rig.request("PUT", f"{CALENDAR}{number}.ics", calendar_object(str(number)), password=password).status == 201
        )
        marked(rig, password, f"{CALENDAR}{number}.ics", f"<Y:mark>{number}</Y:mark>")
    with statements(rig) as live:
        find(rig, password, CALENDAR, "<D:getetag/>", depth="1")
        find(rig, password, EVENT_PATH, "<D:getetag/>")
        rig.request("GET", EVENT_PATH, password=password)
    assert not any("object_property" in statement for statement in live)
    with statements(rig) as plain:
        find(rig, password, CALENDAR, "<D:getetag/>", depth="1")
    with statements(rig) as dead:
        body = find(rig, password, CALENDAR, "<Y:mark/>", depth="1")
    assert len(dead) == len(plain)
    assert all(f">{number}</X:mark>".encode() in body for number in range(50))
    query = report("C:calendar-query", FILTER, "<D:prop><Y:mark/></D:prop>")
    with statements(rig) as queried:
        assert rig.request("REPORT", CALENDAR, query, password=password, depth="1").body.count(b"</X:mark>") == 50
    assert sum("object_property" in statement for statement in queried) == 1
