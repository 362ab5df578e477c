"""Filters without times (RFC 4791 section 9.7): each form, on one component and one line at once."""

import pytest

from tests.dav.query.asking import Asking

START = "DTSTART:20261122T100000Z"
ZONE = (
    "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\n"
    "END:STANDARD\nEND:VTIMEZONE\n"
)
BY_THE_SECOND = ZONE.replace("END:STANDARD", "RRULE:FREQ=SECONDLY\nEND:STANDARD")
AND_MORE = f"<C:timezone>BEGIN:VCALENDAR\n{ZONE}BEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR</C:timezone>"


@pytest.fixture
def three(asked: Asking) -> Asking:
    """plain; rich with several lines and an alarm; moved, whose override has another summary."""
    asked.put("plain", START, "SUMMARY:Stra\u00dfe und \u00c9t\u00e9")
    asked.put(
        "rich", START, "SUMMARY:Team\\, meeting\\; \\nroom", "CATEGORIES:WORK,Private", "STATUS:CONFIRMED",
        'ATTENDEE;PARTSTAT=ACCEPTED;CN="Ruiz, Ana";MEMBER="mailto:a@x","mailto:b@x":mailto:ana@example.org',
        "ATTENDEE;PARTSTAT=DECLINED;CN=Ben:mailto:ben@example.org",
        "BEGIN:VALARM", "ACTION:AUDIO", "TRIGGER:-PT5M", "END:VALARM",
        "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Go", "TRIGGER:-PT9M", "END:VALARM",
    )  # fmt: skip
    asked.put(
        "moved", START, "RRULE:FREQ=DAILY;COUNT=3", "SUMMARY:Series", "LOCATION:Home",
        more="BEGIN:VEVENT\r\nUID:moved\r\nDTSTAMP:20200101T000000Z\r\nRECURRENCE-ID:20261123T100000Z\r\n"
        "DTSTART:20261123T150000Z\r\nSUMMARY:Only once\r\nEND:VEVENT\r\n",
    )  # fmt: skip
    asked.put("todo", "SUMMARY:Task", component="VTODO")
    return asked


def prop(name: str, inner: str = "") -> str:
    return f"<C:prop-filter name='{name}'>{inner}</C:prop-filter>"


def text(value: str, **attributes: str) -> str:
    said = "".join(f" {key.replace('_', '-')}='{attributes[key]}'" for key in attributes)
    return f"<C:text-match{said}>{value}</C:text-match>"


ABSENT = "<C:is-not-defined/>"
RANGE = "<C:time-range start='20261122T000000Z' end='20261123T000000Z'/>"
NEXT_DAY = "<C:time-range start='20261123T000000Z' end='20261124T000000Z'/>"


@pytest.mark.parametrize(
    ("inner", "found"),
    [
        ("", ["moved", "plain", "rich"]),
        (prop("LOCATION"), ["moved"]),
        (prop("location"), ["moved"]),
        (prop("LOCATION", ABSENT), ["moved", "plain", "rich"]),  # of the series the override has none
        (prop("STATUS", ABSENT), ["moved", "plain"]),
        (prop("X-NOTHING", ABSENT), ["moved", "plain", "rich"]),
        # collations
        (prop("SUMMARY", text("TEAM, MEETING;")), ["rich"]),  # escapes undone, ASCII case folded by default
        (prop("SUMMARY", text("\nROOM")), ["rich"]),
        (prop("SUMMARY", text("team", collation="i;octet")), []),
        (prop("SUMMARY", text("Team", collation="i;octet")), ["rich"]),
        (prop("SUMMARY", text("\u00c9T\u00c9")), []),  # \u00e9 is no ASCII letter
        (prop("SUMMARY", text("\u00c9t\u00c9", collation="i;ascii-casemap")), []),
        (prop("SUMMARY", text("\u00c9T\u00c9", collation="i;unicode-casemap")), ["plain"]),
        (prop("SUMMARY", text("STRASSE", collation="i;unicode-casemap")), ["plain"]),
        (prop("SUMMARY", text("E\u0301t\u00e9", collation="i;unicode-casemap")), ["plain"]),
        (prop("SUMMARY", text("team", collation="default")), ["rich"]),
        # negation, of a property that is there
        (prop("SUMMARY", text("team", negate_condition="yes")), ["moved", "plain"]),
        (prop("STATUS", text("cancelled", negate_condition="yes")), ["rich"]),
        (prop("SUMMARY", text("team", negate_condition="no")), ["rich"]),
        # one component fulfils all
        (prop("SUMMARY", text("once")) + prop("LOCATION"), []),
        (prop("SUMMARY", text("series")) + prop("LOCATION"), ["moved"]),
        (prop("CATEGORIES", text("private")), ["rich"]),
        # parameters, on one line
        (prop("ATTENDEE", "<C:param-filter name='PARTSTAT'/>"), ["rich"]),
        (prop("ATTENDEE", f"<C:param-filter name='ROLE'>{ABSENT}</C:param-filter>"), ["rich"]),
        (prop("ATTENDEE", f"<C:param-filter name='PARTSTAT'>{ABSENT}</C:param-filter>"), []),
        (prop("ATTENDEE", f"<C:param-filter name='cn'>{text('ruiz, ana')}</C:param-filter>"), ["rich"]),
        (prop("ATTENDEE", f"<C:param-filter name='MEMBER'>{text('b@x')}</C:param-filter>"), ["rich"]),
        (
            prop("ATTENDEE", text("ana@") + f"<C:param-filter name='PARTSTAT'>{text('ACCEPTED')}</C:param-filter>"),
            ["rich"],
        ),
        (
            prop("ATTENDEE", text("ana@") + f"<C:param-filter name='PARTSTAT'>{text('DECLINED')}</C:param-filter>"),
            [],
        ),
        # alarms
        ("<C:comp-filter name='VALARM'/>", ["rich"]),
        (f"<C:comp-filter name='VALARM'>{ABSENT}</C:comp-filter>", ["moved", "plain"]),
        (f"<C:comp-filter name='VALARM'>{prop('ACTION', text('DISPLAY'))}</C:comp-filter>", ["rich"]),
        (
            f"<C:comp-filter name='VALARM'>{prop('ACTION', text('AUDIO'))}{prop('DESCRIPTION')}</C:comp-filter>",
            [],
        ),
        # match types, which others offer too
        (prop("SUMMARY", text("serie", match_type="equals")), []),
        (prop("SUMMARY", text("series", match_type="equals")), ["moved"]),
        (prop("SUMMARY", text("only", match_type="starts-with")), ["moved"]),
        (prop("SUMMARY", text("room", match_type="ends-with")), ["rich"]),
    ],
)
def test_what_a_filter_finds(three: Asking, inner: str, found: list[str]) -> None:
    assert three.events(inner) == found


@pytest.mark.parametrize(
    ("inner", "found"),
    [
        ("", ["moved", "plain", "rich", "todo"]),
        ("<C:comp-filter name='VTODO'/>", ["todo"]),
        ("<C:comp-filter name='vtodo'/>", ["todo"]),
        (f"<C:comp-filter name='VEVENT'>{ABSENT}</C:comp-filter>", ["todo"]),
        (f"<C:comp-filter name='VJOURNAL'>{ABSENT}</C:comp-filter>", ["moved", "plain", "rich", "todo"]),
        ("<C:comp-filter name='VJOURNAL'/>", []),
        ("<C:comp-filter name='VTIMEZONE'/>", []),
        ("<C:comp-filter name='VEVENT'/><C:comp-filter name='VTODO'/>", []),
        (prop("PRODID", text("//t//")), ["moved", "plain", "rich", "todo"]),
        (prop("METHOD", ABSENT), ["moved", "plain", "rich", "todo"]),
        (prop("METHOD"), []),
        # strictly nothing is found, but clients ask so for any component
        (prop("SUMMARY", text("task")), ["todo"]),
        (prop("CATEGORIES", text("work")), ["rich"]),
        (RANGE, ["moved", "plain", "rich", "todo"]),
        (NEXT_DAY, ["moved", "todo"]),
    ],
)
def test_filters_of_the_whole_object(three: Asking, inner: str, found: list[str]) -> None:
    assert three.names(three.query(inner)) == found


def test_any_of_several_components(three: Asking) -> None:
    """The test attribute that some servers offer in calendars as CardDAV has it for cards."""
    inner = prop("LOCATION") + prop("STATUS")
    assert three.events(inner) == []
    reply = three.query(f"<C:comp-filter name='VEVENT' test='anyof'>{inner}</C:comp-filter>")
    assert three.names(reply) == ["moved", "rich"]


def test_the_whole_filter_can_be_denied(three: Asking) -> None:
    body = (
        "<C:calendar-query xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:prop><D:getetag/></D:prop>"
        "<C:filter><C:comp-filter name='VCALENDAR'><C:is-not-defined/></C:comp-filter></C:filter></C:calendar-query>"
    )
    path = "/dav/ana/calendars/calendar/"
    reply = three.rig.request("REPORT", path, body.encode(), password=three.password, depth="1")
    assert (reply.status, reply.hrefs()) == (207, [])


def test_one_object_can_be_asked(three: Asking) -> None:
    body = (
        "<C:calendar-query xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:prop><D:getetag/></D:prop>"
        "<C:filter><C:comp-filter name='VCALENDAR'><C:comp-filter name='VEVENT'>"
        f"{prop('SUMMARY', text('team'))}</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    )
    for name, found in [("rich", ["rich"]), ("plain", [])]:
        path = f"/dav/ana/calendars/calendar/{name}.ics"
        reply = three.rig.request("REPORT", path, body.encode(), password=three.password)
        assert three.names(reply) == found


def test_properties_of_what_is_found(three: Asking) -> None:
    everything = three.query("<C:comp-filter name='VTODO'/>", prop="<D:getetag/><D:getcontenttype/><D:nothing/>")
    assert b"component=VTODO" in everything.body
    assert b"<D:nothing/></D:prop><D:status>HTTP/1.1 404" in everything.body
    for asked, expected in [("<D:allprop/>", b"<D:getetag>"), ("<D:propname/>", b"<D:getetag/>")]:
        body = (
            f"<C:calendar-query xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'>{asked}<C:filter>"
            "<C:comp-filter name='VCALENDAR'/></C:filter></C:calendar-query>"
        )
        path = "/dav/ana/calendars/calendar/"
        reply = three.rig.request("REPORT", path, body.encode(), password=three.password, depth="1")
        assert expected in reply.body
        assert len(reply.hrefs()) == 4


@pytest.mark.parametrize(
    ("inner", "condition"),
    [
        ("<C:comp-filter/>", "valid-filter"),
        ("<C:prop-filter/>", "valid-filter"),
        ("<C:nothing/>", "valid-filter"),
        (f"<C:comp-filter name='VEVENT'>{ABSENT}{RANGE}</C:comp-filter>", "valid-filter"),
        (f"<C:comp-filter name='VEVENT'>{RANGE}{RANGE}</C:comp-filter>", "valid-filter"),
        ("<C:comp-filter name='VEVENT' test='some'/>", "valid-filter"),
        ("<C:comp-filter name='VEVENT'><C:time-range/></C:comp-filter>", "valid-filter"),
        ("<C:comp-filter name='VEVENT'><C:time-range start='20261122'/></C:comp-filter>", "valid-filter"),
        ("<C:comp-filter name='VEVENT'><C:time-range start='20261122T000000'/></C:comp-filter>", "valid-filter"),
        ("<C:comp-filter name='VEVENT'><C:time-range start='20261399T000000Z'/></C:comp-filter>", "valid-filter"),
        (
            f"<C:comp-filter name='VEVENT'>{RANGE.replace('20261123', '20261121')}</C:comp-filter>",
            "valid-filter",
        ),
        (prop("SUMMARY", text("x", negate_condition="maybe")), "valid-filter"),
        (prop("SUMMARY", text("x", match_type="like")), "valid-filter"),
        (prop("SUMMARY", text("x") + text("y")), "valid-filter"),
        (prop("SUMMARY", ABSENT + text("y")), "valid-filter"),
        (prop("SUMMARY", "<C:param-filter/>"), "valid-filter"),
        (prop("SUMMARY", f"<C:param-filter name='X'>{ABSENT}{text('x')}</C:param-filter>"), "valid-filter"),
        (prop("SUMMARY", "<C:param-filter name='X'><C:time-range/></C:param-filter>"), "valid-filter"),
        (f"<C:comp-filter name='VTIMEZONE'>{RANGE}</C:comp-filter>", "valid-filter"),
        (f"<C:comp-filter name='X-THING'>{RANGE}</C:comp-filter>", "supported-filter"),
        (f"<C:comp-filter name='VALARM'>{RANGE}</C:comp-filter>", "valid-filter"),
        ("<C:comp-filter name='VALARM'/>", "valid-filter"),
        ("<C:comp-filter name='STANDARD'/>", "valid-filter"),
        ("<C:comp-filter name='VCALENDAR'/>", "valid-filter"),
        ("<C:comp-filter name='VTODO'><C:comp-filter name='VEVENT'/></C:comp-filter>", "valid-filter"),
        (prop("SUMMARY", RANGE), "valid-filter"),
        (prop("X-DATE", RANGE), "supported-filter"),
        ("<C:comp-filter name='VEVENT'/>" * 300, "supported-filter"),
        (prop("SUMMARY", text("x", collation="i;basic")), "supported-collation"),
    ],
)
def test_filters_that_are_none(asked: Asking, inner: str, condition: str) -> None:
    """RFC 4791 section 7.8: 403 with the precondition, and nothing is guessed."""
    reply = asked.query(inner)
    assert reply.status == 403
    assert f"<C:{condition}/>".encode() in reply.body


@pytest.mark.parametrize(
    ("more", "condition"),
    [
        ("<C:timezone>Europe/Madrid</C:timezone>", b"valid-calendar-data"),
        ("<C:timezone>BEGIN:VCALENDAR\nEND:VCALENDAR</C:timezone>", b"valid-calendar-data"),
        (AND_MORE, b"valid-calendar-data"),
        (f"<C:timezone>BEGIN:VCALENDAR\n{BY_THE_SECOND}END:VCALENDAR</C:timezone>", b"valid-calendar-data"),
        (f"<C:timezone>BEGIN:VCALENDAR\nX:{'x' * 140_000}\n{ZONE}END:VCALENDAR</C:timezone>", b"valid-calendar-data"),
        ("<C:timezone-id>Mars/Olympus</C:timezone-id>", b"valid-timezone"),
        ("<C:filter><C:comp-filter name='VCALENDAR'/></C:filter>", b"valid-filter"),
    ],
)
def test_queries_with_more_than_they_may_have(asked: Asking, more: str, condition: bytes) -> None:
    reply = asked.query("<C:comp-filter name='VEVENT'/>", more=more)
    assert (reply.status, condition in reply.body) == (403, True)


@pytest.mark.parametrize(
    ("depth", "status"), [(None, 207), ("1", 207), ("infinity", 207), ("0", 400), ("2", 400), ("x", 400)]
)
def test_the_depth_of_a_query(asked: Asking, depth: str | None, status: int) -> None:
    assert asked.query("<C:comp-filter name='VEVENT'/>", depth=depth).status == status


def test_a_limit(asked: Asking) -> None:
    for name in "abc":
        asked.put(name, START)
    reply = asked.query("<C:comp-filter name='VEVENT'/>", more="<C:limit><C:nresults>2</C:nresults></C:limit>")
    assert len(reply.hrefs()) == 3
    assert b"507 Insufficient Storage" in reply.body
    assert b"number-of-matches-within-limits" in reply.body
    whole = asked.query("<C:comp-filter name='VEVENT'/>", more="<C:limit><C:nresults>3</C:nresults></C:limit>")
    assert b"507 Insufficient Storage" not in whole.body
    assert asked.query("", more="<C:limit><C:nresults>0</C:nresults></C:limit>").status == 400
