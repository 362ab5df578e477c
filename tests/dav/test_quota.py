"""Quotas (RFC 4331): `limits.account_bytes` for all objects of an account."""

from dataclasses import replace

import pytest

from dav_gateway.core.scope import Scope
from dav_gateway.dav.site import Site
from tests.dav.support import EVENT, Reply, Rig, calendar_object

HOME = "/dav/ana/calendars/"
PATH = HOME + "calendar/"
BOTH = {Scope.CALENDARS, Scope.CONTACTS}
ASKED = b'<D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/><D:quota-used-bytes/></D:prop></D:propfind>'


@pytest.fixture
def limited(rig_anywhere: Rig) -> Rig:
    """Room for three events, two of which are there."""
    rig_anywhere.seed()
    site = replace(rig_anywhere.site, account_bytes=3 * len(EVENT) + 150)
    rig = Rig(rig_anywhere.services, site)
    assert rig.request("DELETE", "/dav/ana/contacts/contacts/c1.vcf", password=rig.password(BOTH)).status == 204
    put(rig, "e2", 201)
    return rig


def put(rig: Rig, name: str, status: int, *lines: str) -> Reply:
    body = calendar_object(name, *lines, "SUMMARY:First")
    reply = rig.request("PUT", f"{PATH}{name}.ics", body, password=rig.password({Scope.CALENDARS}))
    assert reply.status == status
    return reply


def test_used_and_available(limited: Rig) -> None:
    """Sections 3 and 4; not in allprop."""
    password = limited.password({Scope.CALENDARS})
    for path in (HOME, PATH, "/dav/ana/", HOME + "tasks/"):
        reply = limited.request("PROPFIND", path, ASKED, password=password, depth="0")
        assert reply.text_of("{DAV:}quota-used-bytes") == str(2 * len(EVENT))
        assert reply.text_of("{DAV:}quota-available-bytes") == str(len(EVENT) + 150)
        assert b"quota" not in limited.request("PROPFIND", path, password=password, depth="0").body


def test_without_a_limit_only_what_is_used(rig: Rig) -> None:
    rig.seed()
    reply = rig.request("PROPFIND", PATH, ASKED, password=rig.password({Scope.CALENDARS}), depth="0")
    assert b"<D:quota-used-bytes>" in reply.body
    assert b"<D:quota-available-bytes/></D:prop><D:status>HTTP/1.1 404" in reply.body


def test_what_does_not_fit_is_507_and_changes_nothing(limited: Rig) -> None:
    """Section 6: quota-not-exceeded."""
    put(limited, "e3", 201)
    before = limited.everything()
    reply = put(limited, "e4", 507)
    assert b"<D:quota-not-exceeded/>" in reply.body
    put(limited, "e1", 507, "DESCRIPTION:" + "x" * 200)
    password = limited.password({Scope.CALENDARS})
    for source, target in [(PATH + "e1.ics", HOME + "tasks/e1.ics"), (PATH, HOME + "copy/")]:
        refused = limited.request("COPY", source, password=password, destination=target)
        assert refused.status in (403, 507)
        assert limited.request("PROPFIND", target, password=password).status == 404
    assert b"quota-not-exceeded" in refused.body
    assert limited.everything() == before


def test_room_that_is_made_can_be_used(limited: Rig) -> None:
    put(limited, "e3", 201)
    put(limited, "e4", 507)
    password = limited.password({Scope.CALENDARS})
    assert limited.request("MOVE", PATH + "e1.ics", password=password, destination=PATH + "moved.ics").status == 201
    assert limited.request("DELETE", PATH + "e2.ics", password=password).status == 204
    put(limited, "e4", 201)
    assert limited.request("DELETE", PATH, password=password).status == 204
    assert limited.request("MKCALENDAR", PATH, password=password).status == 201
    for name in ("e1", "e2", "e3"):
        put(limited, name, 201)


def test_a_limit_that_was_lowered_lets_people_tidy_up(limited: Rig) -> None:
    small = Rig(limited.services, Site(account_bytes=10))
    put(small, "e2", 204)  # as large as before
    put(small, "new", 507)
    password = small.password({Scope.CALENDARS})
    assert small.request("PROPFIND", PATH, ASKED, password=password).text_of("{DAV:}quota-available-bytes") == "0"
    assert small.request("DELETE", PATH + "e2.ics", password=password).status == 204


def test_another_account_has_room_of_its_own(limited: Rig) -> None:
    put(limited, "e3", 201)
    put(limited, "e4", 507)
    ben = limited.password({Scope.CALENDARS}, account="ben")
    path = PATH.replace("ana", "ben") + "x.ics"
    assert limited.request("PUT", path, calendar_object("x"), password=ben, login="ben").status == 201


def test_an_account_has_so_many_calendars_and_address_books(rig_anywhere: Rig) -> None:
    """Nothing else would end a program that makes them; every listing of a home tells them all."""
    rig_anywhere.seed()
    have = 3  # calendar, tasks, contacts
    rig = Rig(rig_anywhere.services, replace(rig_anywhere.site, account_collections=have + 1))
    password = rig.password(BOTH)
    assert rig.request("MKCALENDAR", HOME + "one/", password=password).status == 201
    before = rig.everything()
    book = (
        b'<D:mkcol xmlns:D="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype>'
        b"<D:collection/><CR:addressbook/></D:resourcetype></D:prop></D:set></D:mkcol>"
    )
    for refused in (
        rig.request("MKCALENDAR", HOME + "two/", password=password),
        rig.request("MKCOL", "/dav/ana/contacts/two/", book, password=password),
        rig.request("COPY", PATH, password=password, destination=HOME + "two/"),
        rig.request("COPY", PATH, password=password, destination=HOME + "two/", depth="0"),
    ):
        assert (refused.status, b"<D:quota-not-exceeded/>" in refused.body) == (507, True)
    assert rig.everything() == before
    assert rig.request("MOVE", HOME + "one/", password=password, destination=HOME + "two/").status == 201
    assert rig.request("COPY", PATH, password=password, destination=HOME + "two/").status == 204
    assert rig.request("DELETE", HOME + "two/", password=password).status == 204
    assert rig.request("MKCALENDAR", HOME + "two/", password=password).status == 201
    ben = rig.password(BOTH, account="ben")
    assert rig.request("MKCALENDAR", "/dav/ben/calendars/one/", password=ben, login="ben").status == 201
