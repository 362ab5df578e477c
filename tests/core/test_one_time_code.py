"""TOTP: the vectors of the RFC, the window, replay, and a delay that grows and ends."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.core import one_time_code
from dav_gateway.core.moment import DAY, MINUTE, SECOND, Moment
from dav_gateway.core.one_time_code import STEP, digits_of, enrolment, matching_step, remembered, step_of, wait

RFC_SECRET = b"12345678901234567890"
"""RFC 6238 appendix B, the secret for SHA-1; the codes there have eight digits, of which ours are the last six."""


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    now = Moment(seconds * SECOND)
    assert matching_step(RFC_SECRET, code[-6:], now, -1) == step_of(now)


def test_one_step_either_side_and_no_more() -> None:
    now = Moment(1111111111 * SECOND)
    found = {away: matching_step(RFC_SECRET, "050471", Moment(now + away * STEP), -1) for away in (-2, -1, 0, 1, 2)}
    assert found == {-2: None, -1: step_of(now), 0: step_of(now), 1: step_of(now), 2: None}


def test_a_step_that_was_used_and_those_before_are_refused() -> None:
    now = Moment(1111111111 * SECOND)
    step = step_of(now)
    assert matching_step(RFC_SECRET, "050471", now, step - 1) == step
    assert matching_step(RFC_SECRET, "050471", now, step) is None
    assert matching_step(RFC_SECRET, "050471", now, step + 1) is None


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("123456", "123456"),
        (" 123 456 ", "123456"),
        ("123-456", "123456"),
        ("123\u2009456", "123456"),
        ("12345", None),
        ("1234567", None),
        ("12345a", None),
        ("\u0661\u0662\u0663\u0664\u0665\u0666", None),
        ("", None),
        ("1" * 10_000, None),
    ],
)
def test_what_a_person_types(typed: str, digits: str | None) -> None:
    assert digits_of(typed) == digits


@given(st.text(max_size=40))
def test_no_text_breaks_it(typed: str) -> None:
    assert digits_of(typed) is None or len(digits_of(typed) or "") == 6


def test_the_uri_of_the_qr_code() -> None:
    shown = enrolment(RFC_SECRET, account="ana", issuer="Estudio: Nogal & Söhne")
    uri = urlsplit(shown.uri)
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert uri.path.count(":") == 1
    assert uri.path.endswith(":ana")
    assert parse_qs(uri.query) == {"secret": ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"], "issuer": ["Estudio  Nogal & Söhne"]}
    assert shown.text.replace(" ", "") == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert "GEZD" not in repr(shown)


def test_the_delay_grows_and_always_ends() -> None:
    delays = [wait(failures, Moment(0), Moment(0)) for failures in range(60)]
    assert delays[:8] == [0, 0, 0, 0, 0, 1000, 2000, 4000]
    assert delays == sorted(delays)
    assert delays[-1] == max(delays) == 5 * MINUTE


@given(st.integers(0, 10_000), st.integers(-DAY, 2 * DAY))
def test_a_wait_is_never_longer_than_the_delay_and_passes(failures: int, passed: int) -> None:
    failed_at = Moment(1_790_000_000_000)
    left = wait(failures, failed_at, Moment(failed_at + passed))
    assert 0 <= left <= 5 * MINUTE
    if passed >= 5 * MINUTE:
        assert left == 0


def test_failures_are_forgotten_after_a_day() -> None:
    assert remembered(50, Moment(0), Moment(DAY - 1)) == 50
    assert remembered(50, Moment(0), Moment(DAY)) == 0
    assert remembered(0, None, Moment(DAY)) == 0
    assert one_time_code.wait(0, None, Moment(0)) == 0
