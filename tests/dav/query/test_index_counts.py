"""What a query costs: statements, instructions of SQLite (one for each row it steps over), objects read and parsed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from dav_gateway.core.scope import Scope
from dav_gateway.dav import analysis
from dav_gateway.dav.query import tree
from dav_gateway.store import collections, objects
from dav_gateway.store.objects import NewObject
from tests.dav.query.asking import BOOK, CALENDAR, SPACES
from tests.dav.support import Rig, calendar_object, vcard
from tests.dav.test_counts import counting

MONTH = "<C:comp-filter name='VEVENT'><C:time-range start='20260301T000000Z' end='20260401T000000Z'/></C:comp-filter>"
STATEMENTS = 4
"""BEGIN, the credential with its owner, the collection, and what is found."""


def query(inner: str, prop: str = "<D:getetag/>") -> bytes:
    return (
        f"<C:calendar-query {SPACES}><D:prop>{prop}</D:prop><C:filter><C:comp-filter name='VCALENDAR'>{inner}"
        "</C:comp-filter></C:filter></C:calendar-query>"
    ).encode()


def event_of(number: int) -> bytes:
    """Forty in each of the years around 2026; of ten one recurs by the year and one is all day."""
    month, day = number % 12 + 1, number % 28 + 1
    year = 2027 + number // 40 % 200 if number >= 40 else 2026
    match number % 10:
        case 0:
            lines = [f"DTSTART;VALUE=DATE:2020{month:02}{day:02}", f"RRULE:FREQ=YEARLY;UNTIL={year}0101"]
        case 1:
            lines = [f"DTSTART;VALUE=DATE:{year}{month:02}{day:02}"]
        case 2:
            lines = [f"DTSTART:{year}{month:02}{day:02}T100000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=9"]
        case _:
            lines = [f"DTSTART;TZID=Europe/Madrid:{year}{month:02}{day:02}T100000", "DURATION:PT1H"]
    return (
        calendar_object(f"u{number}", *lines, component="X")
        .replace(b"BEGIN:X", b"BEGIN:VEVENT")
        .replace(b"END:X", b"END:VEVENT")
    )


@pytest.fixture
def password(rig: Rig) -> str:
    issued = rig.password({Scope.CALENDARS, Scope.CONTACTS})
    assert rig.request("PROPFIND", CALENDAR, password=issued, depth="0").status == 207
    return issued


def fill(rig: Rig, home: str, name: str, new: Iterator[NewObject]) -> None:
    with rig.services.database.write() as c:
        found = collections.find(c, 1, home, name)
        assert found is not None
        objects.put_many(c, found.id, map(analysis.indexed, new), rig.services.clock())


def events(size: int) -> Iterator[NewObject]:
    return (NewObject(f"{n}.ics", f"u{n}", "VEVENT", event_of(n)) for n in range(size))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of objects that were parsed."""
    seen: list[str] = []
    original: Callable[[str], tree.Component] = tree.parse
    monkeypatch.setattr(tree, "parse", lambda text: (seen.append(text), original(text))[1])
    return seen


@contextmanager
def statements(rig: Rig) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    engine = rig.services.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_month_reads_no_object_and_parses_none(rig: Rig, password: str, parsed: list[str]) -> None:
    fill(rig, "calendars", "calendar", events(500))
    parsed.clear()
    with statements(rig) as sent:
        reply = rig.request("REPORT", CALENDAR, query(MONTH), password=password, depth="1")
    assert len(reply.hrefs()) > 5
    assert parsed == []
    assert len(sent) <= STATEMENTS
    assert not any("octets" in statement for statement in sent)


def test_whole_objects_of_a_month_are_read_with_their_rows(rig: Rig, password: str, parsed: list[str]) -> None:
    fill(rig, "calendars", "calendar", events(500))
    parsed.clear()
    with statements(rig) as sent:
        reply = rig.request("REPORT", CALENDAR, query(MONTH, "<C:calendar-data/>"), password=password, depth="1")
    assert reply.body.count(b"BEGIN:VCALENDAR") == len(reply.hrefs()) > 5
    assert parsed == []
    assert len(sent) <= STATEMENTS


def test_a_month_costs_the_same_in_a_large_calendar(rig: Rig, password: str) -> None:
    """As many hits, and a hundred times as many objects."""
    costs = []
    for size in (100, 10_000):
        fill(rig, "calendars", "calendar", events(size))
        for _ in range(2):  # the second pass: the first one also reads the schema
            with counting(rig) as counts:
                reply = rig.request("REPORT", CALENDAR, query(MONTH), password=password, depth="1")
        costs.append((len(reply.hrefs()), counts))
    [(few, small), (many, large)] = costs
    assert small["statements"] == large["statements"]
    # Anniversaries are found wherever they began: of ten thousand objects a thousand, eighty of them in a month.
    assert large["instructions"] - small["instructions"] < (many - few + 100) * 60


@pytest.mark.parametrize("inner", ["", "<C:comp-filter name='VEVENT'/>"])
def test_a_query_without_a_time_looks_at_no_object(rig: Rig, password: str, parsed: list[str], inner: str) -> None:
    fill(rig, "calendars", "calendar", events(100))
    parsed.clear()
    with statements(rig) as sent:
        reply = rig.request("REPORT", CALENDAR, query(inner), password=password, depth="1")
    assert len(reply.hrefs()) == 100
    assert parsed == []
    assert not any("octets" in statement for statement in sent)


def test_what_no_index_knows_is_looked_at_once(rig: Rig, password: str, parsed: list[str]) -> None:
    """Objects that were stored without it: by an older version, by hand."""
    with rig.services.database.write() as c:
        found = collections.find(c, 1, "calendars", "calendar")
        assert found is not None
        objects.put_many(c, found.id, events(50), rig.services.clock())
    first = rig.request("REPORT", CALENDAR, query(MONTH), password=password, depth="1")
    assert len(parsed) >= 50
    parsed.clear()
    state = rig.everything()
    again = rig.request("REPORT", CALENDAR, query(MONTH), password=password, depth="1")
    assert sorted(again.hrefs()) == sorted(first.hrefs()) != []
    assert parsed == []
    assert rig.everything() == state


def test_an_uneven_rule_is_followed_as_far_as_somebody_looks(rig: Rig, password: str, parsed: list[str]) -> None:
    new = calendar_object("u", "RRULE:FREQ=MONTHLY;BYDAY=-1FR")
    assert rig.request("PUT", CALENDAR + "u.ics", new, password=password).status == 201
    far = MONTH.replace("2026", "2051")
    nothing = far.replace("20510301", "20510302").replace("20510401", "20510303")
    for body, hits in ((query(far), 1), (query(nothing), 0)):
        for look in (True, False):
            parsed.clear()
            reply = rig.request("REPORT", CALENDAR, body, password=password, depth="1")
            assert len(reply.hrefs()) == hits
            assert bool(parsed) is (look and body == query(far))


@pytest.mark.parametrize("rule", ["DAILY", "WEEKLY;BYDAY=SU,TU,WE", "YEARLY", "HOURLY;INTERVAL=6", "MONTHLY"])
def test_an_endless_rule_takes_few_rows(rule: str) -> None:
    new = NewObject("x", "x", "VEVENT", calendar_object("x", f"RRULE:FREQ={rule}"))
    rows = analysis.indexed(new).occurrences or ()
    assert 1 <= len(rows) <= (12 if rule == "MONTHLY" else 1)
    assert sum(len(row.detail or "") for row in rows) < 4_000


@pytest.mark.parametrize(
    "rule", ["DAILY;INTERVAL=46;UNTIL=99991231", "WEEKLY;INTERVAL=8;COUNT=9999", "DAILY;UNTIL=99991231T000000Z"]
)
def test_a_long_rule_with_an_end_takes_few_rows_too(rule: str) -> None:
    new = NewObject("x", "x", "VEVENT", calendar_object("x", f"RRULE:FREQ={rule}"))
    assert len(analysis.indexed(new).occurrences or ()) == 1


def test_cards_are_found_without_a_look(rig: Rig, password: str, parsed: list[str]) -> None:
    new = (NewObject(f"{n}.vcf", f"u{n}", "VCARD", vcard(f"u{n}", f"EMAIL:p{n}@example.org")) for n in range(300))
    fill(rig, "contacts", "contacts", new)
    parsed.clear()
    body = (
        f"<CR:addressbook-query {SPACES}><D:prop><D:getetag/></D:prop><CR:filter><CR:prop-filter name='EMAIL'>"
        "<CR:text-match>P29@</CR:text-match></CR:prop-filter></CR:filter></CR:addressbook-query>"
    )
    with statements(rig) as sent:
        reply = rig.request("REPORT", BOOK, body.encode(), password=password, depth="1")
    assert [href.rpartition("/")[2] for href in reply.hrefs()] == ["29.vcf"]
    assert parsed == []
    assert len(sent) <= STATEMENTS
    assert not any("octets" in statement for statement in sent)
