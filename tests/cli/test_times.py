"""Points in time as people type them, with the local time zone of the machine."""

import time
from collections.abc import Iterator

import pytest

from dav_gateway.cli.when import parse_when
from dav_gateway.core.moment import DAY, HOUR, MINUTE, Moment, isoformat

NOW = Moment(1_800_000_000_000)


@pytest.fixture
def in_madrid(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-31", "2027-01-30T23:00:00Z"),
        ("2027-07-31", "2027-07-30T22:00:00Z"),
        ("2027-07-31T18:00", "2027-07-31T16:00:00Z"),
        ("2027-07-31 18:00:05", "2027-07-31T16:00:05Z"),
        ("2027-07-31T18:00Z", "2027-07-31T18:00:00Z"),
        ("2027-07-31T18:00:00-05:00", "2027-07-31T23:00:00Z"),
        (" 20270731T180000Z ", "2027-07-31T18:00:00Z"),
    ],
)
@pytest.mark.usefixtures("in_madrid")
def test_dates_and_times(text: str, moment: str) -> None:
    assert isoformat(parse_when(text, NOW)) == moment


@pytest.mark.parametrize(
    ("text", "length"), [("90d", 90 * DAY), ("12h", 12 * HOUR), ("30M", 30 * MINUTE), ("2 w", 14 * DAY), ("0d", 0)]
)
def test_lengths_of_time(text: str, length: int) -> None:
    assert parse_when(text, NOW) == NOW + length


@pytest.mark.parametrize(
    "text", ["", "soon", "90", "90y", "-1d", "1.5d", "2027-13-01", "2027-02-30", "18:00", "0001-01-01", "999999w", "٣d"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a date or time such as"):
        parse_when(text, NOW)
