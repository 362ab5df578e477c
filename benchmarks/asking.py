"""Asking one server, and knowing that the answer is right: nobody is measured while failing."""

import itertools
import re
from dataclasses import dataclass, field

from benchmarks.client import Answer, Connection
from benchmarks.objects import event
from benchmarks.requests import ETAG, POLL, Place, propfind, put, request

_RESPONSE = re.compile(rb"<(?:\w+:)?response[ >/]")
_OBJECT = re.compile(rb"BEGIN:V(?:CALENDAR|CARD)\b")
_TOKEN = re.compile(rb"<(?:\w+:)?sync-token[^>]*>([^<]+)<")
_ETAG = re.compile(rb"<(?:\w+:)?getetag[^>]*>([^<]+)<")
serial = itertools.count()
"""No two objects that a run makes have the same name."""


class Wrong(Exception):
    """An answer that is not what was asked for: nobody is measured while failing."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request and its right answer: one of these statuses, so many responses at least, so many objects in it."""

    octets: bytes
    statuses: frozenset[int] = frozenset([207])
    responses: int = 0
    objects: int = 0

    def check(self, answer: Answer) -> None:
        """Raises Wrong."""
        if answer.status not in self.statuses:
            raise Wrong(f"{answer.status} to {self.octets[:150]!r}: {answer.body[:300]!r}")
        for what, pattern, wanted in (("responses", _RESPONSE, self.responses), ("objects", _OBJECT, self.objects)):
            if wanted and (found := len(pattern.findall(answer.body))) < wanted:
                raise Wrong(f"{found} {what} instead of {wanted} to {self.octets[:150]!r}")


Unit = tuple[Ask, ...]
WRITTEN = frozenset([200, 201, 204])


@dataclass(frozen=True)
class Hand:
    """A client of one account, with what it keeps to itself."""

    connection: Connection
    place: Place
    made: list[str] = field(default_factory=list)

    def do(self, ask: Ask) -> Answer:
        """Ask and check."""
        answer = self.connection.ask(ask.octets)
        ask.check(answer)
        return answer

    def token(self) -> str:
        """The sync token as of now."""
        found = _TOKEN.search(self.do(Ask(propfind(self.place, self.place.calendar, 0, POLL))).body)
        if found is None:
            raise Wrong("no sync token")
        return found[1].decode()

    def make(self) -> tuple[str, bytes]:
        """Store a new event: its address and its ETag."""
        path, octets = fresh(self.place)
        answer = self.do(Ask(octets, WRITTEN))
        self.made.append(path)
        etag = answer.header("etag").encode()
        if not etag:
            found = _ETAG.search(self.do(Ask(propfind(self.place, path, 0, ETAG))).body)
            etag = found[1].replace(b"&quot;", b'"') if found else b"*"
        return path, etag

    def clear(self) -> None:
        """Delete what was made and is still there."""
        while self.made:
            self.do(Ask(request(self.place, "DELETE", self.made.pop()), WRITTEN | {404}))


def fresh(place: Place) -> tuple[str, bytes]:
    """A new event: its address, and the request that stores it."""
    number = next(serial)
    path = f"{place.calendar}new-{number}.ics"
    return path, put(place, path, event(number, uid=f"new-{number}@example.com"), If_None_Match="*")
