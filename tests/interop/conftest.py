"""One live gateway for all clients, and for each client an account of its own with every kind of app password."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # --import-mode=importlib leaves helpers to us

from live_gateway import AppPassword, Gateway, running


@dataclass
class Passwords:
    """One account and the app passwords that its client is given, each issued when it is first asked for."""

    gateway: Gateway
    account: str
    service: str

    @cached_property
    def calendars(self) -> AppPassword:
        return self.gateway.issue(self.account, "calendars", service=self.service)

    @cached_property
    def contacts(self) -> AppPassword:
        return self.gateway.issue(self.account, "contacts", service=self.service)

    @cached_property
    def reading(self) -> AppPassword:
        """Both scopes, read-only."""
        return self.gateway.issue(self.account, "calendars", "contacts", service=self.service, options=("--read-only",))

    @cached_property
    def revoked(self) -> AppPassword:
        """Both scopes, revoked before its first use."""
        password = self.gateway.issue(self.account, "calendars", "contacts", service=self.service)
        self.gateway.revoke(password)
        return password


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A running gateway with a new database."""
    with running(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def passwords_for(gateway: Gateway) -> Callable[..., Passwords]:
    """Makes an account for a client, with its passwords; `service` as the person would choose it."""

    def make(account: str, service: str = "other") -> Passwords:
        gateway.add_account(account, "--display-name", f"Tester of {account}")
        return Passwords(gateway, account, service)

    return make
