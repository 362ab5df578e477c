"""docs/rfcs.md stays true: what it names exists, and a test names each RFC that it calls done."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "rfcs.md").read_text().splitlines()
    if re.match(r"\| \d{4} ", line)
]
SAID_BY_TESTS = "\n".join(
    path.read_text() for path in (ROOT / "tests").rglob("*.py") if path.name != Path(__file__).name
)


def test_the_table_is_read() -> None:
    assert len(ROWS) > 25
    assert {state for _, state, _ in ROWS} == {"done", "part", "refused"}


@pytest.mark.parametrize(("what", "state", "where"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row(what: str, state: str, where: str) -> None:
    for name in re.findall(r"`((?:dav|server|core|service|store)/[\w/.]*)`", where):
        assert (ROOT / "src" / "dav_gateway" / name).exists(), name
    assert state == "done" or where, "why it is not done, or what is missing"
    number = what.split(maxsplit=1)[0]
    if state == "done":
        assert f"RFC {number}" in SAID_BY_TESTS, f"no test names RFC {number}"


@pytest.mark.parametrize("condition", sorted(set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", str(ROWS)))))
def test_names_of_the_page_are_names_of_the_code(condition: str) -> None:
    """Preconditions, properties and classes that the page tells of are in the code, or are told to be missing."""
    code = "\n".join(path.read_text() for path in (ROOT / "src" / "dav_gateway").rglob("*.py"))
    missing = {"access-control"}
    assert (condition in code) is (condition not in missing)
