"""Objects of ten megabytes, and small ones made to keep a worker busy: none of them stops the other threads of its
process for long, those among them that renew the worker's lease.

Time is not measured here: what is asserted is how much a single expression is given to look at. Hostile objects are
read in a process of their own, which a return of the old ways would keep busy for hours.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radicale import item as radicale_item

from dav_gateway.core.scope import Scope
from dav_gateway.dav import analysis, content_lines, names, vobject_reader
from dav_gateway.dav.content_lines import LONGEST_LINE
from dav_gateway.dav.invalid import InvalidObject
from dav_gateway.dav.query import text, zones
from tests.dav.support import calendar_object

MEGABYTES = 9_000_000
CALENDAR = "C:valid-calendar-data"
MAX_INSTANCES = "C:max-instances"


def card(*lines: str) -> bytes:
    written = ["BEGIN:VCARD", "VERSION:3.0", "UID:x", "FN:Ana", "N:Ruiz;Ana;;;", *lines, "END:VCARD", ""]
    return "\r\n".join(written).encode()


def condition_of(octets: bytes, home: Scope = Scope.CALENDARS) -> str | None:
    try:
        analysis.analyse(octets, home, "x")
    except InvalidObject as invalid:
        return invalid.condition
    return None


@pytest.fixture
def seen() -> Iterator[list[str]]:
    """The lines that were given to a parser."""
    given_lines: list[str] = []
    read = vobject_reader.read

    def noted(lines: list[str]) -> list[object]:
        given_lines.extend(lines)
        return read(lines)

    with patch.object(vobject_reader, "read", noted), patch.object(analysis.ordinary, "read", given_lines.extend):
        yield given_lines


@pytest.mark.parametrize(
    ("octets", "home"),
    [
        (calendar_object("x", "DESCRIPTION:" + "\r\n ".join(["x" * 1000] * (MEGABYTES // 1000))), Scope.CALENDARS),
        (calendar_object("x", "DESCRIPTION:" + "\\," * (MEGABYTES // 2)), Scope.CALENDARS),
        (calendar_object("x", "ATTACH;ENCODING=BASE64;VALUE=BINARY:" + "QUJD" * (MEGABYTES // 4)), Scope.CALENDARS),
        (card("PHOTO;ENCODING=b;TYPE=JPEG:" + "QUJD" * (MEGABYTES // 4)), Scope.CONTACTS),
        (card("PHOTO;ENCODING=b:data:image/png;base64," + "QUJD" * (MEGABYTES // 4)), Scope.CONTACTS),
        (card("FN:" + "\\,a" * (MEGABYTES // 3)), Scope.CONTACTS),
    ],
)
def test_of_long_values_a_parser_is_given_the_beginning(octets: bytes, home: Scope, seen: list[str]) -> None:
    assert analysis.analyse(octets, home, "x").octets == octets
    assert len(seen) > 5
    assert max(map(len, seen)) <= LONGEST_LINE


@pytest.mark.parametrize(
    ("line", "condition"),
    [
        ("X-A" + ";A=b" * 40_000 + ":x", CALENDAR),
        ('X-A;A="' + "b" * 140_000 + '":x', CALENDAR),
        ("X" * 140_000, CALENDAR),
        ("RDATE:" + "20260101T090000Z," * 2_999 + " " * 100_000, MAX_INSTANCES),
        ("DTEND:20260101T100000Z" + " " * 140_000, CALENDAR),
        ("item1.DURATION:PT1H" + " " * 140_000, CALENDAR),
        ("X:" + "\r" * 20_001, CALENDAR),
    ],
)
def test_what_is_read_to_its_end_is_not_long(line: str, condition: str) -> None:
    assert condition_of(calendar_object("x", line)) == condition


@pytest.mark.parametrize("size", [40, 160_000])
def test_data_has_to_be_what_it_says(size: int) -> None:
    """Long data as short data, which vobject decodes."""
    good = "QUJD" * (size // 4)
    assert condition_of(card(f"PHOTO;ENCODING=b:{good}"), Scope.CONTACTS) is None
    assert condition_of(card(f"PHOTO;ENCODING=b:{good}Q"), Scope.CONTACTS) == "CR:valid-address-data"


HOSTILE = {
    "commas": ('X-A;A=a{}"x', ",a" * 60),
    "equals": ('X-A;A=a{}"x', "=a" * 60),
    "no colon": ("X-A;A=a{}", ",a" * 60),
    "soft break": ("X_Y;ENCODING=QUOTED-PRINTABLE:=\r\nX-A;A=a{}\r\nX-A;A=a{}", ",a" * 60),
    "zones in text": ("X_Y:1\r\nX-A:{}", "TZID=" * 200_000),
    "photos": ("X_Y:1\r\nPHOTO{}:x", ";ENCODING=b" * 5_000),
    "a path for a zone": ("X_Y:1\r\nEXDATE;TZID={}:20260101T000000", "/a" * 30_000),
    "codecs": ("X_Y:1\r\nX-A;ENCODING=QUOTED-PRINTABLE;CHARSET=punycode:{}", "a" * 120_000),
    "time zones": (
        "BEGIN:VTIMEZONE\r\nTZID:A{}\r\nEND:VTIMEZONE",
        "\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200"
        "\r\nRRULE:FREQ=YEARLY\r\nEND:STANDARD" * 2_000,
    ),
}
READ = """
import sys
from pathlib import Path
from dav_gateway.core.scope import Scope
from dav_gateway.dav import analysis, invalid
try:
    analysis.analyse(Path(sys.argv[1]).read_bytes(), Scope.CALENDARS, "x")
except invalid.InvalidObject as refused:
    print(refused.condition)
else:
    print("stored")
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_objects_are_answered(name: str, tmp_path: Path) -> None:
    form, repeated = HOSTILE[name]
    place = tmp_path / "object"
    octets = calendar_object("x", "X_Z:odd")
    inside = form.replace("{}", repeated).encode()
    marker = b"BEGIN:VEVENT" if inside.startswith(b"BEGIN:") else b"X_Z:odd"
    place.write_bytes(octets.replace(marker, inside + b"\r\n" + marker))
    found = subprocess.run([sys.executable, "-c", READ, place], check=False, capture_output=True, text=True, timeout=60)
    expected = {
        "zones in text": "stored",
        "photos": "stored",
        "time zones": MAX_INSTANCES,
        "a path for a zone": "stored",
    }
    assert found.stdout.strip() == expected.get(name, CALENDAR), found.stderr


ZONE = ("BEGIN:VTIMEZONE", "TZID:A", "BEGIN:STANDARD", "DTSTART:16010101T000000", "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200", "{}", "END:STANDARD", "END:VTIMEZONE")  # fmt: skip
EVERY = "BYHOUR=" + ",".join(map(str, range(24)))


@pytest.mark.parametrize(
    ("lines", "condition"),
    [
        # What readers later take for a rule is one.
        (["A.RRULE:FREQ=SECONDLY"], MAX_INSTANCES),
        (["RRULE :FREQ=SECONDLY"], MAX_INSTANCES),
        (['RRULE;X="a:b":FREQ=SECONDLY'], MAX_INSTANCES),
        (["X-A;ENCODING=QUOTED-PRINTABLE:a=", "RRULE :FREQ=SECONDLY"], MAX_INSTANCES),
        (["SUMMARY:x\r RRULE:FREQ=SECONDLY"], CALENDAR),
        (["A.RRULE:INTERVAL=2"], CALENDAR),
        (["A.RRULE:FREQ=DAILY;INTERVAL=0"], CALENDAR),
        # Rules that dateutil does not survive, or makes large tables for.
        (["RRULE:FREQ=MONTHLY;BYDAY=99MO"], CALENDAR),
        (["RRULE:FREQ=MONTHLY;BYDAY=1MO,9MO"], CALENDAR),
        (["RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=6SU"], CALENDAR),
        (["RRULE:FREQ=YEARLY;BYDAY=54SU"], CALENDAR),
        (["RRULE:FREQ=YEARLY;BYEASTER=99999999999"], CALENDAR),
        ([f"RRULE:FREQ=DAILY;{EVERY};BYMINUTE={','.join(map(str, range(60)))}"], MAX_INSTANCES),
        ([f"RRULE:FREQ=DAILY;INTERVAL={number}" for number in range(1, 302)], MAX_INSTANCES),
        # Rules that match no day, as they begin.
        (["RRULE:FREQ=DAILY;INTERVAL=14;BYDAY=TU"], CALENDAR),
        (["DTSTART:20261124T120000Z", "RRULE:FREQ=DAILY;INTERVAL=14;BYDAY=TU"], CALENDAR),
        (["BEGIN:X-A", "DTSTART:20261124T120000Z", "END:X-A", "RRULE:FREQ=DAILY;INTERVAL=14;BYDAY=TU"], CALENDAR),
        (["RRULE:FREQ=HOURLY;INTERVAL=8;BYHOUR=6"], CALENDAR),
        (["RRULE:FREQ=HOURLY;INTERVAL=8;BYHOUR=12"], None),
        (["RRULE:FREQ=MONTHLY;INTERVAL=12;BYMONTH=3"], CALENDAR),
        (["RRULE:FREQ=WEEKLY;INTERVAL=999999999;BYMONTH=3"], CALENDAR),
        (["RRULE:FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2"], CALENDAR),
        (["BEGIN:X-A", "RRULE:FREQ=HOURLY;INTERVAL=8;BYHOUR=12", "END:X-A"], CALENDAR),
        ([f"RRULE:FREQ=HOURLY;INTERVAL={8 * number};BYHOUR=12" for number in range(1, 7)], MAX_INSTANCES),
        # Time zones.
        ([line.format("RRULE:FREQ=YEARLY;COUNT=9000") for line in ZONE], MAX_INSTANCES),
        ([line.format(f"RRULE:FREQ=YEARLY;{EVERY}") for line in ZONE], MAX_INSTANCES),
        ([line.format("RRULE:FREQ=YEARLY;BYDAY=MO") for line in ZONE], MAX_INSTANCES),
        ([line.format("RRULE:FREQ=MONTHLY;BYDAY=-1SU") for line in ZONE], MAX_INSTANCES),
        ([line.format("RRULE:FREQ=MONTHLY;INTERVAL=12;BYDAY=SU,MO,TU") for line in ZONE], MAX_INSTANCES),
        ([line.format("RRULE:FREQ=MONTHLY;INTERVAL=12;BYDAY=-1SU") for line in ZONE], None),
        ([line.format('RRULE;X=":":FREQ=DAILY') for line in ZONE], CALENDAR),
        (['BEGIN;X=":":VTIMEZONE', *[line.format("RRULE:FREQ=DAILY") for line in ZONE[1:]]], CALENDAR),
        ([*[line.format("RRULE:FREQ=YEARLY;BYMONTH=1,2,3,4") for line in ZONE],
          *[f"EXDATE:{','.join(['20260101T000000'] * 2500)}"] * 1, f"RDATE:{','.join(['20260102T000000'] * 2500)}"],
         MAX_INSTANCES),
        ([*[line.format("RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU;BYHOUR=2;BYMINUTE=0") for line in ZONE] * 4], None),
        # Components are counted as they are read later.
        (["END;X=1:VEVENT", "END;X=1:VCALENDAR", "END:VCALENDAR"], CALENDAR),
        (["BEGIN;X=1:X-A"] * 13 + ["END;X=1:X-A"] * 13, CALENDAR),
    ],
)  # fmt: skip
def test_what_is_checked_is_what_is_read_later(lines: list[str], condition: str | None) -> None:
    marker = b"BEGIN:VEVENT" if "VTIMEZONE" in lines[0] else b"DTSTAMP"
    octets = calendar_object("x").replace(marker, "\r\n".join([*lines, marker.decode()]).encode(), 1)
    if "EXDATE" in lines[-2:][0]:
        zone, dates = "\r\n".join(lines[:-2]), "\r\n".join(lines[-2:])
        octets = calendar_object("x", dates).replace(b"BEGIN:VEVENT", f"{zone}\r\nBEGIN:VEVENT".encode(), 1)
    assert condition_of(octets) == condition


def test_what_is_remembered_is_short() -> None:
    before = names._short_tags.cache_info().currsize, zones._by_name.cache_info().currsize
    assert names.tags("{urn:x}" + "a" * 1_000) == ("X:" + "a" * 1_000 + ' xmlns:X="urn:x"', "X:" + "a" * 1_000)
    assert names.clark("{urn:x}a") == "{urn:x}a"
    assert zones.by_name("/a" * 1_000) is None
    assert zones.of_calendar("x" * 200_000) is None
    assert (names._short_tags.cache_info().currsize, zones._by_name.cache_info().currsize) == before


LINES = st.lists(
    st.sampled_from([
        "X-A;A=a,b:c", "X-A;A=a=b,c;B:d", 'X-A;A="b:c",d="e":f', "X-A;;A=b:c", "X-A;:c", "a.X-A:b", "a.b.X-A:c",
        "X_Y:1", 'X-A;A=b"c":d', 'X-A;A="b:c', "X-A;A=b", "X-A", ":x", ";A=b:c", "X-A;=b:c", "X-A;A,b:c",
        "X-A;A==b:c", "É:x",
        "PHOTO;ENCODING=b:data:image/png;base64,QUJD", "photo;TYPE=a;encoding=B;X=y:DATA:;base64,QUJD",
        "PHOTO;ENCODING=base64:data:a;base64,QUJD", "PHOTO:data:a;base64,QUJD", "PHOTO;ENCODING=b:data:a,b;base64,QUJD",
        "TZID:A ", "TZID: ", "TZNAME:  ", "X-TZID:a:b ", "DTSTART;TZID=A B :20260101T000000", "DTSTART;TZID= :20260101",
        "X-A;CHARSET=EUC-KR:a", "X-A;CHARSET=x:a", "X-A;ENCODING=QUOTED-PRINTABLE;CHARSET=Shift_JIS:=83A",
        "X-A;TZID=a :b ;TZID=c :d", "X-A:TZID=a :b :c", "X-A;ENCODING=QUOTED-PRINTABLE:a=", "X-A;Quoted-Printable:=41=",
        "any=", "=", "X-A:quoted-printable=", "SUMMARY:a",
    ]),
    min_size=1,
    max_size=4,
)  # fmt: skip


def told(read: Callable[[Any], list[Any]], source: Any) -> list[str] | None:
    try:
        return [re.sub("0x[0-9a-f]+", "", str(each)) for each in read(source)]
    except Exception:  # noqa: BLE001 - whatever vobject raises
        return None


@settings(max_examples=1_500, deadline=None)
@given(LINES)
def test_vobject_reads_what_radicale_lets_it_read(inside: list[str]) -> None:
    lines = ["BEGIN:VCARD", "VERSION:3.0", "FN:a", *inside, "END:VCARD"]

    assert told(vobject_reader.read, lines) == told(radicale_item.read_components, "\r\n".join([*lines, ""]))


def test_vobject_does_not_keep_every_time_zone() -> None:
    for number in range(3):
        zones = [
            line
            for zone in range(1_000)
            for line in ("BEGIN:VTIMEZONE", f"TZID:test {number} {zone}", "BEGIN:STANDARD", "DTSTART:20260101T000000",
                         "TZOFFSETFROM:+0100", f"TZOFFSETTO:+{zone % 14:02}{zone % 60:02}", "END:STANDARD",
                         "END:VTIMEZONE")
        ]  # fmt: skip
        vobject_reader.read(["BEGIN:VCALENDAR", "VERSION:2.0", *zones, "END:VCALENDAR"])
    assert len(vobject_reader._ZONES) <= vobject_reader.MOST_ZONES + 1_000
    assert vobject_reader._FIRST_ZONES.items() <= vobject_reader._ZONES.items()


ACCENTS = st.text(
    alphabet=[chr(each) for each in (*range(0x41, 0x45), 0xE4, 0x130, 0x300, 0x323, 0x344, 0x345, 0xF71, 0xF73, 0x1E69,
                                     0xAC00, 0x1100, 0x1161, 0xFB01)],
    max_size=60,
)  # fmt: skip


@settings(max_examples=500)
@given(ACCENTS, st.integers(1, 40))
def test_long_text_is_normalized_as_short_text_is(part: str, times: int) -> None:
    whole = part * times
    if re.fullmatch("[\u0300-\u0345\u0f71-\u0f73]{400,}", whole):
        return  # hundreds of accents on one letter
    collation = text.COLLATIONS["i;unicode-casemap"]
    with patch.object(text, "_PIECE", 1_000_000):
        expected = collation(whole)
    assert collation(whole) == expected


def test_lines_are_counted_before_they_are_taken_apart() -> None:
    with pytest.raises(InvalidObject), patch.object(content_lines.folding, "unfolded", side_effect=AssertionError):
        content_lines.unfolded(b"\r\n x" * (content_lines.MAX_LINES + 1), CALENDAR)
