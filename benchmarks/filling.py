"""Filling an account: over HTTP by PUT for servers that take it well, else file by file."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.asking import WRITTEN
from benchmarks.client import Answer, Connection
from benchmarks.crowd import many
from benchmarks.objects import CARDS, card, event
from benchmarks.peers import TASKS
from benchmarks.requests import Place, put, request

_NEW_CALENDAR = (
    '<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:set><D:prop>'
    "<D:displayname>Team</D:displayname></D:prop></D:set></C:mkcalendar>"
)
_NEW_BOOK = (
    '<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype><D:collection/>'
    "<C:addressbook/></D:resourcetype></D:prop></D:set></D:mkcol>"
)


def by_put(port: int, place: Place, clients: int = 4) -> None:
    """Every object by a PUT of its own. Raises RuntimeError when one is refused."""

    def requests() -> Iterator[bytes]:
        for number in range(place.size):
            yield put(place, place.event(number), event(number))
        for number in range(CARDS):
            yield put(place, place.card(number), card(number))

    def take(answer: Answer, _seconds: float) -> None:
        if answer.status not in WRITTEN:
            raise RuntimeError(f"an object was refused: {answer.status} {answer.body[:300]!r}")

    rest = requests()
    # DAViCal keeps time zones once for all and fails when two clients bring the first of one.
    many(port, islice(rest, 1), 1, take)
    many(port, rest, clients, take)


def by_http(port: int, place: Place) -> None:
    """Three collections, and every object by a PUT of its own. Raises RuntimeError when one is refused."""
    connection = Connection(port)
    for method, path, body in (
        ("MKCALENDAR", place.calendar, _NEW_CALENDAR),
        ("MKCALENDAR", f"{place.home}{TASKS}/", _NEW_CALENDAR),
        ("MKCOL", place.book, _NEW_BOOK),
    ):
        answer = connection.ask(request(place, method, path, body))
        if answer.status not in {201, 207}:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.body[:300]!r}")
    connection.close()
    by_put(port, place)


def by_file(calendar: Path, book: Path, size: int) -> None:
    """Every object as a file in the folder of its collection."""
    for number in range(size):
        (calendar / f"event-{number}.ics").write_bytes(event(number))
    for number in range(CARDS):
        (book / f"card-{number}.vcf").write_bytes(card(number))
