"""The check over GF(32): intact words pass, every single error is found and placed, no double error passes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.core.reed_solomon import FIELD, LONGEST, Fault, check_symbols, fault

SYMBOLS = st.integers(0, FIELD - 1)
WORDS = st.lists(SYMBOLS, min_size=1, max_size=LONGEST - 2).map(lambda data: [*data, *check_symbols(data)])


@given(WORDS)
def test_a_word_with_its_check_symbols_is_intact(word: list[int]) -> None:
    assert fault(word) is None


@given(WORDS, st.data())
def test_every_single_error_is_found_at_its_place(word: list[int], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(word) - 1))
    error = data.draw(st.integers(1, FIELD - 1))
    word[position] ^= error
    assert fault(word) == Fault(position)


def test_no_two_errors_pass() -> None:
    """The code is linear: a pattern of errors passes over one word exactly when it passes over the zero word."""
    for first, second in itertools.combinations(range(25), 2):
        for one, other in itertools.product(range(1, FIELD), repeat=2):
            word = [0] * 25
            word[first], word[second] = one, other
            assert fault(word) is not None


@given(WORDS, st.data())
def test_two_neighbours_that_changed_places_are_noticed(word: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 2))
    swapped = word.copy()
    swapped[place], swapped[place + 1] = word[place + 1], word[place]
    assert (fault(swapped) is None) == (swapped == word)


def test_more_symbols_than_the_field_has_places_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 29"):
        check_symbols([0] * 30)
