"""The benchmark measures what it says: its objects, its judgement of answers, and ours in its shortest form."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar
import pytest
import recurring_ical_events
from benchmarks.asking import Ask, Wrong
from benchmarks.client import Answer, Reader
from benchmarks.objects import MONTH, card, event, hits
from benchmarks.rows import ROWS

ROOT = Path(__file__).parents[2]


def test_objects_are_of_the_promised_size():
    events = [len(event(number)) for number in range(1000)]
    cards = [len(card(number)) for number in range(200) if number % 10]
    assert 600 <= min(events) <= max(events) <= 900
    assert 400 <= min(cards) <= max(cards) <= 700
    assert len(card(10)) > 3000


def test_the_hits_of_the_month_are_those_that_a_library_finds():
    begin, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in MONTH)
    found = [
        number
        for number in range(300)
        if recurring_ical_events.of(icalendar.Calendar.from_ical(event(number))).between(
            begin, end - timedelta(seconds=1)
        )
    ]
    assert len(found) == hits(300)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_an_answer_is_read_whole_however_it_comes(step):
    plain = b'HTTP/1.1 207 Multi-Status\r\nContent-Length: 5\r\nETag: "a"\r\n\r\nhello'
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
    closed = b"HTTP/1.0 200 OK\r\n\r\nhello"
    for octets, closes in ((plain, False), (chunked, False), (closed, True)):
        reader, answer = Reader(), None
        pieces = [octets[place : place + step] for place in range(0, len(octets), step)]
        for piece in [*pieces, b""]:
            answer = answer or reader.feed(piece)
        assert answer is not None
        assert (answer.body, answer.closes) == (b"hello", closes)


def test_a_server_that_fails_is_not_measured():
    ask = Ask(b"REPORT", responses=2, objects=1)
    body = b"<d:multistatus><d:response>BEGIN:VCALENDAR</d:response><d:response/></d:multistatus>"
    ask.check(Answer(207, b"", body, closes=False))
    for status, wrong in (
        (500, body),
        (207, body.replace(b"<d:response/>", b"")),
        (207, body.replace(b"VCAL", b"VTOD")),
    ):
        with pytest.raises(Wrong):
            ask.check(Answer(status, b"", wrong, closes=False))


def test_the_shortest_form_asks_every_row_of_a_real_gateway():
    command = [sys.executable, "-m", "benchmarks", "--quick", "--rows", *(row.key for row in ROWS), "puts-a-second"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for row in ROWS:
        line = next(line for line in done.stdout.splitlines() if line.startswith(row.title))
        assert float(line[len(row.title) :].split()[1]) > 0
        assert "wrong" not in line
    assert "PUT/s" in done.stdout
