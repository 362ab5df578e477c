"""sync-collection (RFC 6578) and multiget."""

from xml.etree.ElementTree import fromstring

import pytest

from dav_gateway.core.scope import Scope
from dav_gateway.store import collections, objects
from dav_gateway.store.objects import NewObject
from tests.dav.support import CARD, Reply, Rig, calendar_object

PATH = "/dav/ana/calendars/calendar/"
TOKEN = "{DAV:}sync-token"


def sync(rig: Rig, password: str, token: str = "", props: str = "<D:getetag/>", path: str = PATH) -> Reply:
    body = (
        f'<D:sync-collection xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
        f'xmlns:CR="urn:ietf:params:xml:ns:carddav"><D:sync-token>{token}</D:sync-token>'
        f"<D:sync-level>1</D:sync-level>{props and f'<D:prop>{props}</D:prop>'}</D:sync-collection>"
    ).encode()
    return rig.request("REPORT", path, body, password=password)


def put(rig: Rig, password: str, name: str) -> None:
    assert rig.request("PUT", f"{PATH}{name}.ics", calendar_object(name), password=password).status in (201, 204)


def test_a_client_follows_changes_and_removals(rig_anywhere: Rig) -> None:
    rig = rig_anywhere
    password = rig.password({Scope.CALENDARS})
    for name in ("a", "b", "c"):
        put(rig, password, name)
    assert rig.request("DELETE", PATH + "c.ics", password=password).status == 204
    first = sync(rig, password)
    assert sorted(first.hrefs()) == [PATH + "a.ics", PATH + "b.ics"]  # no 404 for what the client never had
    token = first.text_of(TOKEN)
    assert ":" in token

    nothing = sync(rig, password, token)
    assert (nothing.hrefs(), nothing.text_of(TOKEN)) == ([], token)

    assert rig.request("PUT", PATH + "a.ics", calendar_object("a", "SUMMARY:x"), password=password).status == 204
    assert rig.request("DELETE", PATH + "b.ics", password=password).status == 204
    put(rig, password, "d")
    second = sync(rig, password, token)
    assert sorted(second.hrefs()) == [PATH + "a.ics", PATH + "b.ics", PATH + "d.ics"]
    assert second.body.count(b"404 Not Found") == 1
    assert sync(rig, password, second.text_of(TOKEN)).hrefs() == []

    put(rig, password, "b")
    third = sync(rig, password, second.text_of(TOKEN))
    assert third.hrefs() == [PATH + "b.ics"]
    assert b"404 Not Found" not in third.body


@pytest.mark.parametrize(
    "token",
    ["data:,0000000000000000:1", "http://radicale.org/ns/sync/abc", "x", "7F1B3C2E-DEAD", "urn:"],
)
def test_foreign_tokens_are_refused_with_the_precondition(rig: Rig, token: str) -> None:
    reply = sync(rig, rig.password({Scope.CALENDARS}), token)
    assert reply.status == 403
    assert b"<D:valid-sync-token/>" in reply.body


def test_a_token_of_the_future_or_of_an_earlier_collection_is_refused(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    put(rig, password, "a")
    token = sync(rig, password).text_of(TOKEN)
    assert sync(rig, password, token + "7").status == 403
    assert rig.request("DELETE", PATH, password=password).status == 204
    assert rig.request("MKCALENDAR", PATH, password=password).status == 201
    assert sync(rig, password, token).status == 403


def test_members_without_asked_properties_are_reported(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    put(rig, password, "a")
    for props in ("", "<D:nothing/>"):
        assert sync(rig, password, props=props).hrefs() == [PATH + "a.ics"]


def test_data_inside_a_sync_as_thunderbird_asks_for_contacts(rig: Rig) -> None:
    rig.seed()
    reply = sync(
        rig, rig.password({Scope.CONTACTS}), "", "<D:getetag/><CR:address-data/>", "/dav/ana/contacts/contacts/"
    )
    assert reply.status == 207
    assert reply.text_of("{urn:ietf:params:xml:ns:carddav}address-data").splitlines() == CARD.decode().splitlines()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"<x/>", 403),
        (
            b'<D:sync-collection xmlns:D="DAV:"><D:sync-level>2</D:sync-level></D:sync-collection>',
            400,
        ),
        (b'<D:principal-property-search xmlns:D="DAV:"/>', 403),
        (b'<CR:addressbook-query xmlns:CR="urn:ietf:params:xml:ns:carddav"/>', 403),
        (b'<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav"/>', 400),
    ],
)
def test_reports_that_are_not_offered_or_not_whole(rig: Rig, body: bytes, status: int) -> None:
    reply = rig.request("REPORT", PATH, body, password=rig.password({Scope.CALENDARS}))
    assert reply.status == status
    assert (b"supported-report" in reply.body) is (status == 403)


def test_a_multiget_gives_what_exists_and_404_for_the_rest(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    put(rig, password, "a b")
    body = (
        '<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/>'
        f"<C:calendar-data/></D:prop><D:href>{PATH}a%20b.ics</D:href><D:href>{PATH}none.ics</D:href>"
        f"<D:href>https://dav.example.org{PATH}a%20b.ics</D:href></C:calendar-multiget>"
    ).encode()
    reply = rig.request("REPORT", PATH, body, password=password)
    assert reply.hrefs() == [f"{PATH}a%20b.ics", f"{PATH}none.ics"]
    assert reply.body.count(b"BEGIN:VEVENT") == 1


def page(rig: Rig, password: str, token: str, limit: object, depth: str | None = None, level: str = "1") -> Reply:
    body = (
        f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>{level}</D:sync-level>'
        f"<D:limit><D:nresults>{limit}</D:nresults></D:limit><D:prop><D:getetag/></D:prop></D:sync-collection>"
    ).encode()
    return rig.request("REPORT", PATH, body, password=password, depth=depth)


def pages(rig: Rig, password: str, token: str, limit: int) -> tuple[list[tuple[list[str], list[str]]], str]:
    """Each page as (changed, removed), until one has no 507; and the sync token of the last."""
    result = []
    for _ in range(50):
        reply = page(rig, password, token, limit)
        assert reply.status == 207
        token = reply.text_of(TOKEN)
        kinds = {
            response.findtext("{DAV:}href"): response.findtext("{DAV:}status")
            for response in fromstring(reply.body).findall("{DAV:}response")
        }
        changed = [href.removeprefix(PATH) for href, status in kinds.items() if status is None]
        removed = [href.removeprefix(PATH) for href, status in kinds.items() if status and "404" in status]
        result.append((changed, removed))
        if b"507 Insufficient" not in reply.body:
            return result, token
        # RFC 6578 section 3.6: the request URI, 507, and the reason.
        assert "507" in kinds[PATH]
        assert b"number-of-matches-within-limits" in reply.body
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_of_a_first_and_of_a_later_synchronisation(rig_anywhere: Rig, limit: int) -> None:
    """RFC 6578 section 3.6: at most so many results, and a sync token behind them that goes on there."""
    rig = rig_anywhere
    password = rig.password({Scope.CALENDARS})
    for name in "abcdefg":
        put(rig, password, name)
    assert rig.request("DELETE", PATH + "c.ics", password=password).status == 204
    first, token = pages(rig, password, "", limit)
    assert all(len(changed) + len(removed) <= limit for changed, removed in first)
    assert sorted(name for changed, _ in first for name in changed) == [f"{name}.ics" for name in "abdefg"]
    assert [removed for _, removed in first if removed] == []  # not even on the second page
    assert pages(rig, password, token, limit) == ([([], [])], token)
    for name in "abx":
        put(rig, password, name)
    assert rig.request("DELETE", PATH + "d.ics", password=password).status == 204
    later, token = pages(rig, password, token, limit)
    assert sorted(name for changed, _ in later for name in changed) == ["a.ics", "b.ics", "x.ics"]
    assert [name for _, removed in later for name in removed] == ["d.ics"]
    assert sync(rig, password, token).hrefs() == []


def test_pages_inside_one_change(rig_anywhere: Rig) -> None:
    """Objects that were stored together are still sent a few at a time, and none is lost between the pages."""
    rig = rig_anywhere
    password = rig.password({Scope.CALENDARS})
    put(rig, password, "first")
    with rig.services.database.write() as connection:
        calendar = collections.find(connection, 1, "calendars", "calendar")
        new = [NewObject(f"{n}.ics", f"u{n}", "VEVENT", calendar_object(f"u{n}")) for n in range(10)]
        objects.put_many(connection, calendar.id, new, rig.services.clock())
    found, _ = pages(rig, password, "", 3)
    assert [len(changed) for changed, _ in found] == [3, 3, 3, 2]
    assert len({name for changed, _ in found for name in changed}) == 11


def test_what_is_removed_between_two_pages_is_told(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    for name in "abc":
        put(rig, password, name)
    first = page(rig, password, "", 2)
    assert rig.request("DELETE", PATH + "a.ics", password=password).status == 204
    rest, _ = pages(rig, password, first.text_of(TOKEN), 2)
    assert rest == [(["c.ics"], ["a.ics"])]


def test_the_token_of_a_page_is_held_to_its_collection(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    for name in "abc":
        put(rig, password, name)
    token = page(rig, password, "", 2).text_of(TOKEN)
    head, change, removals, name = token.rsplit(":", 3)
    for forged in (
        f"{head}:{change}:99:{name}",
        f"{head}:99:{removals}:{name}",
        f"{head}:{change}:{removals}:ff",
        f"{head}:{change}:{removals}:6",
        f"{head}:{change}:{removals}:",
        f"{head[:-1]}x:{change}:{removals}:{name}",
    ):
        reply = page(rig, password, forged, 2)
        assert (reply.status, b"<D:valid-sync-token/>" in reply.body) == (403, True), forged
    body = token.encode().join(
        [b'<D:sync-collection xmlns:D="DAV:"><D:sync-token>', b"</D:sync-token><D:prop/></D:sync-collection>"]
    )
    elsewhere = rig.request("REPORT", "/dav/ana/calendars/tasks/", body, password=password)
    assert elsewhere.status == 403


@pytest.mark.parametrize("limit", ["", "0", "-1", "x", "1.5", "\u00b2"])
def test_a_limit_is_a_positive_number(rig: Rig, limit: str) -> None:
    assert page(rig, rig.password({Scope.CALENDARS}), "", limit).status == 400


@pytest.mark.parametrize(
    ("depth", "level", "status", "condition"),
    [
        ("0", "1", 207, b""),
        ("1", "1", 207, b""),
        (None, "1", 207, b""),
        ("infinity", "1", 400, b""),
        ("2", "1", 400, b""),
        ("0", "infinite", 403, b"<D:sync-traversal-supported/>"),
        ("0", "2", 400, b""),
    ],
)
def test_depth_and_level(rig: Rig, depth: str | None, level: str, status: int, condition: bytes) -> None:
    """RFC 6578 sections 3.2 and 3.3; Thunderbird asks with Depth 1."""
    reply = page(rig, rig.password({Scope.CALENDARS}), "", 10, depth, level)
    assert reply.status == status
    assert condition in reply.body


def test_a_member_without_asked_properties_has_a_propstat_and_no_status(rig: Rig) -> None:
    """RFC 6578 section 3.5.1."""
    password = rig.password({Scope.CALENDARS})
    put(rig, password, "a")
    for body in (
        b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop/></D:sync-collection>',
        b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level></D:sync-collection>',
    ):
        reply = rig.request("REPORT", PATH, body, password=password)
        [response] = fromstring(reply.body).findall("{DAV:}response")
        assert response.find("{DAV:}status") is None
        assert response.findtext("{DAV:}propstat/{DAV:}status") == "HTTP/1.1 200 OK"
