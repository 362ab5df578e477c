"""Removals of long ago are forgotten, and no device misses one by it."""

from collections.abc import Callable

import pytest

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.service.removals import forget_old_removals
from dav_gateway.service.services import assemble
from dav_gateway.store import collections, objects
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database
from dav_gateway.store.errors import SyncTokenTooOld
from dav_gateway.store.objects import NewObject
from dav_gateway.store.sync_position import SyncPosition

T1 = Moment(1_790_000_000_001)
Remove = Callable[[Collection, int], Collection]


@pytest.fixture
def remove(database: Database, event: Callable[..., NewObject]) -> Remove:
    """Stores so many objects in a collection and removes them: two changes each. The collection as it is then."""

    def remove(inside: Collection, count: int) -> Collection:
        with database.write() as c:
            for number in range(count):
                objects.put(c, inside.id, event(f"{number}"), T1)
                objects.remove(c, inside.id, f"{number}", T1)
            after = collections.get(c, inside.id)
        assert after is not None
        return after

    return remove


@pytest.fixture
def other(database: Database, ana: Account, now: Moment) -> Collection:
    """A second calendar."""
    with database.write() as c:
        return collections.create(
            c, account_id=ana.id, home="calendars", name="other", components=["VEVENT"], properties={}, now=now
        )


def _seen(database: Database, inside: Collection, change: int) -> tuple[list[str], list[str]]:
    with database.read() as c:
        return objects.changes_since(c, inside, change)


def test_the_newest_are_kept_in_each_collection(
    database: Database, calendar: Collection, other: Collection, remove: Remove
) -> None:
    full, short = remove(calendar, 7), remove(other, 3)
    assert forget_old_removals(database, lambda: False, kept=3) == 4
    assert forget_old_removals(database, lambda: False, kept=3) == 0
    with database.read() as c:
        aged, same = collections.get(c, calendar.id), collections.get(c, other.id)
    assert aged is not None
    assert same == short
    assert (aged.oldest, aged.change) == (8, full.change)
    assert sorted(_seen(database, aged, 8)[1]) == ["4", "5", "6"]
    assert sorted(_seen(database, short, 0)[1]) == ["0", "1", "2"]
    with pytest.raises(SyncTokenTooOld):
        aged.change_at(calendar.sync_token)


def test_many_are_forgotten_in_several_transactions_and_less_when_it_has_to_stop(
    database: Database, calendar: Collection, remove: Remove, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dav_gateway.service.removals._AT_ONCE", 2)
    remove(calendar, 9)
    asked: list[int] = []

    def soon() -> bool:
        asked.append(1)
        return len(asked) > 2

    assert forget_old_removals(database, soon, kept=1) == 4
    assert forget_old_removals(database, lambda: False, kept=1) == 4


def test_who_saw_the_collection_before_is_refused_and_misses_nothing(
    database: Database, calendar: Collection, remove: Remove
) -> None:
    seen = remove(calendar, 5)
    assert forget_old_removals(database, lambda: False, kept=1) == 4
    assert _seen(database, seen, 8) == ([], ["4"])
    with pytest.raises(SyncTokenTooOld):
        _seen(database, seen, 7)
    for position in (SyncPosition(7, 7), SyncPosition(7, 0, "3")):
        with database.read() as c, pytest.raises(SyncTokenTooOld):
            objects.page_of_changes(c, seen, position, 100)
    with database.read() as c:
        first = objects.page_of_changes(c, seen, SyncPosition(0, 10), 100)
    assert first == ([], [], None)


def test_a_process_that_serves_does_it(database: Database, calendar: Collection, remove: Remove) -> None:
    remove(calendar, 3)
    services = assemble(database)
    chore = next(each for each in services.chores.all if each.name == "forgetting old removals")
    assert chore.act(lambda: False) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(forget_old_removals.__kwdefaults__, "kept", 1)
        assert chore.act(lambda: False) == 2
