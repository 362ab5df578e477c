"""The text of an app password: what is accepted as typed, what is found wrong and where, and that it never leaks."""

import copy
import json
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.core.secret import ALPHABET, AppPassword, Mistyped, make, parse, parse_id

PASSWORDS = st.binary(min_size=23, max_size=23).map(lambda octets: make(lambda _: octets))


@given(PASSWORDS)
def test_five_groups_of_five_symbols_that_read_back(password: AppPassword) -> None:
    groups = password.reveal().split("-")
    assert [len(group) for group in groups] == [5] * 5
    assert set("".join(groups)) <= set(ALPHABET)
    assert groups[0] == password.id
    assert parse(password.reveal()) == password
    assert password.reveal("") == "".join(groups)


def test_the_alphabet_needs_no_shift_and_no_escape() -> None:
    assert len(ALPHABET) == 32
    assert not set(ALPHABET) & set("ilou:&%+/")
    assert ALPHABET.lower() == ALPHABET


def test_every_bit_of_the_source_counts() -> None:
    made = {make(lambda _, octet=octet: bytes([octet]) * 23).reveal() for octet in range(32)}  # type: ignore[misc]
    assert len(made) == 32


def test_a_short_source_of_randomness_makes_no_password() -> None:
    with pytest.raises(ValueError, match="randomness"):
        make(lambda _: b"short")


@given(PASSWORDS, st.randoms(use_true_random=False))
def test_case_spaces_dashes_and_look_alikes_do_not_matter(password: AppPassword, chance: random.Random) -> None:
    look_alikes = {"1": "1iIlL", "0": "0oO"}
    typed = ""
    for symbol in password.reveal(""):
        typed += chance.choice(look_alikes.get(symbol, symbol + symbol.upper()))
        typed += chance.choice(["", "", "-", " ", "\u2013", "\u2014", "\u00a0", "\u2212", " - "])
    assert parse(typed) == password


@given(PASSWORDS, st.integers(0, 24), st.integers(1, 31))
def test_every_single_mistyped_symbol_is_found_with_its_group(password: AppPassword, place: int, shift: int) -> None:
    symbols = list(password.reveal(""))
    symbols[place] = ALPHABET[(ALPHABET.index(symbols[place]) + shift) % 32]
    verdict = parse("".join(symbols))
    assert isinstance(verdict, Mistyped)
    assert verdict.group == place // 5 + 1
    assert verdict.id == (password.id if place >= 5 else None)
    assert str(verdict) == f"mistyped, probably in group {place // 5 + 1}"


@given(PASSWORDS, st.integers(0, 24), st.sampled_from("u!é_:"))
def test_a_foreign_symbol_is_placed_too(password: AppPassword, place: int, symbol: str) -> None:
    symbols = list(password.reveal(""))
    symbols[place] = symbol
    verdict = parse("".join(symbols))
    assert isinstance(verdict, Mistyped)
    assert verdict.group == place // 5 + 1
    assert verdict.id == (password.id if place >= 5 else None)


@given(PASSWORDS, st.integers(0, 24))
def test_a_missing_symbol_is_a_length(password: AppPassword, place: int) -> None:
    symbols = password.reveal("")
    verdict = parse(symbols[:place] + symbols[place + 1 :])
    assert isinstance(verdict, Mistyped)
    assert verdict.group is None
    assert str(verdict) == "mistyped: 24 symbols instead of 25"


def test_about_1023_of_1024_random_texts_are_told_apart() -> None:
    chance = random.Random(2026)
    texts = ("".join(chance.choices(ALPHABET, k=25)) for _ in range(102_400))
    passed = sum(isinstance(parse(text), AppPassword) for text in texts)
    assert 60 <= passed <= 140  # 100 expected, four standard deviations either way


@given(st.text(max_size=300))
def test_any_text_gets_an_answer_that_does_not_quote_it(text: str) -> None:
    verdict = parse(text)
    if isinstance(verdict, Mistyped):
        assert verdict.id is None or len(verdict.id) == 5
        assert len(text) < 12 or text not in repr(verdict) + str(verdict)


def test_a_very_long_text_is_not_even_read() -> None:
    assert parse("0" * 10_000) == Mistyped(None, None, "too long")


@given(PASSWORDS)
def test_nothing_but_reveal_shows_the_secret(password: AppPassword) -> None:
    for shown in (f"{password}", f"{password!r}", f"{password:}", str([password]).strip("[]")):
        assert shown == f"AppPassword({password.id}-...)"
    with pytest.raises(TypeError, match="serialised"):
        pickle.dumps(password)
    with pytest.raises(TypeError, match="serialised"):
        copy.deepcopy(password)
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(password)
    with pytest.raises(TypeError):
        vars(password)
    with pytest.raises(TypeError, match="unhashable"):
        hash(password)


def test_passwords_compare_with_nothing_else() -> None:
    password = make(bytes)
    assert password != password.reveal()
    assert password != make(lambda n: bytes([1]) * n)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("K7MQX", "k7mqx"),
        (" k7mq-x ", "k7mqx"),
        ("ILO01", "11001"),
        ("k7mq", None),
        ("k7mqxx", None),
        ("k7mqu", None),
        ("", None),
        ("../..", None),
    ],
)
def test_a_public_id_as_a_person_types_it(typed: str, canonical: str | None) -> None:
    assert parse_id(typed) == canonical
