"""Cutting what others decided: credentials changed by another process, and those whose time has run out.

The database is the authority and this is only its messenger; but a process that cannot hear the messages must not go
on sending. Its right to serve is a lease, renewed by reading what was decided and carrying it out. When the lease runs
out, a second thread resets every authenticated connection, again and again until the first one has heard everything;
and when not even that can be done, the kernel ends the process (`bus.times` has the lengths, `bus.watchdog` the timer).
"""

import logging
from collections.abc import Callable, Collection
from threading import Event, Lock, Thread
from typing import Protocol

from dav_gateway.bus.protocol import Bus, Expelled, Member, Tally
from dav_gateway.bus.times import HEARTBEAT, LEASE, WATCHDOG, boottime
from dav_gateway.core.errors import GatewayError
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.service.cutter import Cutter, Owed

_log = logging.getLogger(__name__)

LOOK_BACK = 7 * DAY
"""How far back expiries are told at start: what ran out while no process was running is written to the audit."""

_GUARD_INTERVAL = 0.05
_PAUSE_AFTER_TROUBLE = 0.05


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


class Watcher:
    """Follows the database for a process that serves."""

    def __init__(
        self,
        bus: Bus,
        cutter: Cutter,
        clock: Callable[[], Moment],
        *,
        on_expired: Callable[[Collection[str]], None],
        watchdog: Watchdog | None = None,
        place: WorkerPlace | None = None,
        owed: Owed | None = None,
    ) -> None:
        """`on_expired` is told the ids that expired, after they were cut; `place` is a worker's among others; `owed` is
        what revocations of this process could not cut."""
        self._bus = bus
        self._cutter = cutter
        self._clock = clock
        self._on_expired = on_expired
        self._watchdog = watchdog or Unwatched()
        self._place = place
        self._owed = owed or Owed()
        self._lock = Lock()
        self._lease_until = float("-inf")
        self._guarding = False
        self._stopping = Event()
        self._member: Member | None = None
        self._threads: list[Thread] = []

    @property
    def healthy(self) -> bool:
        """Whether everything that the database says has been carried out here. While it is not, do not serve."""
        return boottime() < self._lease_until

    def start(self) -> None:
        """Begin to follow; call it before connections are accepted. Raises StoreUnavailable."""
        self._member = self._bus.join(self._place)
        self._renew(self._member.read(0).at)
        self._threads = [
            Thread(target=self._follow, name="watch", daemon=True),
            Thread(target=self._guard, name="watch-guard", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop following, when every connection is gone; returns when both threads have ended."""
        self._stopping.set()
        if self._member is not None:
            self._member.wake()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._lease_until = float("-inf")
        self._watchdog.lift()
        if self._member is not None:
            self._member.leave()
            self._member = None

    def _follow(self) -> None:
        uncut: set[str] = set()
        expired: set[str] = set()
        until = Moment(self._clock() - LOOK_BACK)
        asked_at = float("-inf")
        trouble = ""
        while not self._stopping.is_set():
            try:
                if self._member is None:
                    self._member = self._bus.join(self._place)
                heard = self._member.read(HEARTBEAT)
                uncut.update(heard.ids, self._owed.take())
                tally = self._cut(uncut, expired)
                uncut.clear()
                expired.clear()
                self._renew(heard.at)
                self._member.acknowledge(heard.number, tally)
                if heard.at - asked_at >= HEARTBEAT:
                    # After the renewal: on a busy machine each question to the database takes its time.
                    until, found = self._expiries(self._member, until)
                    asked_at = heard.at
                    expired.update(found)
                    self._end_expired(expired)
                trouble = ""
            except Expelled as error:
                _log.warning("every authenticated connection is cut: %s", error)
                self._rejoin()
            except GatewayError as error:
                # What is not read or not confirmed comes again; without success the guard cuts everything.
                if str(error) != trouble:
                    _log.warning("the database cannot be followed: %s", error)
                trouble = str(error)
                self._stopping.wait(_PAUSE_AFTER_TROUBLE)
            except Exception:  # noqa: BLE001 - without this thread nothing would ever be served again
                _log.exception("following the database failed")
                self._stopping.wait(_PAUSE_AFTER_TROUBLE)

    def _cut(self, uncut: set[str], expired: set[str]) -> Tally:
        if not (uncut or expired):
            return {}
        nothing = dict.fromkeys(uncut, (0, 0))
        return {**nothing, **self._cutter.cut(uncut | expired).tally}

    def _end_expired(self, expired: set[str]) -> None:
        """What cannot be cut now stays in the set, and the lease is not renewed before it is."""
        if expired:
            self._cutter.cut(expired)
            self._on_expired(sorted(expired))
            expired.clear()

    def _rejoin(self) -> None:
        """Serve nobody until the guard has reset everything; then join as if this process had just begun."""
        with self._lock:
            self._lease_until = float("-inf")
            self._guarding = False
        while not (self._guarding or self._stopping.wait(_GUARD_INTERVAL)):
            pass
        if self._member is not None:
            self._member.leave()
            self._member = None

    def _expiries(self, member: Member, after: Moment) -> tuple[Moment, list[str]]:
        """Ids that expired since, and the moment up to which that was asked: back again when the clock is set back."""
        now = self._clock()
        if now <= after:
            return now, []
        return now, member.expired(after, now)

    def _renew(self, read_at: float) -> None:
        """Serve on the ground of a read that began then, unless that was too long ago.

        The watchdog is set back to that read too, even if the guard had put it off further.
        """
        with self._lock:
            if boottime() >= read_at + LEASE:
                return
            if self._guarding:
                _log.warning("the database is followed again")
            self._guarding = False
            # First: a process that is stopped between the two must not have served on the new lease.
            self._watchdog.put_off(read_at + WATCHDOG)
            self._lease_until = read_at + LEASE

    def _guard(self) -> None:
        while not self._stopping.wait(_GUARD_INTERVAL):
            began_at = boottime()
            if began_at < self._lease_until:
                continue
            try:
                self._cutter.cut_all()
            except GatewayError as error:
                _log.warning("a cut was not confirmed: %s", error)
                continue
            with self._lock:
                if began_at < self._lease_until:
                    continue
                if not self._guarding:
                    _log.error("nothing was heard for %.1f s: every authenticated connection is cut", LEASE)
                self._guarding = True
                self._watchdog.put_off(began_at + WATCHDOG)
