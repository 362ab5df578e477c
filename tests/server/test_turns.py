"""Whose job is next."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.server.turns import Turns

WHO = st.sampled_from("abc")
STEPS = st.lists(st.one_of(st.tuples(st.just("add"), WHO), st.just(("take", "")), st.just(("done", ""))))


def test_they_take_turns():
    turns = Turns[int](4, 9)
    for number, whose in enumerate("aaabbc"):
        assert turns.add(whose, number)
    assert [turns.take() for _ in range(7)] == [("a", 0), ("b", 3), ("c", 5), ("a", 1), ("b", 4), ("a", 2), None]


def test_nobody_has_more_than_their_share_at_work():
    turns = Turns[int](2, 9)
    for number, whose in enumerate("aaab"):
        assert turns.add(whose, number)
    assert [turns.take() for _ in range(4)] == [("a", 0), ("b", 3), ("a", 1), None]
    turns.done("b")
    assert turns.take() is None
    turns.done("a")
    assert turns.take() == ("a", 2)


def test_who_has_too_many_waiting_is_refused_and_others_are_not():
    turns = Turns[int](1, 2)
    assert [turns.add("a", number) for number in range(3)] == [True, True, False]
    assert turns.add("b", 3)
    assert turns.take() == ("a", 0)
    assert turns.add("a", 4)


@given(STEPS, st.integers(1, 3), st.integers(1, 4))
def test_every_job_comes_once_in_its_owners_order_and_none_is_stranded(steps, most_at_work, most_waiting):
    turns = Turns[int](most_at_work, most_waiting)
    waiting = {whose: [] for whose in "abc"}
    at_work = Counter()
    for number, (step, whose) in enumerate(steps):
        if step == "add":
            room = len(waiting[whose]) < most_waiting
            assert turns.add(whose, number) == room
            if room:
                waiting[whose].append(number)
        elif step == "take":
            taken = turns.take()
            if taken is None:
                assert not any(jobs and at_work[name] < most_at_work for name, jobs in waiting.items())
            else:
                assert waiting[taken[0]].pop(0) == taken[1]
                at_work[taken[0]] += 1
                assert at_work[taken[0]] <= most_at_work
        elif at_work.total():
            busy = next(name for name in at_work if at_work[name])
            turns.done(busy)
            at_work[busy] -= 1
