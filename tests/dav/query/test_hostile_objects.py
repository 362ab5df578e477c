"""Objects that may be stored, and are made to keep a worker busy or to fill its memory when they are asked for.

Time is not measured here: what is asserted is how much is read, followed or held.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from dav_gateway.core.scope import Scope
from dav_gateway.dav import patience
from dav_gateway.dav.query import alarms, expansion, index_rows, text, zones
from dav_gateway.dav.query.calendar_object import CalendarObject
from dav_gateway.dav.query.occurrences import LATEST, Occurrences, Range
from dav_gateway.dav.query.text import TextMatch
from dav_gateway.dav.query.tree import parse
from dav_gateway.dav.recurrence import FAR_FUTURE
from tests.dav.support import Reply, Rig, calendar_object, vcard

PATH = "/dav/ana/calendars/calendar/"
NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
OVERRIDES = 60
FAR = '<C:time-range start="20360101T000000Z" end="20360102T000000Z"/>'


def query(rig: Rig, password: str, *, data: str = "", inside: str = "", component: str = "VEVENT") -> Reply:
    """A calendar-query; `data` is in its calendar-data, `inside` in the filter of its components."""
    body = (
        f"<C:calendar-query {NAMESPACES}><D:prop><D:getetag/><C:calendar-data>{data}</C:calendar-data></D:prop>"
        f'<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="{component}">{inside}</C:comp-filter>'
        "</C:comp-filter></C:filter></C:calendar-query>"
    )
    return rig.request("REPORT", PATH, body.encode(), password=password, depth="1")


def put(rig: Rig, password: str, octets: bytes, name: str = "x") -> Reply:
    return rig.request("PUT", f"{PATH}{name}.ics", octets, password=password)


def with_overrides(*lines: str) -> bytes:
    """A daily event with many components of its own."""
    parts = ["RRULE:FREQ=DAILY", "END:VEVENT"]
    for number in range(OVERRIDES):
        day = f"2026{1 + number // 28:02}{1 + number % 28:02}"
        parts += ["BEGIN:VEVENT", "UID:x", "DTSTAMP:20261122T100000Z", f"RECURRENCE-ID:{day}T120000Z"]
        parts += [f"DTSTART:{day}T150000Z", *lines, "END:VEVENT"]
    return calendar_object("x", *parts[:-1])


@pytest.mark.parametrize(
    ("data", "inside"),
    [
        ('<C:limit-recurrence-set start="20260101T000000Z" end="20260301T000000Z"/>', ""),
        ("", f'<C:comp-filter name="VALARM">{FAR}</C:comp-filter>'),
        ("", '<C:prop-filter name="UID"/><C:time-range start="20260101T000000Z" end="20260301T000000Z"/>'),
    ],
)  # fmt: skip
def test_every_override_is_read_once(rig: Rig, monkeypatch: pytest.MonkeyPatch, data: str, inside: str) -> None:
    password = rig.password({Scope.CALENDARS})
    alarm = ("BEGIN:VALARM", "ACTION:AUDIO", "TRIGGER:-P1D", "END:VALARM")
    assert put(rig, password, with_overrides(*alarm)).status == 201
    seen = counted(monkeypatch, Occurrences, "_override")
    assert query(rig, password, data=data, inside=inside).status == 207
    assert len(seen) <= OVERRIDES


def counted(monkeypatch: pytest.MonkeyPatch, where: Any, name: str) -> list[object]:
    """The calls of a function from now on."""
    calls: list[object] = []
    called: Callable[..., Any] = getattr(where, name)

    def noted(*given: Any, **named: Any) -> Any:
        calls.append(given)
        return called(*given, **named)

    monkeypatch.setattr(where, name, noted)
    return calls


def test_an_alarm_with_a_moment_of_its_own_is_asked_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    password = rig.password({Scope.CALENDARS})
    alarm = ("BEGIN:VALARM", "ACTION:AUDIO", "TRIGGER;VALUE=DATE-TIME:19990101T000000Z", "END:VALARM")
    assert put(rig, password, calendar_object("x", "RRULE:FREQ=DAILY", *alarm)).status == 201
    seen = counted(monkeypatch, alarms, "meets")
    asked = '<C:comp-filter name="VALARM"><C:time-range start="20270101T000000Z"/></C:comp-filter>'
    assert query(rig, password, inside=asked).hrefs() == []
    assert len(seen) == 1


def test_a_rule_is_followed_for_two_centuries() -> None:
    """One that strikes and meets nothing would be followed to the year 9999."""
    source = calendar_object("x", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29").decode()
    calendar = CalendarObject(source, UTC)
    begin = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    found = list(calendar.occurrences("VEVENT").near(Range(begin, LATEST)))
    years = [each.start.clock.year for each in found if each.start]
    assert (2028 in years, 2224 in years, max(years) < 2240) == (True, True, True)


def test_a_rule_that_counts_is_followed_for_two_centuries() -> None:
    """It is walked through from its first day, whenever is asked for."""
    source = calendar_object("x", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;COUNT=10000").decode()
    occurrences = CalendarObject(source, UTC).occurrences("VEVENT")

    def years(first: int, last: int) -> list[int]:
        begin, end = (int(datetime(year, 1, 2, tzinfo=UTC).timestamp()) for year in (first, last))
        return [each.start.clock.year for each in occurrences.near(Range(begin, end)) if each.start]

    assert (2196 in years(2195, 2197), max(years(2027, 9000)) < 2240) == (True, True)
    assert set(years(9000, 9100)) <= set(years(2026, 2240))


def test_a_busy_time_does_not_recur(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    lines = ("DTSTART:20260101T000000Z", "RRULE:FREQ=DAILY;BYYEARDAY=1")
    octets = calendar_object("x", *lines, component="VFREEBUSY")
    assert put(rig, password, octets).status == 201
    occurrences = CalendarObject(octets.decode(), UTC).occurrences("VFREEBUSY")
    assert [occurrences.series(each) for each in occurrences.masters] == [None]


@pytest.mark.parametrize("report", ["expand", "free-busy-query"])
def test_nobody_expands_more_than_two_centuries(rig: Rig, report: str) -> None:
    """Whatever is stored: a rule by the day is walked over day by day."""
    password = rig.password({Scope.CALENDARS})
    times = 'start="20260101T000000Z" end="99980101T000000Z"'
    if report == "expand":
        reply = query(rig, password, data=f"<C:expand {times}/>")
    else:
        body = f"<C:free-busy-query {NAMESPACES}><C:time-range {times}/></C:free-busy-query>".encode()
        reply = rig.request("REPORT", PATH, body, password=password, depth="1")
    assert (reply.status, b"number-of-matches-within-limits" in reply.body) == (507, True)


def test_a_long_text_is_not_told_for_every_occurrence(rig: Rig) -> None:
    """50 kB, daily for 27 years, were half a gigabyte in memory."""
    password = rig.password({Scope.CALENDARS})
    assert put(rig, password, calendar_object("x", "RRULE:FREQ=DAILY", f"DESCRIPTION:{'x' * 50_000}")).status == 201
    for end, status in (("20261222T000000Z", 207), ("20280101T000000Z", 507)):
        data = f'<C:expand start="20260101T000000Z" end="{end}"/>'
        assert query(rig, password, data=data).status == status


@pytest.mark.parametrize("bound", ["MAX_OF_ANSWER", "MAX_CHARACTERS_OF_ANSWER"])
def test_an_answer_has_room_for_so_many_occurrences(rig: Rig, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    password = rig.password({Scope.CALENDARS})
    for number in range(5):
        assert put(rig, password, calendar_object(f"u{number}", "RRULE:FREQ=DAILY"), f"e{number}").status == 201
    data = '<C:expand start="20270101T000000Z" end="20270131T000000Z"/>'
    monkeypatch.setattr(expansion, bound, 4 * 30 if bound == "MAX_OF_ANSWER" else 4 * 30 * 150)
    reply = query(rig, password, data=data)
    assert (reply.status, b"number-of-matches-within-limits" in reply.body) == (507, True)
    monkeypatch.setattr(expansion, bound, 10**9)
    assert query(rig, password, data=data).body.count(b"BEGIN:VEVENT") == 5 * 30


FAR_ZONE = [
    "BEGIN:VTIMEZONE", "TZID:X", "BEGIN:STANDARD", "DTSTART:21000101T000000", "TZOFFSETFROM:+0100",
    "TZOFFSETTO:+0200", f"RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={','.join(map(str, range(24)))}",
    "END:STANDARD", "BEGIN:DAYLIGHT", "DTSTART:19900101T000000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100",
    "END:DAYLIGHT", "END:VTIMEZONE",
]  # fmt: skip


def test_a_zone_does_not_change_for_ever() -> None:
    """Changes by the hour from 2100 on: dateutil would follow seventy million of them to the year 9998."""
    calendar = parse("\r\n".join(["BEGIN:VCALENDAR", *FAR_ZONE, "END:VCALENDAR", ""]))
    zone = zones.Zones(calendar, UTC).named("X")
    assert isinstance(zone, zones.Defined)
    assert [when.year for when in vars(zone)["_changes"]] == [1990]
    assert str(zone.utcoffset(datetime(9998, 1, 1))) == "1:00:00"  # noqa: DTZ001
    assert FAR_FUTURE == 2100


@pytest.mark.parametrize(
    ("daylight", "standard"),
    [
        ("YEARLY;BYMONTH=3;BYDAY=-1SU", "YEARLY;BYMONTH=10;BYDAY=-1SU"),
        ("MONTHLY;INTERVAL=12;BYDAY=-1SU", "MONTHLY;INTERVAL=12;BYDAY=-1SU"),  # SyncEvolution 2.0
    ],
)
def test_a_zone_that_an_object_defines_is_the_one_that_everybody_knows(rig: Rig, daylight: str, standard: str) -> None:
    lines = [
        "BEGIN:VTIMEZONE", "TZID:X", "BEGIN:DAYLIGHT", "DTSTART:19960331T020000", "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200", f"RRULE:FREQ={daylight}", "END:DAYLIGHT", "BEGIN:STANDARD",
        "DTSTART:19961027T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100",
        f"RRULE:FREQ={standard}", "END:STANDARD", "END:VTIMEZONE",
    ]  # fmt: skip
    octets = calendar_object("z").replace(b"BEGIN:VEVENT", "\r\n".join([*lines, "BEGIN:VEVENT"]).encode())
    assert put(rig, rig.password({Scope.CALENDARS}), octets, "z").status == 201
    own = zones.Zones(parse("\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR", ""])), UTC).named("X")
    madrid = zones.by_name("Europe/Madrid")
    assert madrid is not None
    begin = datetime(1997, 1, 1, tzinfo=UTC).timestamp()
    for hours in range(0, 30 * 365 * 24, 7):
        moment = datetime.fromtimestamp(begin + hours * 3600, UTC)
        told = moment.astimezone(madrid).replace(tzinfo=None)
        assert moment.astimezone(own).replace(tzinfo=None) == told
        assert own.utcoffset(told) == madrid.utcoffset(told)


@pytest.mark.parametrize("until", ["99991231", "99991231T235959Z"])
def test_a_rule_until_the_last_year_is_one_without_an_end(rig: Rig, until: str) -> None:
    """Some programs write so. In a time zone it was a 500."""
    password = rig.password({Scope.CALENDARS})
    assert put(rig, password, calendar_object("x", f"RRULE:FREQ=DAILY;UNTIL={until}")).status == 201
    zone = [
        "BEGIN:VTIMEZONE", "TZID:X", "BEGIN:STANDARD", "DTSTART:19900101T000000", "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200", f"RRULE:FREQ=YEARLY;UNTIL={until}", "END:STANDARD", "END:VTIMEZONE", "BEGIN:VEVENT",
    ]  # fmt: skip
    octets = calendar_object("y").replace(b"BEGIN:VEVENT", "\r\n".join(zone).encode())
    assert put(rig, password, octets, "y").status == 201


def test_busy_times_and_alarms_have_a_number(rig: Rig) -> None:
    password = rig.password({Scope.CALENDARS})
    alarm = ["BEGIN:VALARM", "ACTION:AUDIO", "TRIGGER:-P1D", "END:VALARM"]
    busy = "FREEBUSY:" + ",".join(["20260101T000000Z/PT1H"] * 3_000)
    assert put(rig, password, calendar_object("x", *alarm * 100)).status == 201
    assert put(rig, password, calendar_object("x", *alarm * 101)).status == 403
    assert put(rig, password, calendar_object("y", busy, component="VFREEBUSY"), "y").status == 201
    many = put(rig, password, calendar_object("y", f"{busy},20260101T000000Z/PT1H", component="VFREEBUSY"), "y")
    assert (many.status, b"max-instances" in many.body) == (403, True)


def test_a_value_is_folded_once_for_many_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    folded: list[str] = []
    monkeypatch.setitem(text.COLLATIONS, "i;octet", lambda value: folded.append(value) or value)
    line = parse(calendar_object("x", "SUMMARY:y").decode()).components[0].get("SUMMARY")
    assert line is not None
    for wanted in ("a", "y", "z"):
        match = TextMatch(wanted, "i;octet", "contains", negated=False)
        assert match.matches_line(line) is (wanted == "y")
    assert folded == ["y"]


def test_long_rows_of_the_index_are_not_remembered(rig: Rig) -> None:
    """Thousands of exceptions, in thousands of objects, were hundreds of megabytes in each worker."""
    password = rig.password({Scope.CALENDARS})
    years = ",".join(f"{year}1122T120000Z" for year in range(2027, 3027))
    assert put(rig, password, calendar_object("x", "RRULE:FREQ=YEARLY", f"EXDATE:{years}")).status == 201
    index_rows._read.cache_clear()
    asked = '<C:time-range start="{0}1101T000000Z" end="{0}1201T000000Z"/>'
    for year, found in ((2026, 1), (2030, 0), (3030, 1)):
        assert len(query(rig, password, inside=asked.format(year)).hrefs()) == found
    assert index_rows._read.cache_info().currsize == 0


@pytest.mark.parametrize("asked", ["sync", "query", "filter", "multiget"])
def test_a_large_object_is_told_whole(rig_anywhere: Rig, asked: str) -> None:
    """It is not fetched with the others; by none of the ways is it left out, or told without what is in it."""
    rig = rig_anywhere
    password = rig.password({Scope.CALENDARS})
    for name, size in (("a", 10), ("large", 70_000), ("z", 10)):
        assert put(rig, password, calendar_object(name, f"DESCRIPTION:{'x' * size}."), name).status == 201
    told = "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
    inside = '<C:time-range start="20261101T000000Z"/>' if asked == "query" else '<C:prop-filter name="DESCRIPTION"/>'
    hrefs = "".join(f"<D:href>{PATH}{name}.ics</D:href>" for name in ("z", "large", "none", "a"))
    query_filter = (
        '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
        f"{inside}</C:comp-filter></C:comp-filter></C:filter>"
    )
    root, rest = {
        "sync": ("D:sync-collection", "<D:sync-token/><D:sync-level>1</D:sync-level>"),
        "multiget": ("C:calendar-multiget", hrefs),
    }.get(
        asked,
        ("C:calendar-query", query_filter),
    )
    body = f"<{root} {NAMESPACES}>{told}{rest}</{root}>".encode()
    depth = "0" if asked == "sync" else "1"
    for _ in range(2):  # the second time by the short way
        reply = rig.request("REPORT", PATH, body, password=password, depth=depth)
        assert reply.status == 207
        names = [href.removeprefix(PATH).removesuffix(".ics") for href in reply.hrefs()]
        assert names == ["z", "large", "none", "a"] if asked == "multiget" else sorted(names) == ["a", "large", "z"]
        assert (reply.body.count(b"xxxxxxxxxx."), reply.body.count(b"x" * 70_000 + b".")) == (3, 1)


EVENTS = (
    '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:prop-filter name="DTSTAMP"/>'
    "</C:comp-filter></C:comp-filter></C:filter>"
)
CARDS = '<CR:filter><CR:prop-filter name="NOTE"><CR:is-not-defined/></CR:prop-filter></CR:filter>'


@pytest.mark.parametrize(
    ("path", "name", "inner"),
    [
        (PATH, "C:calendar-query", EVENTS),
        ("/dav/ana/calendars/", "C:calendar-query", EVENTS),
        (PATH, "C:free-busy-query", '<C:time-range start="20260101T000000Z" end="20270101T000000Z"/>'),
        ("/dav/ana/contacts/contacts/", "CR:addressbook-query", CARDS),
    ],
)
def test_a_query_looks_for_so_long(rig: Rig, monkeypatch: pytest.MonkeyPatch, path: str, name: str, inner: str) -> None:
    """An object may take a second; nothing else would end a query of thousands of them."""
    password = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    zones_mixed = ("RRULE:FREQ=DAILY;COUNT=3", "RDATE:20261130T120000")  # what the index leaves to a look
    for number in range(4):
        assert put(rig, password, calendar_object(f"u{number}", *zones_mixed), f"e{number}").status == 201
        card = rig.request("PUT", f"/dav/ana/contacts/contacts/{number}.vcf", vcard(f"c{number}"), password=password)
        assert card.status == 201
    body = f'<{name} {NAMESPACES} xmlns:CR="urn:ietf:params:xml:ns:carddav"><D:prop/>{inner}</{name}>'
    body = body.replace("<D:prop/>", "" if "free" in name else "<D:prop/>").encode()
    clock = iter(range(0, 1_000_000, 10))
    assert rig.request("REPORT", path, body, password=password, depth="1").status in (200, 207)
    monkeypatch.setattr(patience, "thread_time", lambda: float(next(clock)))
    reply = rig.request("REPORT", path, body, password=password, depth="1")
    assert (reply.status, b"number-of-matches-within-limits" in reply.body) == (507, True)
