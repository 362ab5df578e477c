"""Cutting what others decided: credentials changed by another process, and those whose time has run out.

The database is the authority and this is only its messenger; but a process that cannot hear the messages must not go
on sending. Its right to serve is a lease (`service.lease`), renewed by reading what was decided and carrying it out;
when not even the lease's end can be seen to, the kernel ends the process (`bus.times` has the lengths, `bus.watchdog`
the timer).
"""

import logging
from collections.abc import Callable, Collection
from threading import Event, Thread

from dav_gateway.bus.protocol import Bus, Expelled, Member, Tally
from dav_gateway.bus.times import HEARTBEAT, boottime
from dav_gateway.core.errors import GatewayError
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.service.cutter import Cutter, Owed
from dav_gateway.service.lease import Lease, Unwatched, Watchdog

_log = logging.getLogger(__name__)

LOOK_BACK = 7 * DAY
"""How far back expiries are told at start: what ran out while no process was running is written to the audit."""

_PAUSE_AFTER_TROUBLE = 0.05


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
        self._place = place
        self._owed = owed or Owed()
        self._lease = Lease(cutter, watchdog or Unwatched())
        self._stopping = Event()
        self._member: Member | None = None
        self._threads: list[Thread] = []

    @property
    def healthy(self) -> bool:
        """Whether everything that the database says has been carried out here. While it is not, do not serve."""
        return self._lease.holds

    def start(self) -> None:
        """Begin to follow; call it before connections are accepted. Raises StoreUnavailable."""
        self._member = self._bus.join(self._place)
        self._lease.renew(self._member.read(0).at)
        self._threads = [
            Thread(target=self._follow, name="watch", daemon=True),
            Thread(target=self._lease.guard, args=(self._stopping,), name="watch-guard", daemon=True),
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
        self._lease.end()
        if self._member is not None:
            self._member.leave()
            self._member = None

    def _follow(self) -> None:
        uncut: set[str] = set()
        expired: set[str] = set()
        until = Moment(self._clock() - LOOK_BACK)
        asked_at = read_at = float("-inf")
        trouble = ""
        while not self._stopping.is_set():
            try:
                if self._member is None:
                    self._member = self._bus.join(self._place)
                # From the beginning of the last read: one that was slow has used up the pause before the next.
                heard = self._member.read(max(0.0, read_at + HEARTBEAT - boottime()))
                read_at = heard.at
                uncut.update(heard.ids, self._owed.take())
                tally = self._cut(uncut, expired)
                uncut.clear()
                self._tell_expired(expired)
                self._lease.renew(heard.at)
                self._member.acknowledge(heard.number, tally)
                if heard.at >= asked_at + HEARTBEAT:
                    # After the renewal: on a busy machine each question to the database takes its time.
                    until, found = self._expiries(self._member, until)
                    asked_at = heard.at
                    expired.update(found)
                    self._end_expired(expired)
                trouble = ""
            except Expelled as error:
                _log.warning("the bus is joined anew: %s", error)
                self._rejoin(str(error))
                read_at = float("-inf")
            except GatewayError as error:
                # What is not read or not confirmed comes again; without success the guard cuts everything.
                if str(error) != trouble:
                    _log.warning("the database cannot be followed: %s", error)
                trouble = str(error)
                read_at = float("-inf")
                self._stopping.wait(_PAUSE_AFTER_TROUBLE)
            except Exception:  # noqa: BLE001 - without this thread nothing would ever be served again
                _log.exception("following the database failed")
                self._stopping.wait(_PAUSE_AFTER_TROUBLE)

    def _cut(self, uncut: set[str], expired: set[str]) -> Tally:
        """While no lease was held since everything was cut, there is nothing to cut: who asks now finds the row."""
        if not (uncut or expired):
            return {}
        nothing = dict.fromkeys(uncut, (0, 0))
        return nothing if self._lease.empty else {**nothing, **self._cutter.cut(uncut | expired).tally}

    def _end_expired(self, expired: set[str]) -> None:
        """What cannot be cut now stays in the set, and the lease is not renewed before it is."""
        if expired:
            self._cutter.cut(expired)
            self._tell_expired(expired)

    def _tell_expired(self, expired: set[str]) -> None:
        """They are cut, at once or after a cut that failed."""
        if expired:
            self._on_expired(sorted(expired))
            expired.clear()

    def _rejoin(self, why: str) -> None:
        """Serve nobody, let go of whom others do not see, and join as if this process had just begun."""
        self._lease.give_up(why, self._stopping)
        member, self._member = self._member, None
        if member is not None:
            try:
                member.leave()
            except Exception:  # noqa: BLE001 - as in `_follow`; nobody counts on what is left of it
                _log.exception("the bus could not be left")

    def _expiries(self, member: Member, after: Moment) -> tuple[Moment, list[str]]:
        """Ids that expired since, and the moment up to which that was asked: back again when the clock is set back."""
        now = self._clock()
        if now <= after:
            return now, []
        return now, member.expired(after, now)
