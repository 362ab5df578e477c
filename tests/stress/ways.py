"""The ways in which an app password is taken away, each by the call that the product's own front doors make."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from dav_gateway.core.credential import Origin
from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.core.moment import SECOND
from dav_gateway.core.scope import Access
from dav_gateway.service.services import Services
from tests.stress import messages
from tests.stress.asking import ask
from tests.stress.victims import Victim

BY = "stress"
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Scene:
    """What a way works on."""

    services: Services
    victim: Victim
    environment: Mapping[str, str]
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class Way:
    """`strike` returns when the promise must hold. `timed`: how long it took says something about revocation.

    A new request is answered `refusal` then: of a poll, or of a write where `still_reads`. `share` of a hundred victims
    end so.
    """

    name: str
    share: int
    strike: Callable[[Scene], None]
    timed: bool = True
    still_reads: bool = False
    restore: Callable[[Scene], None] | None = None

    @property
    def refusal(self) -> int:
        """The status of a new request."""
        return 403 if self.still_reads else 401


def _revoke(scene: Scene) -> None:
    scene.services.revocation.revoke([scene.victim.id], by=BY, why="stress")


def _revoke_all(scene: Scene) -> None:
    scene.services.revocation.revoke_all(scene.victim.account, by=BY, why="stress")


def _pause(scene: Scene) -> None:
    scene.services.revocation.pause(scene.victim.id, by=BY)


def _narrow(scene: Scene) -> None:
    scene.services.revocation.narrow(scene.victim.id, by=BY, access=Access.READ_ONLY)


def _deactivate(scene: Scene) -> None:
    scene.services.accounts.deactivate(scene.victim.account, by=BY)


def _activate(scene: Scene) -> None:
    _revoke(scene)
    scene.services.accounts.activate(scene.victim.account, by=BY)


def _rotate(scene: Scene) -> None:
    """The old one dies when the new one is first seen: when that answer is here."""
    victim = scene.victim
    password, successor = scene.services.issuing.rotate(victim.id, origin=Origin.CLI, actor=BY)
    authorization = messages.basic(victim.account, password.reveal())
    deadline = time.monotonic() + PATIENCE
    while ask(victim.port(), messages.poll(victim.account, authorization)).status != 207:
        if time.monotonic() > deadline:
            raise TimeoutError("the successor of a rotated app password is not let in")
        time.sleep(0.05)
    # Not to be repeated as a whole: what was replaced cannot be replaced again.
    for _ in range(100):
        with suppress(StoreUnavailable):
            scene.services.revocation.revoke([successor.id], by=BY, why="stress")
            return
        time.sleep(PATIENCE / 100)


def _by_command(scene: Scene) -> None:
    command = [sys.executable, "-m", "dav_gateway", "app-password", "revoke", scene.victim.id]
    environment = {**os.environ, **scene.environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise CommandFailed(done.stderr)


def _expire(scene: Scene) -> None:
    """Nobody does anything: the time comes, and a second later nothing is served any more."""
    assert scene.expires_at is not None
    time.sleep(max(0.0, scene.expires_at / SECOND + 1 - time.time()))


class CommandFailed(Exception):
    """The command line did not revoke."""


WAYS = (
    Way("revoke", 72, _revoke),
    Way("pause", 6, _pause, restore=_revoke),
    Way("narrow", 8, _narrow, still_reads=True, restore=_revoke),
    Way("deactivate", 4, _deactivate, restore=_activate),
    Way("revoke all", 4, _revoke_all),
    Way("rotate", 3, _rotate, timed=False),
    Way("expire", 2, _expire, timed=False),
    Way("command line", 1, _by_command, timed=False),
)
