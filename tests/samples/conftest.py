"""The sample folders of three source distributions, and a live gateway that takes them in.

pip downloads the distributions at test time into build/samples, at the versions that are installed; nothing of them is
kept in this repository.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]  # --import-mode=importlib leaves helpers to us

from http_client import Client  # noqa: E402
from live_gateway import Gateway, running  # noqa: E402


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A running gateway with one account."""
    with running(tmp_path_factory.mktemp("samples")) as gateway:
        gateway.add_account("sampler")
        yield gateway


@pytest.fixture(scope="session")
def client(gateway: Gateway) -> Iterator[Client]:
    """A connection that opens both homes, in which there is a calendar that takes every component."""
    with Client(gateway, gateway.issue("sampler", "calendars", "contacts")) as client:
        assert client.request("MKCALENDAR", "/dav/sampler/calendars/samples/").status == 201
        yield client
