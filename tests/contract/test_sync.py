"""Synchronisation: what changed since a sync token, and which sync tokens are refused (RFC 6578)."""

from collections.abc import Callable

import pytest

from dav_gateway.core.account import Account
from dav_gateway.core.moment import Moment
from dav_gateway.store import collections, objects, sync_position
from dav_gateway.store.collections import Collection
from dav_gateway.store.database import Database
from dav_gateway.store.errors import SyncTokenTooOld
from dav_gateway.store.objects import NewObject

MakeEvent = Callable[..., NewObject]
T1 = Moment(1_790_000_000_001)


@pytest.fixture
def step(database: Database, calendar: Collection, event: MakeEvent) -> Callable[[str], Collection]:
    """Carries out `+a` (put a), `-a` (remove a) or `a>b` (move a to b) and gives the collection as it is then."""

    def step(what: str) -> Collection:
        with database.write() as c:
            match what[0], what[1:]:
                case "+", name:
                    objects.put(c, calendar.id, event(name, octets=what.encode()), T1)
                case "-", name:
                    objects.remove(c, calendar.id, name, T1)
                case source, target:
                    objects.move(c, calendar.id, source, calendar.id, target[1:], T1)
            after = collections.get(c, calendar.id)
        assert after is not None
        return after

    return step


@pytest.fixture
def since(database: Database) -> Callable[[Collection, int], tuple[set[str], set[str]]]:
    """What changed and what was removed since a change number."""

    def since(inside: Collection, change: int) -> tuple[set[str], set[str]]:
        with database.read() as c:
            changed, removed = objects.changes_since(c, inside, change)
        assert len(set(changed)) == len(changed)
        assert len(set(removed)) == len(removed)
        return set(changed), set(removed)

    return since


Step = Callable[[str], Collection]
Since = Callable[[Collection, int], tuple[set[str], set[str]]]


def test_each_state_tells_what_came_after(step: Step, since: Since) -> None:
    states = [step(what) for what in ("+a", "+b", "+a", "-b", "+c", "c>d")]
    last = states[-1]
    assert since(last, 0) == ({"a", "d"}, {"b", "c"})
    assert [since(last, state.change) for state in states] == [
        ({"a", "d"}, {"b", "c"}),
        ({"a", "d"}, {"b", "c"}),
        ({"d"}, {"b", "c"}),
        ({"d"}, {"c"}),
        ({"d"}, {"c"}),
        (set(), set()),
    ]


def test_a_name_made_again_is_changed_and_not_removed(step: Step, since: Since) -> None:
    start = step("+a")
    step("-a")
    after = step("+a")
    assert since(after, start.change) == ({"a"}, set())
    assert since(step("-a"), after.change) == (set(), {"a"})
    step("+b")
    assert since(step("b>a"), after.change) == ({"a"}, {"b"})


def test_a_state_does_not_tell_what_came_later(step: Step, since: Since) -> None:
    step("+a")
    seen = step("+b")
    step("+c")
    step("-a")
    assert since(seen, 0) == ({"b"}, set())


def test_objects_that_did_not_exist_leave_no_trace(step: Step, since: Since) -> None:
    before = step("+a")
    after = step("-missing")
    assert after == before
    assert since(after, 0) == ({"a"}, set())


def test_forgotten_removals_make_older_sync_tokens_invalid(database: Database, step: Step, since: Since) -> None:
    states = [step(what) for what in ("+a", "+b", "-a", "-b", "+c")]
    calendar_id = states[0].id
    with database.write() as c:
        assert objects.forget_removed(c, calendar_id, 3) == 1
        assert objects.forget_removed(c, calendar_id, 3) == 0
        assert objects.forget_removed(c, calendar_id, 2) == 0
        assert objects.forget_removed(c, calendar_id, 6) == 0
        after = collections.get(c, calendar_id)
    assert after is not None
    assert (after.oldest, after.change) == (3, 5)
    assert since(after, 3) == ({"c"}, {"b"})
    for change in (0, 1, 2):
        with pytest.raises(SyncTokenTooOld):
            since(after, change)
    assert after.change_at(states[2].sync_token) == 3
    with pytest.raises(SyncTokenTooOld):
        after.change_at(states[1].sync_token)


def test_a_sync_token_from_the_future_is_refused(step: Step, since: Since) -> None:
    now = step("+a")
    with pytest.raises(SyncTokenTooOld):
        since(now, now.change + 1)
    later = step("+b")
    with pytest.raises(SyncTokenTooOld):
        now.change_at(later.sync_token)


def test_a_sync_token_means_its_own_collection_only(
    database: Database, ana: Account, calendar: Collection, step: Step
) -> None:
    now = step("+a")
    assert now.change_at(now.sync_token) == 1
    assert now.change_at(calendar.sync_token) == 0
    with database.write() as c:
        collections.remove(c, calendar.id)
        again = collections.create(
            c, account_id=ana.id, home="calendars", name="team", components=[], properties={}, now=T1
        )
    with pytest.raises(SyncTokenTooOld):
        again.change_at(calendar.sync_token)


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "1",
        "http://example.org/1",
        "data:,{incarnation}",
        "data:,{incarnation}:",
        "data:,{incarnation}:-1",
        "data:,{incarnation}:+1",
        "data:,{incarnation}: 1",
        "data:,{incarnation}:1_0",
        "data:,{incarnation}:٣",
        "data:,{incarnation}:²",
        "data:,{incarnation}:1e0",
        "data:,{incarnation}:" + "9" * 5000,
        "DATA:,{incarnation}:1",
        "x data:,{incarnation}:1",
    ],
)
def test_other_text_is_no_sync_token(step: Step, garbage: str) -> None:
    now = step("+a")
    with pytest.raises(SyncTokenTooOld):
        now.change_at(garbage.replace("{incarnation}", now.incarnation))


@pytest.mark.parametrize("name", ["", "6", "C3", "c3", "00", "6100"])
def test_a_page_ends_at_a_name_that_an_object_can_have(step: Step, name: str) -> None:
    """In hexadecimal; PostgreSQL takes no text with the character 0."""
    now = step("+a")
    with pytest.raises(SyncTokenTooOld):
        sync_position.read(now, f"data:,{now.incarnation}:0:0:{name}")
