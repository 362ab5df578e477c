"""Every client of the fleet through its day; `make fleet` prints the same as a table."""

import re
from pathlib import Path

import fleet
import pytest
from live_gateway import Gateway
from tests.system import program

CLIENTS_PAGE = Path(__file__).parents[2] / "docs" / "clients.md"


@pytest.mark.parametrize("client", fleet.CLIENTS)
def test_a_day(client: str, gateway: Gateway, tmp_path: Path) -> None:
    if client in ("curl", "cadaver"):
        program(client)
    done = list(fleet.CLIENTS[client](fleet.day_of(gateway, client, tmp_path)))
    assert tuple(done) == fleet.EXPECTED[client]


def test_the_page_of_clients_names_the_fleet() -> None:
    """docs/clients.md says of each what was tried, and by which command."""
    page = CLIENTS_PAGE.read_text()
    for client in fleet.CLIENTS:
        assert re.search(rf"(?i)\b{re.escape(client.replace('-', ' '))}\b|{re.escape(client)}", page), client
    assert "make fleet" in page
