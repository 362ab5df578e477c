"""Conditional requests (RFC 9110 section 13)."""

import pytest

from dav_gateway.core.scope import Scope
from dav_gateway.dav import conditions
from tests.dav.support import Rig, calendar_object


@pytest.mark.parametrize(
    ("headers", "etag", "failed"),
    [
        ({}, None, False),
        ({}, '"a"', False),
        ({"HTTP_IF_MATCH": '"a"'}, '"a"', False),
        ({"HTTP_IF_MATCH": '"b", "a"'}, '"a"', False),
        ({"HTTP_IF_MATCH": '"b"'}, '"a"', True),
        ({"HTTP_IF_MATCH": 'W/"a"'}, '"a"', True),
        ({"HTTP_IF_MATCH": "*"}, '"a"', False),
        ({"HTTP_IF_MATCH": "*"}, None, True),
        ({"HTTP_IF_MATCH": '"a"'}, None, True),
        ({"HTTP_IF_MATCH": "nothing"}, '"a"', True),
        ({"HTTP_IF_MATCH": "nothing"}, None, True),
        ({"HTTP_IF_MATCH": ""}, '"a"', True),
        ({"HTTP_IF_MATCH": '"x,a", "y"'}, '"a"', True),
        ({"HTTP_IF_NONE_MATCH": "*"}, None, False),
        ({"HTTP_IF_NONE_MATCH": "*"}, '"a"', True),
        ({"HTTP_IF_NONE_MATCH": '"a"'}, '"a"', True),
        ({"HTTP_IF_NONE_MATCH": 'W/"a"'}, '"a"', True),
        ({"HTTP_IF_NONE_MATCH": '"b"'}, '"a"', False),
        ({"HTTP_IF_MATCH": '"a"', "HTTP_IF_NONE_MATCH": "*"}, '"a"', True),
    ],
)
def test_changing_requests(headers: dict[str, str], etag: str | None, failed: bool) -> None:
    assert conditions.failed(headers, etag) is failed


@pytest.mark.parametrize(
    ("value", "same"), [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("", False)]
)
def test_get_is_not_modified(value: str, same: bool) -> None:
    assert conditions.of_reading({"HTTP_IF_NONE_MATCH": value}, '"a"', "") == (304 if same else None)


def test_get_without_a_condition_is_answered() -> None:
    assert conditions.of_reading({}, '"a"', "") is None


OBJECT = "/dav/ana/calendars/calendar/e1.ics"
CALENDAR = "/dav/ana/calendars/calendar/"
CARD = "/dav/ana/contacts/contacts/c1.vcf"
BOOK = "/dav/ana/contacts/contacts/"
MODIFIED = (
    b'<D:propfind xmlns:D="DAV:"><D:prop><D:getlastmodified/><D:getetag/><D:getcontenttype/></D:prop></D:propfind>'
)


@pytest.mark.parametrize("path", [OBJECT, CALENDAR, CARD, BOOK])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_is_not_sent_again(rig: Rig, path: str, method: str) -> None:
    """RFC 9110 sections 13.1.2, 13.1.3 and 15.4.5."""
    rig.seed()
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    full = rig.request(method, path, password=password)
    etag, modified = full.headers["ETag"], full.headers["Last-Modified"]
    assert full.status == 200
    assert full.headers["Accept-Ranges"] == "none"
    for extra, status in [
        ({"HTTP_IF_NONE_MATCH": etag}, 304),
        ({"HTTP_IF_NONE_MATCH": f'"x", W/{etag}'}, 304),
        ({"HTTP_IF_NONE_MATCH": "*"}, 304),
        ({"HTTP_IF_NONE_MATCH": '"x"'}, 200),
        ({"HTTP_IF_MODIFIED_SINCE": modified}, 304),
        ({"HTTP_IF_MODIFIED_SINCE": "Mon, 01 Jan 2001 00:00:00 GMT"}, 200),
        ({"HTTP_IF_MODIFIED_SINCE": "yesterday"}, 200),
        ({"HTTP_IF_MODIFIED_SINCE": modified, "HTTP_IF_NONE_MATCH": '"x"'}, 200),  # the tag decides alone
        ({"HTTP_IF_MATCH": etag}, 200),
        ({"HTTP_IF_MATCH": '"x"'}, 412),
        ({"HTTP_IF_UNMODIFIED_SINCE": modified}, 200),
        ({"HTTP_IF_UNMODIFIED_SINCE": "Mon, 01 Jan 2001 00:00:00 GMT"}, 412),
        ({"HTTP_RANGE": "bytes=0-4"}, 200),
    ]:
        reply = rig.request(method, path, password=password, extra=extra)
        assert (extra, reply.status) == (extra, status)
        if status == 304:
            assert (reply.body, reply.headers["ETag"]) == (b"", etag)
        if status == 200:
            assert reply.body == full.body


@pytest.mark.parametrize("path", [OBJECT, CALENDAR, CARD, BOOK])
def test_headers_and_properties_agree(rig: Rig, path: str) -> None:
    rig.seed()
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    for method in ("GET", "HEAD"):
        reply = rig.request(method, path, password=password)
        told = rig.request("PROPFIND", path, MODIFIED, password=password, depth="0")
        assert told.text_of("{DAV:}getlastmodified") == reply.headers["Last-Modified"]
        assert told.text_of("{DAV:}getetag") == reply.headers["ETag"]
        kind = told.text_of("{DAV:}getcontenttype").partition(";")[0]
        assert reply.headers["Content-Type"].partition(";")[0] == kind


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_changes_on_condition(rig: Rig, method: str) -> None:
    """RFC 9110 sections 13.1.1 and 13.1.4; If-Schedule-Tag-Match (RFC 6638 section 8.3) is read as If-Match."""
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    before = rig.everything()
    full = rig.request("GET", OBJECT, password=password)
    body = calendar_object("e1", "SUMMARY:Changed")
    for extra in (
        {"HTTP_IF_MATCH": 'W/"x"'},
        {"HTTP_IF_MATCH": f"W/{full.headers['ETag']}"},
        {"HTTP_IF_SCHEDULE_TAG_MATCH": '"12-34"'},
        {"HTTP_IF_UNMODIFIED_SINCE": "Mon, 01 Jan 2001 00:00:00 GMT"},
        {"HTTP_IF_MATCH": full.headers["ETag"], "HTTP_IF_SCHEDULE_TAG_MATCH": '"12-34"'},
    ):
        assert rig.request(method, OBJECT, body, password=password, extra=extra).status == 412
    assert rig.everything() == before
    extra = {
        "HTTP_IF_SCHEDULE_TAG_MATCH": full.headers["ETag"],
        "HTTP_IF_UNMODIFIED_SINCE": full.headers["Last-Modified"],
        "HTTP_IF_MATCH": f'"x", {full.headers["ETag"]}',
    }
    assert rig.request(method, OBJECT, body, password=password, extra=extra).status == 204


@pytest.mark.parametrize("path", [OBJECT, CALENDAR, CARD, BOOK])
def test_properties_are_changed_on_condition(rig_anywhere: Rig, path: str) -> None:
    """RFC 9110 section 13.1.1: whatever changes something, a PROPPATCH among it."""
    rig = rig_anywhere
    rig.seed()
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    etag = rig.request("HEAD", path, password=password).headers["ETag"]
    set_to = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:y">{}</x></D:prop></D:set></D:propertyupdate>'
    )
    for value, extra, status in [
        ("old", {"HTTP_IF_MATCH": '"x"'}, 412),
        ("old", {"HTTP_IF_NONE_MATCH": etag}, 412),
        ("old", {"HTTP_IF_UNMODIFIED_SINCE": "Mon, 01 Jan 2001 00:00:00 GMT"}, 412),
        ("new", {"HTTP_IF_MATCH": etag}, 207),
    ]:
        body = set_to.format(value).encode()
        assert (extra, rig.request("PROPPATCH", path, body, password=password, extra=extra).status) == (extra, status)
    told = rig.request("PROPFIND", path, password=password, depth="0").body
    assert (b">new<" in told, b">old<" in told) == (True, False)


@pytest.mark.parametrize("path", ["/dav/", "/dav/ana/", "/dav/ana/calendars/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_lists_has_no_body(rig: Rig, path: str, method: str) -> None:
    reply = rig.request(method, path, password=rig.password({Scope.CALENDARS}))
    assert reply.status == 405
    assert "GET" not in reply.headers["Allow"]
