"""Recovery codes and one-time links: their texts."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.core import one_time_link, recovery_code
from dav_gateway.server.request_log import without_secrets


def test_a_code_is_read_as_it_is_shown_and_as_people_type_it() -> None:
    code = recovery_code.make(random.Random(1).randbytes)
    shown = recovery_code.shown(code)
    assert [len(group) for group in shown.split("-")] == [4, 4, 4]
    for typed in (shown, shown.upper(), code, f" {shown} ", shown.replace("-", " "), shown.replace("-", "\u2013")):
        assert recovery_code.parse(typed) == code
    assert recovery_code.parse("IL0O-" + code[4:]) == "1100" + code[4:]


@pytest.mark.parametrize(
    "typed", ["", "k7mq-x3f9", "k7mq-x3f9-tbxu", "k7mq-x3f9-tbx2-9", "\u212a7mq-x3f9-tbx\u0663", "k" * 9999]
)
def test_what_cannot_be_a_code(typed: str) -> None:
    assert recovery_code.parse(typed) is None


@given(st.text(max_size=80))
def test_no_text_breaks_it(typed: str) -> None:
    found = recovery_code.parse(typed)
    assert found is None or recovery_code.parse(recovery_code.shown(found)) == found
    assert isinstance(one_time_link.is_one(typed), bool)


def test_the_text_of_a_link_never_reaches_a_log() -> None:
    text = one_time_link.make(random.Random(2).randbytes)
    assert one_time_link.is_one(text)
    assert text not in without_secrets(f"/reset-password/{text}")
    assert not one_time_link.is_one(text.upper())
    assert not one_time_link.is_one(text + "\n")
    assert not one_time_link.is_one(text[:-1])
