"""Invariant 9 and "bad input gets a clear answer": whatever a body says, the answer is no 5xx and comes in time."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from dav_gateway.core.scope import Scope
from tests.dav.support import Rig, calendar_object, vcard

NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav"'
ROOTS = [
    "D:propfind", "D:propertyupdate", "D:sync-collection", "C:calendar-query", "C:calendar-multiget",
    "C:free-busy-query", "CR:addressbook-query", "CR:addressbook-multiget", "C:mkcalendar", "D:mkcol",
    "D:expand-property", "D:principal-match", "D:acl-principal-prop-set",
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


_passwords: dict[int, tuple[str, Rig]] = {}
"""With its rig, whose number nobody else has while it is held."""


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
        _passwords[id(rig)] = password, rig
    return _passwords[id(rig)][0]


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


@pytest.mark.parametrize(
    "value", ['"a"' * 15_000 + '"', 'W/"' * 2_000 + '"', "a" * 3_000 + " " * 3_000 + '"', '"' * 4_001, "*," * 4_000]
)
def test_conditions_cost_nothing_whatever_they_say(rig: Rig, value: str) -> None:
    password = rig.password({Scope.CALENDARS})
    path = "/dav/ana/calendars/calendar/x.ics"
    before = time.process_time()
    for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"):
        for method in ("PUT", "GET", "DELETE"):
            reply = rig.request(method, path, calendar_object("x"), password=password, extra={name: value})
            assert reply.status < 500
    assert time.process_time() - before < 1


@pytest.mark.parametrize("root", ["D:sync-collection", "C:calendar-query", "C:calendar-multiget"])
def test_a_report_names_as_many_properties_as_a_propfind_may(rig: Rig, root: str) -> None:
    names = "".join(f"<D:x{number}/>" for number in range(500))
    body = f"<{root} {NAMESPACES}><D:sync-token/><D:prop>{names}</D:prop><D:href>/x</D:href></{root}>".encode()
    path = "/dav/ana/calendars/calendar/"
    assert rig.request("REPORT", path, body, password=rig.password({Scope.CALENDARS})).status == 400


@pytest.mark.parametrize("depth", ["0", "1"])
def test_a_propfind_names_so_many_properties(rig: Rig, depth: str) -> None:
    """5 000 of 200 objects kept Radicale busy for 13 s."""
    names = "".join(f"<D:x{number}/>" for number in range(5_000))
    body = f"<D:propfind {NAMESPACES}><D:prop>{names}</D:prop></D:propfind>".encode()
    password = rig.password({Scope.CALENDARS})
    assert rig.request("PROPFIND", "/dav/ana/calendars/calendar/", body, password=password, depth=depth).status == 400


@pytest.mark.parametrize(
    ("method", "path", "root"),
    [
        ("PROPFIND", "/dav/ana/calendars/", "D:propfind"),
        ("REPORT", "/dav/ana/calendars/calendar/", "D:sync-collection"),
        ("REPORT", "/dav/ana/", "D:principal-match"),
    ],
)
@pytest.mark.parametrize(("number", "status"), [(2, 207), (3, 400)])
def test_the_names_of_properties_are_not_long_together(
    rig: Rig, method: str, path: str, root: str, number: int, status: int
) -> None:
    """What is missing is told by its name, of each of thousands of resources: megabytes of names were gigabytes."""
    names = "".join(f"<D:{'x' * 6_000}{each}/>" for each in range(number))
    more = "<D:self/>" if root == "D:principal-match" else ""
    body = f"<{root} {NAMESPACES}><D:prop>{names}</D:prop>{more}</{root}>".encode()
    depth = "1" if method == "PROPFIND" else "0"
    assert rig.request(method, path, body, password=_ready(rig), depth=depth).status == status


@pytest.mark.parametrize("root", ["D:propfind", "D:sync-collection", "C:calendar-query"])
def test_a_request_asks_for_properties_in_one_way(rig: Rig, root: str) -> None:
    """RFC 4918 section 14.20, RFC 4791 section 9.5: one of prop, allprop and propname."""
    everything = '<C:filter><C:comp-filter name="VCALENDAR"/></C:filter>' if root == "C:calendar-query" else ""
    method, path = "PROPFIND" if root == "D:propfind" else "REPORT", "/dav/ana/calendars/calendar/"
    ways = ["<D:prop/>", "<D:allprop/>", "<D:propname/>"]
    for asked, status in [*((way, 207) for way in ways), *((way + ways[0], 400) for way in ways)]:
        body = f"<{root} {NAMESPACES}>{asked}{everything}</{root}>".encode()
        depth = "0" if root == "D:sync-collection" else "1"
        assert (asked, rig.request(method, path, body, password=_ready(rig), depth=depth).status) == (asked, status)


@pytest.mark.parametrize(("number", "status"), [(390, 207), (400, 400)])
def test_so_many_parts_of_objects_are_asked_for(rig: Rig, number: int, status: int) -> None:
    """Of each object they are looked for."""
    parts = "".join(f'<{{}}:prop name="X{each}"/>' for each in range(number))
    events = f'<C:calendar-data><C:comp name="VCALENDAR">{parts.replace("{}", "C")}</C:comp></C:calendar-data>'
    cards = f"<CR:address-data>{parts.replace('{}', 'CR')}</CR:address-data>"
    for name, path, data in [
        ("C:calendar-multiget", "/dav/ana/calendars/calendar/", events),
        ("CR:addressbook-multiget", "/dav/ana/contacts/contacts/", cards),
    ]:
        body = f"<{name} {NAMESPACES}><D:prop>{data}</D:prop><D:href>{path}x</D:href></{name}>".encode()
        assert rig.request("REPORT", path, body, password=_ready(rig)).status == status


def test_a_multiget_of_very_many(rig: Rig) -> None:
    """100 000 hrefs kept Radicale busy for 9 s: refused; as many as are read cost a statement for each hundred."""
    password = _ready(rig)
    path = "/dav/ana/calendars/calendar/"
    statements: list[str] = []
    event.listen(rig.services.database.engine, "before_cursor_execute", lambda *_: statements.append(""))
    for count, status in ((100_000, 400), (20_000, 207)):
        hrefs = "".join(f"<D:href>{path}n{number}.ics</D:href>" for number in range(count - 1))
        body = (
            f"<C:calendar-multiget {NAMESPACES}><D:prop><D:getetag/></D:prop>{hrefs}<D:href>{path}e1.ics</D:href>"
            "</C:calendar-multiget>"
        ).encode()
        statements.clear()
        reply = rig.request("REPORT", path, body, password=password)
        assert reply.status == status
        assert len(statements) <= 20_000 / 100 + 5
    assert (reply.body.count(b"404 Not Found"), reply.body.count(b"<D:getetag>")) == (19_999, 1)


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;COUNT=\u00b2", "FREQ=DAILY;BYMONTH=\u00b2", "FREQ=DAILY;INTERVAL=" + "9" * 1900]
)
def test_numbers_that_are_none(rig: Rig, rule: str) -> None:
    password = rig.password({Scope.CALENDARS})
    put = rig.request(
        "PUT", "/dav/ana/calendars/calendar/x.ics", calendar_object("x", f"RRULE:{rule}"), password=password
    )
    assert (put.status, b"valid-calendar-data" in put.body) == (403, True)


@pytest.mark.parametrize(
    ("start", "rule", "status"),
    [
        ("19700101T000000Z", "FREQ=HOURLY", 403),
        ("00010101T000000Z", "FREQ=DAILY", 403),
        ("20260101T000000Z", "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=1,2,3,4", 403),
        ("20260101T000000Z", "FREQ=HOURLY;UNTIL=20270101T000000Z", 201),
        ("20260101T000000Z", "FREQ=HOURLY;INTERVAL=6", 201),
        ("16010101T000000Z", "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", 201),
        ("20260101T000000Z", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", 201),
    ],
)
def test_rules_are_bounded_by_the_steps_that_filters_take(rig: Rig, start: str, rule: str, status: int) -> None:
    octets = calendar_object("x", f"RRULE:{rule}").replace(b"DTSTART:20261122T120000Z", f"DTSTART:{start}".encode())
    octets = octets.replace(b"DTEND:20261122T130000Z", b"DURATION:PT1H")
    put = rig.request("PUT", "/dav/ana/calendars/calendar/x.ics", octets, password=rig.password({Scope.CALENDARS}))
    assert put.status == status
    assert (b"max-instances" in put.body) is (status == 403)


@pytest.mark.parametrize("others", [0, 3])
def test_an_object_that_cannot_be_expanded_is_sent_as_it_is(rig: Rig, others: int) -> None:
    """RFC 4791 section 9.6.5; Radicale answers 400 to the whole report for an override without its master."""
    password = rig.password({Scope.CALENDARS})
    path = "/dav/ana/calendars/calendar/"
    orphan = calendar_object("orphan", "RECURRENCE-ID:20261122T120000Z", "SUMMARY:alone")
    assert rig.request("PUT", path + "orphan.ics", orphan, password=password).status == 201
    for number in range(others):
        body = calendar_object(f"n{number}", "RRULE:FREQ=DAILY;COUNT=3")
        assert rig.request("PUT", f"{path}n{number}.ics", body, password=password).status == 201
    query = (
        f"<C:calendar-query {NAMESPACES}><D:prop><D:getetag/><C:calendar-data>"
        '<C:expand start="20261101T000000Z" end="20261201T000000Z"/></C:calendar-data></D:prop><C:filter>'
        '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
        '<C:time-range start="20261101T000000Z" end="20261201T000000Z"/></C:comp-filter></C:comp-filter></C:filter>'
        "</C:calendar-query>"
    ).encode()
    reply = rig.request("REPORT", path, query, password=password, depth="1")
    assert reply.status == 207
    assert sorted(reply.hrefs()) == [*(f"{path}n{number}.ics" for number in range(others)), f"{path}orphan.ics"]
    assert b"SUMMARY:alone" in reply.body


def test_a_destination_is_ascii_and_its_name_as_short_as_a_puts(rig: Rig) -> None:
    rig.seed()
    password = rig.password({Scope.CALENDARS})
    path = "/dav/ana/calendars/calendar/"
    for target, status in ((f"{path}\u00e9.ics", 400), (path + "n" * 300, 403)):
        assert rig.request("MOVE", path + "e1.ics", password=password, destination=target).status == status
