"""sync-collection (RFC 6578) and multiget."""

import pytest

from dav_gateway.core.scope import Scope
from tests.dav.support import CARD, Rig, calendar_object

PATH = "/dav/ana/calendars/calendar/"
TOKEN = "{DAV:}sync-token"


def sync(rig: Rig, password: str, token: str = "", props: str = "<D:getetag/>", path: str = PATH) -> object:
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
    assert b"404" not in third.body


@pytest.mark.parametrize(
    "token",
    ["urn:dav-gateway:sync:0000000000000000:1", "http://radicale.org/ns/sync/abc", "x", "7F1B3C2E-DEAD", "urn:"],
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
            b'<D:sync-collection xmlns:D="DAV:"><D:sync-level>infinite</D:sync-level></D:sync-collection>',
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
