"""Invariant 9 and "bad input gets a clear answer": whatever a body says, the answer is no 5xx and comes in time."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dav_gateway.core.scope import Scope
from tests.dav.support import Rig, calendar_object, vcard

NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav"'
ROOTS = [
    "D:propfind", "D:propertyupdate", "D:sync-collection", "C:calendar-query", "C:calendar-multiget",
    "C:free-busy-query", "CR:addressbook-query", "CR:addressbook-multiget", "C:mkcalendar", "D:mkcol",
    "D:expand-property", "D:principal-match",
]  # fmt: skip
NAMES = [
    "D:prop", "D:href", "D:set", "D:remove", "D:allprop", "D:propname", "D:include", "D:sync-token", "D:sync-level",
    "D:limit", "D:nresults", "D:getetag", "D:displayname", "D:resourcetype", "D:collection", "C:calendar",
    "CR:addressbook", "C:calendar-data", "CR:address-data", "C:expand", "C:limit-recurrence-set", "C:comp",
    "C:filter", "CR:filter", "C:comp-filter", "C:prop-filter", "CR:prop-filter", "C:param-filter",
    "CR:param-filter", "C:text-match", "CR:text-match", "C:time-range", "C:is-not-defined", "CR:is-not-defined",
    "C:timezone", "C:supported-calendar-component-set",
]  # fmt: skip
VALUES = [
    "", "VCALENDAR", "VEVENT", "VTODO", "VALARM", "SUMMARY", "DTSTART", "FN", "x", "20261101T000000Z",
    "99999999T999999Z", "20261122", "-1", "anyof", "allof", "i;octet", "no;such", "yes", "infinite", "urn:x",
    "/dav/ana/",
]  # fmt: skip
ATTRIBUTES = ["name", "start", "end", "test", "collation", "negate-condition", "match-type", "content-type", "version"]


def element(name: str, attributes: dict[str, str], text: str, children: list[str]) -> str:
    said = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{said}>{text}{''.join(children)}</{name}>"


attributes = st.dictionaries(st.sampled_from(ATTRIBUTES), st.sampled_from(VALUES), max_size=3)
trees = st.recursive(
    st.builds(element, st.sampled_from(NAMES), attributes, st.sampled_from(VALUES), st.just([])),
    lambda children: st.builds(
        element, st.sampled_from(NAMES), attributes, st.sampled_from(VALUES), st.lists(children, max_size=3)
    ),
    max_leaves=8,
)
bodies = st.builds(
    lambda root, children: (
        element(f"{root}", {}, "", children).replace(f"<{root}", f"<{root} {NAMESPACES}", 1).encode()
    ),
    st.sampled_from(ROOTS),
    st.lists(trees, max_size=4),
)
PATHS = [
    "/dav/", "/dav/ana/", "/dav/ana/calendars/", "/dav/ana/calendars/calendar/",
    "/dav/ana/calendars/calendar/e1.ics", "/dav/ana/contacts/contacts/", "/dav/ana/contacts/employees/",
    "/dav/ana/calendars/new/",
]  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["PROPFIND", "REPORT", "PROPPATCH", "MKCOL", "MKCALENDAR"]),
    path=st.sampled_from(PATHS),
    body=bodies,
    depth=st.sampled_from([None, "0", "1", "infinity", "x"]),
)
def test_no_body_makes_a_server_error(rig: Rig, method: str, path: str, body: bytes, depth: str | None) -> None:
    password = _ready(rig)
    before = time.process_time()
    reply = rig.request(method, path, body, password=password, depth=depth)
    assert reply.status < 500
    assert time.process_time() - before < 5


_passwords: dict[int, str] = {}


def _ready(rig: Rig) -> str:
    if id(rig) not in _passwords:
        password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
        for name, body in [
            ("calendars/calendar/e1.ics", calendar_object("e1", "SUMMARY:x", "BEGIN:VALARM", "ACTION:DISPLAY",
                                                          "TRIGGER:-PT5M", "END:VALARM")),
            ("calendars/calendar/e2.ics", calendar_object("e2", "RRULE:FREQ=DAILY")),
            ("contacts/contacts/c1.vcf", vcard("c1", "EMAIL:a@example.org")),
        ]:  # fmt: skip
            assert rig.request("PUT", f"/dav/ana/{name}", body, password=password).status == 201
        _passwords[id(rig)] = password
    return _passwords[id(rig)]


RULES = [
    "RRULE:FREQ=HOURLY", "RRULE:FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=0,1,2;BYSECOND=0,30",
    "RRULE:FREQ=YEARLY;INTERVAL=9999", "RRULE:FREQ=DAILY\r\nEXRULE:FREQ=DAILY",
    "RRULE:FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4", "RRULE:FREQ=YEARLY;BYYEARDAY=366",
    "RRULE:FREQ=WEEKLY;BYDAY=MO;BYSETPOS=60", "RRULE:FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
    "RRULE:FREQ=DAILY;BYMONTH=13", "RRULE:FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=6",
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_rules_that_never_or_nearly_never_match(rig: Rig, rule: str) -> None:
    """Stored or refused, and a month is answered within the budget afterwards."""
    password = rig.password({Scope.CALENDARS})
    path = "/dav/ana/calendars/calendar/"
    before = time.process_time()
    put = rig.request("PUT", path + "r.ics", calendar_object("r", rule), password=password)
    assert put.status in (201, 403)
    for data in (
        "<C:calendar-data/>",
        '<C:calendar-data><C:expand start="20270101T000000Z" end="20270201T000000Z"/></C:calendar-data>',
    ):
        body = (
            f"<C:calendar-query {NAMESPACES}><D:prop><D:getetag/>{data}</D:prop><C:filter><C:comp-filter "
            'name="VCALENDAR"><C:comp-filter name="VEVENT">'
            '<C:time-range start="20270101T000000Z" end="20270201T000000Z"/>'
            "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
        ).encode()
        assert rig.request("REPORT", path, body, password=password, depth="1").status < 500
    assert time.process_time() - before < 6, rule


def test_a_method_in_lower_case_needs_the_same_permission(rig: Rig) -> None:
    from dav_gateway.core.scope import Access

    password = rig.password({Scope.CALENDARS}, access=Access.READ_ONLY)
    path = "/dav/ana/calendars/calendar/x.ics"
    assert rig.request("put", path, calendar_object("x"), password=password).status == 403
    assert rig.request("GET", path, password=password).status == 404
