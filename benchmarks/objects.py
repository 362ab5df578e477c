"""Calendars and address books as companies have them, made by number: the same number gives the same octets.

Events of 600 to 900 bytes: most in a time zone that they carry, some in UTC, some all day; a fifth recurs, and one in a
hundred without an end. Cards of 400 to 700 bytes, each tenth with a picture besides.
"""

import base64
import hashlib
from datetime import date, timedelta

FIRST_DAY = date(2025, 9, 1)
DAYS = 730
MONTH = (date(2026, 10, 1), date(2026, 11, 1))
CARDS = 200

_ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Madrid
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""
_SUBJECTS = ("Site meeting", "Review of the quarter", "Call with the supplier", "Interview", "Maintenance window")
_NOTES = "Agenda: open points, deliveries of next week, budget. "
_PICTURE_BYTES = 2600


def _day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number * 7919 % DAYS)


def _repeats(number: int) -> tuple[int, int | None]:
    """Days between occurrences and how many there are; None: for ever."""
    if number % 100 == 50:
        return 7, None
    if number % 10 == 0:
        return 7, 10
    return (1, 5) if number % 10 == 5 else (1, 1)


def event(number: int, *, revision: int = 0, uid: str = "") -> bytes:
    """The event of this number; another `revision` is a change of it."""
    day, hour = _day(number), 8 + number % 9
    step, count = _repeats(number)
    rule = ""
    if count != 1:
        rule = f"RRULE:FREQ={'WEEKLY' if step == 7 else 'DAILY'}{f';COUNT={count}' if count else ''}\n"
    zone, notes = _ZONE, 1
    match number % 10:
        case 3:
            when = f"DTSTART;VALUE=DATE:{day:%Y%m%d}\nDTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}\n"
            zone, notes = "", 6
        case 7:
            when = f"DTSTART:{day:%Y%m%d}T{hour:02}0000Z\nDTEND:{day:%Y%m%d}T{hour:02}4500Z\n"
            zone, notes = "", 6
        case _:
            there = ";TZID=Europe/Madrid:"
            when = f"DTSTART{there}{day:%Y%m%d}T{hour:02}0000\nDTEND{there}{day:%Y%m%d}T{hour:02}4500\n"
    alarm = (
        "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Reminder\nTRIGGER:-PT15M\nEND:VALARM\n" if number % 3 == 0 else ""
    )
    text = (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example//Calendar 4.2//EN\n{zone}BEGIN:VEVENT\n"
        f"UID:{uid or f'event-{number}@example.com'}\nDTSTAMP:20260901T080000Z\nCREATED:20260901T080000Z\n"
        f"LAST-MODIFIED:20260901T{revision % 86400 // 3600:02}{revision % 3600 // 60:02}{revision % 60:02}Z\n"
        f"SEQUENCE:{revision}\n{when}{rule}SUMMARY:{_SUBJECTS[number % 5]} {number}\nLOCATION:Room {number % 30}\n"
        f"{_folded('DESCRIPTION:' + (_NOTES * notes).strip())}STATUS:CONFIRMED\n{alarm}END:VEVENT\nEND:VCALENDAR\n"
    )
    return text.replace("\n", "\r\n").encode()


def hits(size: int) -> int:
    """How many of the first `size` events have an occurrence in the month. No event begins or ends near midnight."""
    return sum(map(_in_month, range(size)))


def _in_month(number: int) -> bool:
    first, (begin, end) = _day(number), MONTH
    step, count = _repeats(number)
    if first >= end:
        return False
    skipped = max(0, -((first - begin).days // step))
    return (count is None or skipped < count) and first + timedelta(days=skipped * step) < end


def card(number: int, *, uid: str = "") -> bytes:
    """The card of this number."""
    family, given = f"Navarro{number}", ("Ana", "Borja", "Carla", "Diego", "Elena")[number % 5]
    text = (
        f"BEGIN:VCARD\nVERSION:3.0\nPRODID:-//Example//Contacts 4.2//EN\nUID:{uid or f'card-{number}@example.com'}\n"
        f"FN:{given} {family}\nN:{family};{given};;;\nORG:Example Corp.;Department {number % 12}\n"
        f"TITLE:Project manager\nEMAIL;TYPE=INTERNET,WORK:{given.lower()}.{family.lower()}@example.com\n"
        f"EMAIL;TYPE=INTERNET,HOME:{family.lower()}@mail.example\nTEL;TYPE=CELL:+34 600 {number:06}\n"
        f"TEL;TYPE=WORK,VOICE:+34 91 {number:07}\nADR;TYPE=WORK:;;Calle Mayor {number % 200};Madrid;;28013;Spain\n"
        f"NOTE:Met at the fair. Prefers calls in the morning.\nREV:2026-09-01T08:00:00Z\n"
    )
    if number % 10 == 0:
        text += _folded(f"PHOTO;ENCODING=b;TYPE=JPEG:{_picture(number)}")
    return f"{text}END:VCARD\n".replace("\n", "\r\n").encode()


def _picture(number: int) -> str:
    noise = b"".join(hashlib.sha256(f"{number}.{part}".encode()).digest() for part in range(_PICTURE_BYTES // 32))
    return base64.b64encode(b"\xff\xd8\xff\xe0" + noise + b"\xff\xd9").decode()


def _folded(line: str) -> str:
    """RFC 5545 section 3.1; all of it is ASCII."""
    pieces = [line[:75], *(line[place : place + 74] for place in range(75, len(line), 74))]
    return "\n ".join(pieces) + "\n"
