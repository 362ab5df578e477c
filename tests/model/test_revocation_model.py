"""The model of the revocation protocol (docs/model): SPIN finds nothing wrong, and misses each mechanism.

Every state is visited, with partial order reduction; a mutation must end in a violated assertion. Those with two
revokers, another cut behind the first, or a finer clock take minutes: `make model`.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.system import program

MODEL = Path(__file__).parents[2] / "docs" / "model" / "revocation.pml"

OCTETS = ("BYTES", "POSTGRES", "NO_BUFFER")
FINE = ("BYTES", "POSTGRES", "NO_BUFFER", "LEASE=2")
HOME = ("BYTES", "POSTGRES", "HOME", "N=1")
COMMITS_PG = ("COMMITS", "POSTGRES")
COMMITS_SQLITE = ("COMMITS", "SQLITE")
BEHIND = (*OCTETS, "SECOND_LINE")
TWO = ("BYTES", "POSTGRES", "NO_BUFFER", "TWO_REVOKERS", "SHORT")
TWO_SQLITE = ("BYTES", "SQLITE", "NO_BUFFER", "TWO_REVOKERS", "SHORT")
LONG = (FINE, BEHIND, TWO, TWO_SQLITE)

SOUND = {
    "octets, the revoking worker": HOME,
    "octets, a member, PostgreSQL": OCTETS,
    "octets, a member, PostgreSQL, another cut behind it": BEHIND,
    "octets, a member, SQLite": ("BYTES", "SQLITE"),
    "octets, a member, two revokers one after the other": TWO,
    "commits, PostgreSQL": COMMITS_PG,
    "commits, SQLite": COMMITS_SQLITE,
}

MUTATIONS = {
    "NO_ACKNOWLEDGEMENT": OCTETS,
    "LEASE_LATE": FINE,
    "NO_WATCHDOG": OCTETS,
    "ATTACH_LATE": HOME,
    "CUT_FIRST": HOME,
    "ACK_FIRST": OCTETS,
    "LIST_FIRST": OCTETS,
    "SERVED_BEFORE_JOINED": OCTETS,
    "GUARD_ARMS_BLINDLY": FINE,
    "LEASE_BEFORE_WATCHDOG": FINE,
    "HEALTH_FIRST": OCTETS,
    "EMPTY_BLINDLY": OCTETS,
    "EMPTY_STAYS": OCTETS,
    "NO_BARRIER": COMMITS_PG,
    "ONE_STATEMENT": COMMITS_PG,
    "CHECK_FIRST": COMMITS_SQLITE,
    "DELETE_BLINDLY": TWO,
    "DELETE_EARLY": TWO,
    "GONE_IGNORED": TWO,
    "PUBLISHED_UNLOCKED": TWO_SQLITE,
    "JOIN_RENEWS": TWO,
    "STILL_BLINDLY": OCTETS,
    "STILL_EARLY": OCTETS,
    "HINT_TRUSTED": BEHIND,
}

if os.environ.get("DAV_GATEWAY_TEST_MODEL") != "all":
    SOUND = {part: switches for part, switches in SOUND.items() if switches not in LONG}
    MUTATIONS = {name: switches for name, switches in MUTATIONS.items() if switches not in LONG}


@dataclass(frozen=True)
class Search:
    """What SPIN's verifier printed."""

    errors: int
    states: int
    complete: bool


def search(folder: Path, *names: str) -> Search:
    """Search the model with these switches set."""
    spin, compiler = program("spin"), program("gcc")
    subprocess.run([spin, "-a", *(f"-D{name}" for name in names), str(MODEL)], cwd=folder, check=True, timeout=20)
    subprocess.run(
        [compiler, "-O1", "-w", "-DSAFETY", "-DNOCLAIM", "-DMEMLIM=1500", "-o", "pan", "pan.c"],
        cwd=folder, check=True, timeout=60,
    )  # fmt: skip
    said = subprocess.run(
        [str(folder / "pan"), "-E", "-m100000"], cwd=folder, check=False, capture_output=True, text=True, timeout=110
    ).stdout
    errors = re.search(r"errors: (\d+)", said)
    states = re.search(r"(\d+) states, stored", said)
    assert errors is not None, said
    assert states is not None, said
    incomplete = "max search depth too small" in said or "Search not completed" in said
    return Search(int(errors[1]), int(states[1]), not incomplete)


@pytest.mark.parametrize("part", SOUND)
def test_the_protocol_holds(tmp_path: Path, part: str) -> None:
    found = search(tmp_path, *SOUND[part])
    assert found.complete
    assert found.errors == 0
    assert found.states > 500


@pytest.mark.parametrize("switch", MUTATIONS)
def test_without_it_the_protocol_breaks(tmp_path: Path, switch: str) -> None:
    assert search(tmp_path, *MUTATIONS[switch], switch).errors == 1
