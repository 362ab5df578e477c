"""Prefer (RFC 7240, RFC 8144) and Apple's Brief."""

import pytest

from dav_gateway.core.scope import Scope
from tests.dav.support import EVENT, Rig, calendar_object

PATH = "/dav/ana/calendars/calendar/"
ASKED = b'<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:nothing/></D:prop></D:propfind>'
PATCH = (
    b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>'
    b"</D:propertyupdate>"
)
BAD_PATCH = PATCH.replace(b"displayname", b"getetag")
SYNC = (
    b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:nothing/></D:prop>'
    b"</D:sync-collection>"
)
MINIMAL = [
    {"HTTP_PREFER": "return=minimal"},
    {"HTTP_PREFER": 'respond-async, Return="minimal"; x=y'},
    {"HTTP_PREFER": "return-minimal"},
    {"HTTP_BRIEF": "t"},
    {"HTTP_BRIEF": "T"},
]


@pytest.mark.parametrize("extra", MINIMAL)
def test_what_is_missing_is_left_out(rig: Rig, extra: dict[str, str]) -> None:
    """RFC 8144 section 2.1."""
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    for method, body in [("PROPFIND", ASKED), ("REPORT", SYNC)]:
        full = rig.request(method, PATH, body, password=password, depth="0")
        brief = rig.request(method, PATH, body, password=password, depth="0", extra=extra)
        assert (b"404" in full.body, b"404" in brief.body) == (True, False)
        assert full.hrefs() == brief.hrefs()
        assert "Prefer" in brief.headers["Vary"]
        assert brief.headers["Preference-Applied"] == "return=minimal"
        assert "Preference-Applied" not in full.headers


@pytest.mark.parametrize("extra", MINIMAL)
def test_a_change_that_went_well_needs_no_words(rig: Rig, extra: dict[str, str]) -> None:
    """RFC 8144 section 2.2; a change that failed still tells why."""
    password = rig.password({Scope.CALENDARS})
    done = rig.request("PROPPATCH", PATH, PATCH, password=password, extra=extra)
    assert (done.status, done.body) == (200, b"")
    failed = rig.request("PROPPATCH", PATH, BAD_PATCH, password=password, extra=extra)
    assert (failed.status, b"cannot-modify-protected-property" in failed.body) == (207, True)


def test_the_collection_itself_can_be_left_out(rig: Rig) -> None:
    """RFC 8144 section 4; where nothing is deeper there is nothing to leave out, and nothing is told to be."""
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    extra = {"HTTP_PREFER": "depth-noroot"}
    one, zero = (
        rig.request("PROPFIND", PATH, ASKED, password=password, depth=depth, extra=extra) for depth in ("1", "0")
    )
    assert (one.hrefs(), one.headers["Preference-Applied"]) == ([PATH + "e1.ics"], "depth-noroot")
    assert (zero.hrefs(), "Preference-Applied" in zero.headers) == ([PATH], False)
    report = rig.request("REPORT", PATH, SYNC, password=password, extra=extra)
    assert (report.hrefs(), "Preference-Applied" in report.headers) == ([PATH + "e1.ics"], False)


def test_a_put_shows_what_is_stored(rig: Rig) -> None:
    """RFC 8144 section 3: also what stands against it."""
    password = rig.password({Scope.CALENDARS})
    extra = {"HTTP_PREFER": "return=representation"}
    changed = calendar_object("e1", "SUMMARY:Other")
    for body, status in [(EVENT, 201), (changed, 200)]:
        reply = rig.request("PUT", PATH + "a b.ics", body, password=password, extra=extra)
        assert (reply.status, reply.body) == (status, body)
        assert reply.headers["Content-Location"] == PATH + "a%20b.ics"
        assert reply.headers["ETag"] == rig.request("GET", PATH + "a b.ics", password=password).headers["ETag"]
        assert reply.headers["Preference-Applied"] == "return=representation"
    refused = rig.request("PUT", PATH + "a b.ics", EVENT, password=password, extra={**extra, "HTTP_IF_NONE_MATCH": "*"})
    assert (refused.status, refused.body, refused.headers["Content-Location"]) == (412, changed, PATH + "a%20b.ics")
    refused = rig.request("PUT", PATH + "a b.ics", EVENT, password=password, extra={"HTTP_IF_NONE_MATCH": "*"})
    assert b"VEVENT" not in refused.body
