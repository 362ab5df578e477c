"""The right of a process to serve: a lease, renewed by each read of what was decided, and the guard at its end.

When the lease ends, the guard resets every authenticated connection, once: a request attaches its connection first and
asks for the lease then, so whoever comes after the reset is answered 503 and can be served nothing until the lease is
renewed. Such a connection is not reset again, neither while the lease is over nor when the process comes back.
"""

import logging
import os
from threading import Event, Lock
from typing import Protocol

from dav_gateway.bus.times import LEASE, WATCHDOG, boottime
from dav_gateway.core.errors import GatewayError
from dav_gateway.service.cutter import CutCount, Cutter

_log = logging.getLogger(__name__)

_INTERVAL = 0.05


class Watchdog(Protocol):
    """What ends this process unless it is put off; `bus.watchdog.Watchdog`."""

    def put_off(self, until: float) -> None:
        """End the process at this boot time instead."""

    def lift(self) -> None:
        """Let it live."""


class Unwatched:
    """The Watchdog of a process that embeds the gateway: nobody ends it. It keeps the promise unless it is stopped."""

    def put_off(self, until: float) -> None:
        """Does nothing."""

    def lift(self) -> None:
        """Does nothing."""


class Lease:
    """Over until it is renewed. `guard` runs in a thread of its own beside the one that renews."""

    def __init__(self, cutter: Cutter, watchdog: Watchdog) -> None:
        """`cutter` is asked to cut all when the lease ends; `watchdog` is put off for as long as that is certain."""
        self._cutter = cutter
        self._watchdog = watchdog
        self._lock = Lock()
        self._from = self._until = float("-inf")
        self._renewals = 0
        self._empty = True
        self._over_since: float | None = None
        self._why = ""

    @property
    def holds(self) -> bool:
        """Whether this process may serve now."""
        return boottime() < self._until

    @property
    def empty(self) -> bool:
        """Whether no connection is left that can have been served anything: the lease is over, and all were cut since
        its end. Stays so until the lease is renewed."""
        return self._empty

    def renew(self, read_at: float) -> None:
        """Serve on the ground of a read that began then, unless that was too long ago.

        The watchdog is set back to that read too, even if the guard had put it off further.
        """
        with self._lock:
            if boottime() >= read_at + LEASE:
                return
            if self._over_since is not None:
                _log.warning("the database is followed again (process %d, boot time %.3f)", os.getpid(), boottime())
            self._over_since, self._why = None, ""
            self._empty = False
            self._renewals += 1
            # First: a process that is stopped between the two must not have served on the new lease.
            self._watchdog.put_off(read_at + WATCHDOG)
            self._from, self._until = read_at, read_at + LEASE

    def give_up(self, why: str, stopping: Event) -> None:
        """End it now, and return when no connection is left that was served anything, or at the stop."""
        with self._lock:
            self._until = float("-inf")
            self._why = why
        while not (self._empty or stopping.wait(_INTERVAL)):
            pass

    def end(self) -> None:
        """Nobody is served any more, every connection is gone: no guard and no watchdog is needed."""
        self._until = float("-inf")
        self._watchdog.lift()

    def guard(self, stopping: Event) -> None:
        """Until the stop: cut everything when the lease is over, and let the process live for as long as that holds."""
        while not stopping.wait(_INTERVAL):
            with self._lock:
                began_at, renewals = boottime(), self._renewals
                if began_at < self._until:
                    continue
                since = self._over_since = self._over_since or began_at
                why = self._why or f"nothing was heard for {began_at - self._from:.1f} s"
                lease_from, empty = self._from, self._empty
            if not empty:
                try:
                    count = self._cutter.cut_all()
                except GatewayError as error:
                    _log.warning("a cut was not confirmed: %s", error)
                    continue
                except Exception:  # noqa: BLE001 - without this thread nothing would ever be cut at the end of a lease
                    _log.exception("a cut failed")
                    continue
                _tell(why, count, since, lease_from)
            with self._lock:
                # Renewed meanwhile: what was served since is not cut, and the watchdog is the renewal's.
                if renewals == self._renewals:
                    self._empty = True
                    self._watchdog.put_off(began_at + WATCHDOG)


def _tell(why: str, count: CutCount, since: float, lease_from: float) -> None:
    # tests/stress holds this against the faults of a campaign: nobody loses a lease without one.
    _log.error(
        "every authenticated connection is cut: %s"
        " (process %d, connections %d, answering %d, lease from boot time %.3f, cut from %.3f to %.3f)",
        why, os.getpid(), count.connections, count.running, lease_from, since, boottime(),
    )  # fmt: skip
