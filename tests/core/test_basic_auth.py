"""The Authorization header (RFC 7617): what is read, absent, malformed; nothing raises and nothing is quoted."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dav_gateway.core.basic_auth import LONGEST_HEADER, Absent, Malformed, Parsed, parse


def basic(pair: str | bytes, scheme: str = "Basic ") -> str:
    octets = pair.encode() if isinstance(pair, str) else pair
    return scheme + base64.b64encode(octets).decode()


PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=60)


@given(PRINTABLE.filter(lambda login: ":" not in login), PRINTABLE)
def test_the_first_colon_separates(login: str, password: str) -> None:
    parsed = parse(basic(f"{login}:{password}"))
    assert parsed == (Parsed(login, password) if login or password else Absent())


@pytest.mark.parametrize("scheme", ["Basic ", "basic ", "BASIC ", "bAsIc  "])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    header = basic("ana:geheim", scheme)
    assert parse(header) == parse(header.encode()) == Parsed("ana", "geheim")


@pytest.mark.parametrize("header", [None, "", "   ", b"", "Basic Og==", "basic Og=="])
def test_no_credentials_and_empty_ones_are_absent(header: str | bytes | None) -> None:
    assert parse(header) == Absent()


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Bearer abc",
        "Digest username=ana",
        "BasicYW5hOmE=",
        "Basic YW5hOmE",  # no padding
        "Basic YW5hOmE==",  # too much of it
        "Basic YW5hOmF=",  # stray bits behind the last octet
        "Basic YW5h OmE=",
        "Basic YW5hOmE=\n",
        "Basic YW5hOmE=, Basic YW5hOmE=",
        "Basic %%%",
        "Basic \u00e9",
        "Basic \u20ac",
        "Basic " + "A" * LONGEST_HEADER,
        basic("no colon"),
        basic(b"ana:\xff"),
        basic(b"ana:\xc0\xaf"),
        basic(b"ana:\xed\xa0\x80"),
        basic("ana:pass\nword"),
        basic("ana\x00:word"),
        basic("ana:\x7f"),
        basic("ana:\x85"),
    ],
)
def test_anything_else_is_malformed(header: str) -> None:
    verdict = parse(header)
    assert isinstance(verdict, Malformed)
    assert "ana" not in verdict.detail


@given(st.text(max_size=200) | st.binary(max_size=200) | st.binary(max_size=90).map(basic))
def test_every_header_gets_an_answer(header: str | bytes) -> None:
    assert isinstance(parse(header), Parsed | Absent | Malformed)


def test_neither_part_shows() -> None:
    shown = repr(parse(basic("k7mqx:3f9tb")))
    assert "k7mqx" not in shown
    assert "3f9tb" not in shown
