"""The rows of the table: what is asked, how an answer is known to be right, and how fast it should be.

A row makes units: what a client does for one purpose, mostly a single request. Whatever a unit needs before (an object
to replace, a token from before a change) is done unmeasured, and cleared away after.
"""

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.asking import WRITTEN, Ask, Hand, Unit, fresh, serial
from benchmarks.objects import CARDS, event, hits
from benchmarks.requests import ETAG, HOME, POLL, multiget, propfind, put, query, request, sync

BATCH = 50

Units = Callable[[Hand, int], Iterable[Unit]]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `target`: milliseconds of CPU at a size, None where nothing is set. `known`: the best that
    was measured of the peers on another machine, for the ratio."""

    key: str
    title: str
    units: Units
    target: Callable[[int], float | None]
    known: Callable[[int], float | None]


def _poll(hand: Hand, count: int) -> Iterable[Unit]:
    return [(Ask(propfind(hand.place, hand.place.calendar, 0, POLL), responses=1),)] * count


def _home(hand: Hand, count: int) -> Iterable[Unit]:
    asked = [(Ask(propfind(hand.place, hand.place.home, 1, names), responses=3),) for names in HOME]
    return itertools.islice(itertools.cycle(asked), -(-count // len(HOME)) * len(HOME))


def _list(hand: Hand, count: int) -> Iterable[Unit]:
    return [(_listing(hand),)] * count


def _listing(hand: Hand) -> Ask:
    return Ask(propfind(hand.place, hand.place.calendar, 1, ETAG), responses=hand.place.size + 1)


def _unchanged(hand: Hand, count: int) -> Iterable[Unit]:
    return [(Ask(sync(hand.place, hand.token())),)] * count


def _one_change(hand: Hand, count: int) -> Iterable[Unit]:
    token = hand.token()
    number = next(serial)
    hand.do(Ask(put(hand.place, hand.place.event(0), event(0, revision=number + 1)), WRITTEN))
    return [(Ask(sync(hand.place, token), responses=1),)] * count


def _initial(hand: Hand, count: int) -> Iterable[Unit]:
    return [(Ask(sync(hand.place, ""), responses=hand.place.size),)] * count


def _events(hand: Hand, count: int) -> Iterable[Unit]:
    size = hand.place.size
    for start in range(count):
        numbers = [(start + place * max(1, size // BATCH)) % size for place in range(min(BATCH, size))]
        yield (_multiget(hand, numbers),)


def _multiget(hand: Hand, numbers: list[int]) -> Ask:
    octets = multiget(hand.place, "calendar", map(hand.place.event, numbers))
    return Ask(octets, responses=len(numbers), objects=len(numbers))


def _cards(hand: Hand, count: int) -> Iterable[Unit]:
    for start in range(count):
        hrefs = [hand.place.card((start + place * (CARDS // BATCH)) % CARDS) for place in range(BATCH)]
        yield (Ask(multiget(hand.place, "addressbook", hrefs), responses=BATCH, objects=BATCH),)


def _month(hand: Hand, count: int) -> Iterable[Unit]:
    return [(Ask(query(hand.place, ETAG, month=True), responses=hits(hand.place.size)),)] * count


def _month_data(hand: Hand, count: int) -> Iterable[Unit]:
    found = hits(hand.place.size)
    octets = query(hand.place, f"{ETAG} C:calendar-data", month=True)
    return [(Ask(octets, responses=found, objects=found),)] * count


def _everything(hand: Hand, count: int) -> Iterable[Unit]:
    return [(Ask(query(hand.place, ETAG, month=False), responses=hand.place.size),)] * count


def _get(hand: Hand, count: int) -> Iterable[Unit]:
    for number in range(count):
        path = hand.place.event(number * 7 % hand.place.size)
        yield (Ask(request(hand.place, "GET", path), frozenset([200]), objects=1),)


def _put_new(hand: Hand, count: int) -> Iterable[Unit]:
    for _ in range(count):
        path, octets = fresh(hand.place)
        hand.made.append(path)
        yield (Ask(octets, WRITTEN),)


def _replace(hand: Hand, count: int) -> Iterable[Unit]:
    for _ in range(count):
        path, etag = hand.make()
        number = int(re.findall(r"\d+", path)[-1])
        octets = event(number, revision=1, uid=f"new-{number}@example.com")
        yield (Ask(put(hand.place, path, octets, If_Match=etag.decode()), WRITTEN),)


def _delete(hand: Hand, count: int) -> Iterable[Unit]:
    for _ in range(count):
        path, _ = hand.make()
        yield (Ask(request(hand.place, "DELETE", path), WRITTEN),)


def _download(hand: Hand, count: int) -> Iterable[Unit]:
    numbers = list(range(hand.place.size))
    batches = [numbers[place : place + BATCH] for place in range(0, len(numbers), BATCH)]
    unit = (_listing(hand), *(_multiget(hand, batch) for batch in batches))
    return [unit] * count


def _at(small: float, middle: float, large: float) -> Callable[[int], float | None]:
    return {100: small, 1000: middle, 10_000: large}.get


def _flat(value: float) -> Callable[[int], float | None]:
    return lambda _size: value


def _by_hits(base: float, each: float) -> Callable[[int], float | None]:
    return lambda size: base + each * hits(size)


ROWS = (
    Row("poll", "poll: PROPFIND 0, getctag and sync-token", _poll, _flat(0.45), _at(0.95, 0.8, 1.1)),
    Row("home", "home, depth 1, as iOS, DAVx5, Thunderbird ask", _home, _flat(1.0), _flat(2.2)),
    Row("list", "PROPFIND 1, getetag", _list, _at(1.5, 6, 40), _at(2.7, 11, 60)),
    Row("unchanged", "sync-collection, nothing changed", _unchanged, _flat(0.6), _at(1.7, 1.6, 1.8)),
    Row("one-change", "sync-collection, one change", _one_change, _flat(0.8), _at(1.6, 1.8, 2.1)),
    Row("initial", "sync-collection, initial", _initial, _at(1.5, 7, 50), _at(2.2, 11, 93)),
    Row("events", "multiget of 50 events", _events, _flat(2.0), _flat(4.7)),
    Row("cards", "multiget of 50 cards", _cards, _flat(2.0), _flat(3.9)),
    Row("month", "one-month query, getetag", _month, _by_hits(2, 0.02), _at(6, 26, 270)),
    Row("month-data", "one-month query, calendar-data", _month_data, _by_hits(2.5, 0.03), _at(7, 28, 240)),
    Row("query", "query without filter, getetag", _everything, _at(2, 8, 60), _at(3.9, 28, 255)),
    Row("get", "GET", _get, _flat(0.5), _flat(1.1)),
    Row("put", "PUT, new", _put_new, _flat(2.0), _flat(3.9)),
    Row("replace", "PUT, If-Match", _replace, _flat(2.0), _flat(3.3)),
    Row("delete", "DELETE", _delete, _flat(0.8), _flat(2.0)),
    Row("download", "whole download of a new device", _download, _at(12, 80, 700), _at(20, 130, 1060)),
)
