"""One password in two distant networks at once is a warning, and moving house is not."""

import pytest

from dav_gateway.core.moment import MINUTE, Moment
from dav_gateway.service.places import Places

from .conftest import START, Company


def splits(*uses: tuple[int, str]) -> list[bool]:
    places = Places()
    return [places.is_split("k7mqx", address, Moment(START + minute * MINUTE)) for minute, address in uses]


@pytest.mark.parametrize(
    ("uses", "split"),
    [
        ([(0, "192.0.2.1"), (1, "192.0.2.2"), (2, "192.0.200.1")], False),
        ([(0, "192.0.2.1"), (1, "198.51.100.1"), (2, "198.51.100.1")], False),
        ([(0, "192.0.2.1"), (1, "198.51.100.1"), (2, "192.0.2.1")], True),
        ([(0, "192.0.2.1"), (1, "::ffff:198.51.100.1"), (2, "::ffff:192.0.2.9")], True),
        ([(0, "192.0.2.1"), (5, "198.51.100.1"), (11, "192.0.2.1")], False),
        ([(0, "192.0.2.1"), (1, "2001:db8::1"), (2, "192.0.2.1"), (3, "2001:db8::1")], False),
        ([(0, "2001:db8::1"), (1, "2001:db9::1"), (2, "2001:db8:ffff::1")], True),
        ([(0, "unix"), (1, "192.0.2.1"), (2, "unix")], False),
    ],
)
def test_a_network_that_comes_back_from_a_distant_one(uses: list[tuple[int, str]], split: bool) -> None:
    assert any(splits(*uses)) is split


def test_credentials_are_looked_at_apart_and_memory_is_bounded() -> None:
    places = Places()
    assert not places.is_split("a", "192.0.2.1", START)
    assert not places.is_split("b", "198.51.100.1", START)
    assert not places.is_split("a", "192.0.2.1", START)
    for number in range(20_000):
        places.is_split(str(number), "192.0.2.1", START)
    assert len(places._trails) == 16_384


def test_the_owner_is_warned_and_nothing_is_refused(company: Company) -> None:
    password, credential = company.issue()
    for address in ("192.0.2.7", "198.51.100.1") * 3:
        assert company.reason(password, address=address) is None
    company.services.usage.flush()
    assert company.events(credential.id).count("two_networks") == 1
    assert company.stored(credential.id).last_refusal_at is None
