"""Cutting what others decided: credentials changed by another process, and those whose time has run out.

The database is the authority and this is only its messenger; but a process that cannot hear the messages must not go
on sending. So a second thread watches the first: when nothing could be read for a second, every authenticated
connection is cut, again and again until reading works and what was missed is cut too.
"""

import logging
from collections.abc import Callable, Collection
from threading import Event, Lock, Thread
from time import monotonic

from dav_gateway.core.errors import GatewayError
from dav_gateway.core.moment import DAY, Moment
from dav_gateway.service.cutter import Cutter
from dav_gateway.store import credentials
from dav_gateway.store.cut_feed import CutFeed
from dav_gateway.store.database import Database

_log = logging.getLogger(__name__)

LOOK_BACK = 7 * DAY
"""How far back expiries are told at start: what ran out while no process was running is written to the audit."""


class Watcher:
    """Follows the database for a process that serves."""

    def __init__(
        self,
        database: Database,
        cutter: Cutter,
        clock: Callable[[], Moment],
        *,
        on_expired: Callable[[Collection[str]], None],
        interval: float = 0.02,
        expiry_interval: float = 0.2,
        grace: float = 1.0,
    ) -> None:
        """All times in seconds: between looks at changes, between looks at expiries, and without any successful look
        until everything is cut. `on_expired` is told the ids that expired, after they were cut."""
        self._database = database
        self._cutter = cutter
        self._clock = clock
        self._on_expired = on_expired
        self._interval = interval
        self._expiry_interval = expiry_interval
        self._grace = grace
        self._lock = Lock()
        self._healthy = False
        self._read_at = monotonic()
        self._stopping = Event()
        self._threads: list[Thread] = []

    @property
    def healthy(self) -> bool:
        """Whether everything that the database says has been carried out here. While it is not, do not serve."""
        return self._healthy

    def start(self) -> None:
        """Begin to follow; call it before connections are accepted. Raises StoreUnavailable."""
        feed = self._database.credential_changes()
        feed.take()
        self._read_at = monotonic()
        self._healthy = True
        self._threads = [
            Thread(target=self._follow, args=(feed,), name="watch", daemon=True),
            Thread(target=self._guard, name="watch-guard", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop following; returns when both threads have ended."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._healthy = False

    def _follow(self, feed: CutFeed) -> None:
        uncut: set[str] = set()
        expired: set[str] = set()
        until = Moment(self._clock() - LOOK_BACK)
        expiries_read_at = float("-inf")
        trouble = ""
        while not self._stopping.wait(self._interval):
            try:
                uncut.update(feed.take())
                if monotonic() - expiries_read_at >= self._expiry_interval:
                    until, found = self._expiries(until)
                    expired.update(found)
                    expiries_read_at = monotonic()
                self._carry_out(uncut, expired)
                trouble = ""
            except GatewayError as error:
                # What is not read or not confirmed comes again; without success the guard cuts everything.
                if str(error) != trouble:
                    _log.warning("the database cannot be followed: %s", error)
                trouble = str(error)
        feed.close()

    def _expiries(self, after: Moment) -> tuple[Moment, list[str]]:
        now = self._clock()
        if now <= after:
            return after, []
        with self._database.read() as connection:
            return now, credentials.expired_between(connection, after, now)

    def _carry_out(self, uncut: set[str], expired: set[str]) -> None:
        if uncut or expired:
            self._cutter.cut(uncut | expired)
        if expired:
            self._on_expired(sorted(expired))
        uncut.clear()
        expired.clear()
        with self._lock:
            self._read_at = monotonic()
            if not self._healthy:
                _log.warning("the database is followed again")
            self._healthy = True

    def _guard(self) -> None:
        while not self._stopping.wait(self._grace / 10):
            with self._lock:
                silent = monotonic() - self._read_at
                if silent <= self._grace:
                    continue
                if self._healthy:
                    _log.error("nothing was read for %.1f s: every authenticated connection is cut", silent)
                self._healthy = False
            try:
                self._cutter.cut_all()
            except GatewayError as error:
                _log.warning("a cut was not confirmed: %s", error)
