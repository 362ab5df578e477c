"""What the owner sees of use and refusal. It is a courtesy, not a lock: collected in memory, written by one background
thread, at most once a minute for each credential, and no request ever fails or waits for it.

Repeated refusals are sampled the same way, so that neither a lost device that polls for ever nor an attack fills the
audit.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import replace
from threading import Event as Signal
from threading import Lock, Thread

from sqlalchemy.exc import SQLAlchemyError

from dav_gateway.core.credential import Grant, Reason
from dav_gateway.core.errors import GatewayError, StoreUnavailable
from dav_gateway.core.moment import HOUR, MINUTE, Moment
from dav_gateway.service.notes import (
    CLIENT_WARNED,
    TWO_NETWORKS,
    USED,
    Note,
    append,
    append_expired,
    word_of,
    write_last,
)
from dav_gateway.service.places import Places
from dav_gateway.service.presented import Presented
from dav_gateway.service.throttle import prefix_of
from dav_gateway.store.database import Database

INTERVAL = MINUTE
AUDIT_INTERVAL = HOUR
MOST_PENDING = 4096
_MOST_REMEMBERED = 65_536

_NOT_TOLD = frozenset({Reason.STORE, Reason.OVERLOADED, Reason.NO_CREDENTIALS, Reason.MALFORMED})
_log = logging.getLogger(__name__)

_Key = tuple[str, str, Reason | None]
"""The word of the audit, a credential's id (without one, the address prefix), why it was refused."""


class Usage:
    """Collects uses and refusals from any thread and writes them in the background (`start`, `stop`)."""

    def __init__(self, database: Database, clock: Callable[[], Moment], *, period: float = 0.25) -> None:
        """`period` is how often, in seconds, the background thread looks for something to write: a person who sets up
        a device looks at the page and should see within a second why it was refused."""
        self._database = database
        self._clock = clock
        self._period = period
        self._places = Places()
        self._lock = Lock()
        self._pending: dict[_Key, Note] = {}
        self._written: OrderedDict[_Key, Moment] = OrderedDict()
        self._audited: OrderedDict[_Key, Moment] = OrderedDict()
        self._expired: set[str] = set()
        self._stopping = Signal()
        self._thread: Thread | None = None

    def used(self, grant: Grant, presented: Presented) -> None:
        """A request was granted."""
        credential_id = grant.credential.id
        self._collect(USED, credential_id, None, presented)
        if self._places.is_split(credential_id, presented.address, self._clock()):
            self._collect(TWO_NETWORKS, credential_id, None, presented)

    def warned(self, grant: Grant, presented: Presented) -> None:
        """Another kind of client was granted a request, because the policy only warns."""
        self._collect(CLIENT_WARNED, grant.credential.id, None, presented)

    def refused(
        self, credential_id: str | None, reason: Reason, presented: Presented, *, hint: str | None = None
    ) -> None:
        """A request was refused, by verification or for what it may not do (SCOPE, READ_ONLY).

        Trouble of our own, requests without credentials and mistyped ones that name nobody are passed over.
        """
        if reason not in _NOT_TOLD and (credential_id or reason is not Reason.MISTYPED):
            self._collect(word_of(reason), credential_id, reason, presented, hint)

    def expired(self, ids: Collection[str]) -> None:
        """The time of these credentials ran out; the audit says so once, however many processes notice."""
        with self._lock:
            self._expired.update(ids)

    def start(self) -> None:
        """Begin to write in the background."""
        self._thread = Thread(target=self._run, name="usage", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and end the background thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.flush(everything=True)

    def flush(self, *, everything: bool = False) -> bool:
        """Write what is due (or everything) in one transaction.

        False when the database cannot be written now; then it is tried again at the next call.
        """
        now = self._clock()
        with self._lock:
            due = {key: note for key, note in self._pending.items() if everything or self._is_due(key, now)}
            for key in due:
                del self._pending[key]
            expired, self._expired = self._expired, set()
        if not due and not expired:
            return True
        try:
            self._write(list(due.values()), expired, now)
        except StoreUnavailable:
            with self._lock:
                self._pending = {**due, **self._pending}
                self._expired |= expired
            return False
        with self._lock:
            for key, note in due.items():
                if self._is_sampled(note, now):
                    _remember(self._audited, key, now)
                _remember(self._written, key, now)
        return True

    def _collect(
        self,
        word: str,
        credential_id: str | None,
        reason: Reason | None,
        presented: Presented,
        hint: str | None = None,
    ) -> None:
        key = (word, credential_id or prefix_of(presented.address), reason)
        who = (presented.address, presented.user_agent, presented.request_id)
        note = Note(word, credential_id, reason, self._clock(), *who, hint=hint)
        with self._lock:
            if key in self._pending or len(self._pending) < MOST_PENDING:
                earlier = self._pending.get(key)
                self._pending[key] = note if earlier is None else replace(note, since=earlier.since or earlier.at)

    def _is_due(self, key: _Key, now: Moment) -> bool:
        written = self._written.get(key)
        return written is None or not 0 <= now - written < INTERVAL

    def _write(self, due: list[Note], expired: set[str], now: Moment) -> None:
        with self._database.write() as connection:
            for note in due:
                if note.word != USED or self._is_sampled(note, now):
                    append(connection, note)
            for credential_id in sorted(expired):
                append_expired(connection, credential_id)
            write_last(connection, due)

    def _is_sampled(self, note: Note, now: Moment) -> bool:
        key = (note.word, note.credential_id or "", note.reason)
        last = self._audited.get(key)
        return last is None or not 0 <= now - last < AUDIT_INTERVAL

    def _run(self) -> None:
        while not self._stopping.wait(self._period):
            try:
                self.flush()
            except (GatewayError, SQLAlchemyError):
                # A note that cannot be written is dropped, so that it does not keep the others from being written.
                _log.exception("uses and refusals could not be written")


def _remember(moments: OrderedDict[_Key, Moment], key: _Key, now: Moment) -> None:
    moments[key] = now
    moments.move_to_end(key)
    while len(moments) > _MOST_REMEMBERED:
        moments.popitem(last=False)
