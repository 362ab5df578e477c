"""Collections and objects against a model of them: any sequence of operations, a dictionary says what must be there."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from dav_gateway.core.moment import EPOCH
from dav_gateway.store import accounts, collections, objects
from dav_gateway.store.database import open_database
from dav_gateway.store.errors import SyncTokenTooOld, UidConflict
from dav_gateway.store.objects import NewObject

NAMES = st.sampled_from(["a", "b", "c"])
UIDS = st.sampled_from(["1", "2", "3"])
SIDES = st.sampled_from([0, 1])
OCTETS = st.binary(min_size=1, max_size=20)


class Abandoned(Exception):
    """A request that fails after it has written."""


class Store(RuleBasedStateMachine):
    """Two calendars of one account."""

    def __init__(self, template: Path) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copyfile(template, self.folder / "model.db")
        self.database = open_database(f"sqlite:///{self.folder / 'model.db'}")
        with self.database.write() as c:
            owner = accounts.add(c, name="ana", email="ana@example.org", display_name="Ana", now=EPOCH).id
            self.ids = [
                collections.create(
                    c, account_id=owner, home="calendars", name=name, components=[], properties={}, now=EPOCH
                ).id
                for name in ("left", "right")
            ]
        self.held: list[dict[str, tuple[str, bytes]]] = [{}, {}]
        self.counter = [0, 0]
        self.past: list[list[tuple[str, dict[str, tuple[str, bytes]]]]] = [[], []]
        self.forgotten = [0, 0]

    def teardown(self) -> None:
        self.database.dispose()
        shutil.rmtree(self.folder)

    @rule(side=SIDES, name=NAMES, uid=UIDS, octets=OCTETS)
    def put(self, side: int, name: str, uid: str, octets: bytes) -> None:
        holders: list[str | None] = [
            other for other, (theirs, _) in self.held[side].items() if theirs == uid and other != name
        ]
        refused = None
        try:
            with self.database.write() as c:
                objects.put(c, self.ids[side], NewObject(name, uid, "VEVENT", octets), EPOCH)
        except UidConflict as conflict:
            refused = conflict.holder
        assert [refused] == (holders or [None])
        if not holders:
            self.held[side][name] = (uid, octets)
            self.counter[side] += 1

    @rule(side=SIDES, octets=st.dictionaries(NAMES, OCTETS))
    def put_many(self, side: int, octets: dict[str, bytes]) -> None:
        """Those that are there, with other octets."""
        new = [
            NewObject(name, self.held[side][name][0], "VEVENT", each)
            for name, each in octets.items()
            if name in self.held[side]
        ]
        with self.database.write() as c:
            objects.put_many(c, self.ids[side], new, EPOCH)
        for one in new:
            self.held[side][one.name] = (one.uid, one.octets)
        self.counter[side] += 1

    @rule(side=SIDES, name=NAMES)
    def remove(self, side: int, name: str) -> None:
        with self.database.write() as c:
            removed = objects.remove(c, self.ids[side], name, EPOCH)
        assert removed == (name in self.held[side])
        if removed:
            del self.held[side][name]
            self.counter[side] += 1

    @precondition(lambda self: any(self.held))
    @rule(data=st.data(), side=SIDES, to_name=NAMES)
    def move(self, data: st.DataObject, side: int, to_name: str) -> None:
        origin = data.draw(st.sampled_from([number for number in (0, 1) if self.held[number]]))
        name = data.draw(st.sampled_from(sorted(self.held[origin])))
        uid = self.held[origin][name][0]
        taken: list[str | None] = [
            other
            for other, (theirs, _) in self.held[side].items()
            if theirs == uid and other != to_name and (side, other) != (origin, name)
        ]
        refused = None
        try:
            with self.database.write() as c:
                objects.move(c, self.ids[origin], name, self.ids[side], to_name, EPOCH)
        except UidConflict as conflict:
            refused = conflict.holder
        assert [refused] == (taken or [None])
        if not taken and (origin, name) != (side, to_name):
            self.held[side][to_name] = self.held[origin].pop(name)
            for number in {origin, side}:
                self.counter[number] += 1

    @rule(side=SIDES, name=NAMES, octets=OCTETS)
    def abandon(self, side: int, name: str, octets: bytes) -> None:
        try:
            with self.database.write() as c:
                objects.remove(c, self.ids[side], name, EPOCH)
                objects.put(c, self.ids[side], NewObject("x", "x", "VEVENT", octets), EPOCH)
                raise Abandoned
        except Abandoned:
            pass

    @rule(side=SIDES)
    def remember(self, side: int) -> None:
        """Keep a sync token with what was there."""
        with self.database.read() as c:
            found = collections.get(c, self.ids[side])
        assert found is not None
        self.past[side].append((found.sync_token, dict(self.held[side])))

    @rule(side=SIDES, share=st.floats(0, 1))
    def forget(self, side: int, share: float) -> None:
        through = round(self.counter[side] * share)
        with self.database.write() as c:
            objects.forget_removed(c, self.ids[side], through)
        self.forgotten[side] = max(self.forgotten[side], through)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        with self.database.read() as c:
            for side, held in enumerate(self.held):
                stored = list(objects.every(c, self.ids[side]))
                assert {one.name: (one.uid, one.octets) for one in stored} == held
                assert objects.count(c, self.ids[side]) == len(held)
                found = collections.get(c, self.ids[side])
                assert found is not None
                assert found.change == self.counter[side]
                assert found.size == sum(len(octets) for _, octets in held.values())

    @invariant()
    def a_client_that_applies_the_changes_has_the_same_names(self) -> None:
        with self.database.read() as c:
            for side, remembered in enumerate(self.past):
                now = collections.get(c, self.ids[side])
                assert now is not None
                for sync_token, then in remembered:
                    try:
                        changed, removed = objects.changes_since(c, now, now.change_at(sync_token))
                    except SyncTokenTooOld:
                        assert int(sync_token.rpartition(":")[2]) < self.forgotten[side]
                        continue
                    assert not set(changed) & set(removed)
                    assert (then.keys() - removed) | set(changed) == self.held[side].keys()
                    untouched = then.keys() - removed - set(changed)
                    assert all(then[name] == self.held[side][name] for name in untouched)


def test_any_sequence_of_operations(sqlite_template: Path) -> None:
    def machine() -> Store:
        return Store(sqlite_template)

    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]
        settings=settings(
            max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
