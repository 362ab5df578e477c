"""COPY and MOVE of objects and of collections (RFC 4918 sections 9.8 and 9.9), with the rules of PUT at the destination
(RFC 4791 section 5.3.2.1)."""

import pytest

from dav_gateway.core.scope import Access, Scope
from tests.dav.support import CARD, EVENT, Reply, Rig, calendar_object

HOME = "/dav/ana/calendars/"
SOURCE = HOME + "calendar/e1.ics"
TEAM = HOME + "team/"
TOKEN = "{DAV:}sync-token"
SYNC = (
    '<D:sync-collection xmlns:D="DAV:"><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level><D:prop/>'
    "</D:sync-collection>"
)


@pytest.fixture
def password(rig_anywhere: Rig) -> str:
    rig_anywhere.seed()
    password = rig_anywhere.password({Scope.CALENDARS, Scope.CONTACTS})
    assert rig_anywhere.request("MKCALENDAR", TEAM, password=password).status == 201
    return password


def send(rig: Rig, method: str, source: str, target: str, password: str, **extra: str) -> Reply:
    return rig.request(
        method, source, password=password, destination=target, extra={f"HTTP_{key}": extra[key] for key in extra}
    )


def sync(rig: Rig, password: str, path: str, token: str = "") -> Reply:
    return rig.request("REPORT", path, SYNC.format(token).encode(), password=password)


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_an_object_arrives_octet_for_octet(rig_anywhere: Rig, password: str, method: str) -> None:
    rig = rig_anywhere
    source = rig.request("GET", SOURCE, password=password)
    assert send(rig, method, SOURCE, f"https://dav.example.org{TEAM}x%20y.ics", password).status == 201
    arrived = rig.request("GET", TEAM + "x y.ics", password=password)
    assert (arrived.body, arrived.headers["ETag"]) == (EVENT, source.headers["ETag"])
    assert rig.request("GET", SOURCE, password=password).status == (200 if method == "COPY" else 404)
    assert sync(rig, password, TEAM).hrefs() == [TEAM + "x%20y.ics"]


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_overwrite(rig_anywhere: Rig, password: str, method: str) -> None:
    """RFC 4918 section 10.6."""
    rig = rig_anywhere
    older = calendar_object("e1", "SUMMARY:Older")
    assert rig.request("PUT", TEAM + "x.ics", older, password=password).status == 201
    assert send(rig, method, SOURCE, TEAM + "x.ics", password, OVERWRITE="F").status == 412
    assert rig.request("GET", TEAM + "x.ics", password=password).body == older
    assert send(rig, method, SOURCE, TEAM + "x.ics", password).status == 204
    assert rig.request("GET", TEAM + "x.ics", password=password).body == EVENT


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_uid_is_in_a_collection_once(rig_anywhere: Rig, password: str, method: str) -> None:
    """no-uid-conflict names the object that has the UID; Overwrite does not lift it."""
    rig = rig_anywhere
    for name, uid in [("same.ics", "e1"), ("other.ics", "e2")]:
        assert rig.request("PUT", TEAM + name, calendar_object(uid), password=password).status == 201
    before = rig.everything()
    for target, holder in [("third.ics", "same.ics"), ("other.ics", "other.ics")]:
        reply = send(rig, method, SOURCE, TEAM + target, password, OVERWRITE="T")
        assert (reply.status, b"no-uid-conflict" in reply.body) == (403, True)
        assert reply.text_of("{DAV:}href") == TEAM + holder
    assert rig.everything() == before


def test_a_copy_beside_itself_has_the_same_uid(rig_anywhere: Rig, password: str) -> None:
    reply = send(rig_anywhere, "COPY", SOURCE, HOME + "calendar/copy.ics", password)
    assert (reply.status, reply.text_of("{DAV:}href")) == (403, SOURCE)
    assert send(rig_anywhere, "MOVE", SOURCE, HOME + "calendar/moved.ics", password).status == 201


@pytest.mark.parametrize(
    ("method", "source", "target", "status"),
    [
        ("COPY", SOURCE, SOURCE, 403),
        ("MOVE", SOURCE, SOURCE, 403),
        ("MOVE", TEAM, HOME + "team", 403),
        ("COPY", SOURCE, TEAM, 403),
        ("COPY", TEAM, HOME + "calendar/x.ics", 403),
        ("COPY", SOURCE, "/dav/ana/contacts/contacts/x.ics", 403),
        ("MOVE", TEAM, "/dav/ana/contacts/team/", 403),
        ("MOVE", HOME, "/dav/ana/contacts/", 403),
        ("COPY", HOME, HOME + "x/", 403),
        ("COPY", "/dav/", HOME + "x/", 403),
        ("COPY", HOME + "calendar/none.ics", TEAM + "x.ics", 404),
        ("COPY", HOME + "none/", HOME + "x/", 404),
        ("COPY", SOURCE, HOME + "none/x.ics", 409),
        ("COPY", TEAM, HOME + "x" * 200 + "/", 403),
        ("COPY", SOURCE, TEAM + "x" * 300, 403),
        ("COPY", SOURCE, "http://elsewhere.example" + TEAM + "x.ics", 502),
        ("MOVE", SOURCE, "ftp://dav.example.org" + TEAM + "x.ics", 502),
        ("MOVE", SOURCE, "javascript:" + TEAM + "x.ics", 502),
        ("MOVE", SOURCE, TEAM.rstrip("/") + "%2Fx.ics", 403),
    ],
)
def test_what_goes_nowhere_changes_nothing(
    rig_anywhere: Rig, password: str, method: str, source: str, target: str, status: int
) -> None:
    before = rig_anywhere.everything()
    assert send(rig_anywhere, method, source, target, password).status == status
    assert rig_anywhere.everything() == before


def test_a_condition_is_about_the_source(rig_anywhere: Rig, password: str) -> None:
    for source, target in [(SOURCE, TEAM + "x.ics"), (TEAM, HOME + "other/")]:
        assert send(rig_anywhere, "MOVE", source, target, password, IF_MATCH='"x"').status == 412
        assert send(rig_anywhere, "MOVE", source, target, password, IF_MATCH="*").status == 201


def test_a_component_stays_where_it_is_taken(rig_anywhere: Rig, password: str) -> None:
    body = (
        b'<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:set><D:prop>'
        b'<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>'
        b"</D:prop></D:set></C:mkcalendar>"
    )
    assert rig_anywhere.request("MKCALENDAR", HOME + "todos/", body, password=password).status == 201
    reply = send(rig_anywhere, "COPY", SOURCE, HOME + "todos/x.ics", password)
    assert (reply.status, b"supported-calendar-component" in reply.body) == (403, True)


def test_a_moved_calendar_keeps_what_it_is(rig_anywhere: Rig, password: str) -> None:
    """Its objects, its properties and its sync tokens (RFC 4918 section 9.9.2)."""
    rig = rig_anywhere
    path, target = HOME + "calendar/", HOME + "renamed/"
    body = (
        b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>Work</D:displayname><x xmlns="urn:y">1</x>'
        b"</D:prop></D:set></D:propertyupdate>"
    )
    assert rig.request("PROPPATCH", path, body, password=password).status == 207
    token = sync(rig, password, path).text_of(TOKEN)
    assert send(rig, "MOVE", path, target, password, DEPTH="0").status == 400
    assert send(rig, "MOVE", path, target, password, DEPTH="infinity").status == 201
    assert rig.request("PROPFIND", path, password=password).status == 404
    found = rig.request("PROPFIND", target, password=password, depth="1")
    assert found.hrefs() == [target, target + "e1.ics"]
    assert b"<D:displayname>Work</D:displayname>" in found.body
    assert b"urn:y" in found.body
    assert b"<C:calendar/>" in found.body
    later = sync(rig, password, target, token)
    assert (later.status, later.hrefs()) == (207, [])
    assert rig.request("MKCALENDAR", path, password=password).status == 201
    assert sync(rig, password, path, token).status == 403


@pytest.mark.parametrize(("depth", "members"), [("infinity", ["e1.ics"]), ("0", []), (None, ["e1.ics"])])
def test_a_copied_calendar_is_one_of_its_own(
    rig_anywhere: Rig, password: str, depth: str | None, members: list[str]
) -> None:
    """RFC 4918 section 9.8.3: Depth 0 copies the collection and its properties, infinity is the default."""
    rig = rig_anywhere
    target = HOME + "copied/"
    extra = {} if depth is None else {"DEPTH": depth}
    assert send(rig, "COPY", HOME + "calendar/", target, password, DEPTH="1").status == 400
    assert send(rig, "COPY", HOME + "calendar/", target, password, **extra).status == 201
    assert rig.request("PROPFIND", target, password=password, depth="1").hrefs() == [
        target, *(target + name for name in members)
    ]  # fmt: skip
    token = sync(rig, password, target).text_of(TOKEN)
    assert rig.request("DELETE", SOURCE, password=password).status == 204
    assert sync(rig, password, target, token).hrefs() == []
    for name in members:
        assert rig.request("GET", target + name, password=password).body == EVENT


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_calendar_over_another_one(rig_anywhere: Rig, password: str, method: str) -> None:
    """RFC 4918 section 9.8.4: what was there is gone, and nothing of it is merged."""
    rig = rig_anywhere
    assert rig.request("PUT", TEAM + "old.ics", calendar_object("old"), password=password).status == 201
    token = sync(rig, password, TEAM).text_of(TOKEN)
    assert send(rig, method, HOME + "calendar/", TEAM, password, OVERWRITE="F").status == 412
    assert send(rig, method, HOME + "calendar/", TEAM, password).status == 204
    assert sync(rig, password, TEAM).hrefs() == [TEAM + "e1.ics"]
    assert sync(rig, password, TEAM, token).status == 403


def test_a_reader_copies_nothing_and_only_what_it_may_read(rig: Rig) -> None:
    """Invariant 3 at both ends of COPY."""
    rig.seed()
    everything = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    assert rig.request("MKCALENDAR", TEAM, password=everything).status == 201
    before = rig.everything()
    readers = [
        rig.password({Scope.CALENDARS}, access=Access.READ_ONLY),
        rig.password({Scope.CONTACTS}),
        rig.password({Scope.CALENDARS}, collections={"team"}),
        rig.password({Scope.CALENDARS}, collections={"calendar"}),
    ]
    for method in ("COPY", "MOVE"):
        for source, target in [
            (SOURCE, TEAM + "x.ics"),
            (HOME + "calendar/", HOME + "new/"),
            (HOME + "calendar/", TEAM),
        ]:
            for reader in readers:
                reply = send(rig, method, source, target, reader)
                assert (reply.status, b"need-privileges" in reply.body) == (403, True)
    assert send(rig, "COPY", "/dav/ben/calendars/calendar/", HOME + "new/", everything).status == 403
    assert send(rig, "COPY", HOME + "calendar/", "/dav/ben/calendars/new/", everything).status == 403
    assert rig.everything() == before


def test_the_directory_can_be_copied_from_and_not_into(rig: Rig) -> None:
    rig.seed()
    password = rig.password({Scope.CONTACTS})
    contacts = "/dav/ana/contacts/"
    card = next(
        href
        for href in rig.request("PROPFIND", contacts + "employees/", password=password, depth="1").hrefs()
        if href.endswith(".vcf")
    )
    before = rig.everything()
    for method, source, target in [
        ("COPY", contacts + "contacts/c1.vcf", contacts + "employees/c1.vcf"),
        ("COPY", contacts + "contacts/", contacts + "employees/"),
        ("MOVE", card, contacts + "contacts/x.vcf"),
        ("MOVE", contacts + "employees/", contacts + "mine/"),
    ]:
        reply = send(rig, method, source, target, password)
        assert (reply.status, b"company directory is read-only" in reply.body) == (403, True)
    assert rig.everything() == before
    assert send(rig, "COPY", card, contacts + "contacts/x.vcf", password).status == 201
    assert send(rig, "COPY", contacts + "contacts/", contacts + "mine/", password).status == 201
    assert rig.request("GET", contacts + "mine/c1.vcf", password=password).body == CARD
    assert rig.request("PUT", contacts + "mine/c1.vcf", CARD, password=password).status == 204


@pytest.mark.parametrize("depth", [None, "infinity", "0", "1"])
def test_a_collection_is_deleted_as_a_whole(rig: Rig, depth: str | None) -> None:
    """RFC 4918 section 9.6.1: it acts as if Depth were infinity; @nextcloud/cdav-library 1.1.0 sends 0 with every
    request for which it has nothing better."""
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    assert rig.request("DELETE", HOME + "calendar/", password=password, depth=depth).status == 204
    assert rig.request("GET", SOURCE, password=password).status == 404
