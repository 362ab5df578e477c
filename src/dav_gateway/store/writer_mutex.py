"""Who writes to the SQLite file next: fair between threads and between processes, and limited in time.

SQLite's own busy handler polls, so busy writers starve the others: a revocation waited 11 s behind six of them. Here
the threads of a process queue in order, and the thread at the head competes for two file locks in the manner of a
turnstile: whoever holds `next` is the only one who waits for `writer`, so a process that has just written cannot be
back in before the one that waits. flock(2) knows no time limit, so where it has to wait a helper thread, the porter,
does, while the writers wait for the porter with a limit. The kernel drops the locks of a process that dies.

Writers that join can take the right over from each other (`pass_on`) while the file stays locked: see `group_commit`.
"""

import fcntl
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from dav_gateway.core.errors import StoreUnavailable
from dav_gateway.store.sqlite_file import give_to_owner


class _Turn(NamedTuple):
    """A thread's place in the queue; its turn has come when the lock, taken from the start, is released."""

    lock: threading.Lock
    joins: bool


class WriterMutex:
    """The right to write to one SQLite file. One object for each process and file, made after any fork."""

    def __init__(self, database: Path, limit: float, before_release: Callable[[], None] = lambda: None) -> None:
        """`limit`: seconds that a writer waits at most. The lock files stand beside the database, mode 0600, for its
        owner. Raises StoreUnavailable when they cannot be opened.

        `before_release` is called by whoever gives the right back, who still has it then; it must not raise.
        """
        self._limit = limit
        self._before_release = before_release
        self._next = _lock_file(database, "-writer-next")
        self._writer = _lock_file(database, "-writer")
        self._state = threading.Lock()
        self._urgent: deque[_Turn] = deque()
        self._queue: deque[_Turn] = deque()
        self._taken = False  # a thread of this process holds the file lock, or the porter fetches it for one
        self._owner: int | None = None
        self._porter: threading.Thread | None = None
        self._bell = threading.Semaphore(0)
        self._closed = False

    def acquire(self, *, urgent: bool = False, joins: bool = False) -> None:
        """Wait for the right to write; an urgent writer (a revocation) goes before the other threads of its process,
        and past the queue of processes. One that joins may get the right from another writer by `pass_on`.

        Raises StoreUnavailable when the time limit passes, RuntimeError when this thread has the right already.
        """
        if self._owner == threading.get_ident():
            raise RuntimeError("a write inside a write of the same thread would wait for itself")
        turn = _Turn(threading.Lock(), joins)
        turn.lock.acquire()
        with self._state:
            if not self._taken and self._try_files(urgent=urgent):
                self._taken = True
                turn.lock.release()
            else:
                if not self._taken:
                    self._require_porter()
                (self._urgent if urgent else self._queue).append(turn)
                if not self._taken:
                    self._ring()
        try:
            granted = turn.lock.acquire(timeout=self._limit)
        except BaseException:
            if not self._withdraw(turn):
                self.release()
            raise
        if not granted and self._withdraw(turn):
            raise StoreUnavailable("another process or a long queue keeps the database from being written")
        self._owner = threading.get_ident()

    def release(self) -> None:
        """Give the right back; the next one in the queue gets it, after a process that waits."""
        self._before_release()
        with self._state:
            self._owner = None
            self._taken = False
            fcntl.flock(self._writer, fcntl.LOCK_UN)
            if self._urgent or self._queue:
                if self._try_files(urgent=bool(self._urgent)):
                    self._hand_over()
                else:
                    self._ring()

    def pass_on(self) -> bool:
        """Give the right to the next in the queue, before any process that waits, and without `before_release`.

        False, and nothing happens, when nobody waits, the next one does not join, or an urgent one waits.
        """
        with self._state:
            if self._urgent or not self._queue or not self._queue[0].joins:
                return False
            self._owner = None
            self._queue.popleft().lock.release()
            return True

    def close(self) -> None:
        """Close the lock files, at once or when the porter comes back; nobody may hold or want the right any more."""
        with self._state:
            if self._closed:
                return
            self._closed = True
            if self._porter is None:
                self._close_files()
            else:
                self._bell.release()

    def _try_files(self, *, urgent: bool) -> bool:
        if urgent:
            return _try(self._writer)
        if not _try(self._next):
            return False
        try:
            return _try(self._writer)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)

    def _ring(self) -> None:
        self._require_porter()
        self._taken = True
        self._bell.release()

    def _require_porter(self) -> None:
        """Raises StoreUnavailable, and nothing is taken, when the system has no room for another thread."""
        if self._porter is not None:
            return
        porter = threading.Thread(target=self._fetch, name="writer-mutex-porter", daemon=True)
        try:
            porter.start()
        except RuntimeError as error:
            raise StoreUnavailable("no thread can be started that waits for the database's lock") from error
        self._porter = porter

    def _fetch(self) -> None:
        while self._bell.acquire() and not self._closed:
            if self._urgent:
                # A revocation passes by those who wait for `next`: at most two writers are before it.
                fcntl.flock(self._writer, fcntl.LOCK_EX)
            else:
                fcntl.flock(self._next, fcntl.LOCK_EX)
                fcntl.flock(self._writer, fcntl.LOCK_EX)
                fcntl.flock(self._next, fcntl.LOCK_UN)
            with self._state:
                self._hand_over()
        self._close_files()

    def _hand_over(self) -> None:
        waiting = self._urgent or self._queue
        if waiting:
            self._taken = True
            waiting.popleft().lock.release()
        else:
            self._taken = False
            fcntl.flock(self._writer, fcntl.LOCK_UN)

    def _withdraw(self, turn: _Turn) -> bool:
        with self._state:
            for queue in (self._urgent, self._queue):
                if turn in queue:
                    queue.remove(turn)
                    return True
        return False

    def _close_files(self) -> None:
        os.close(self._next)
        os.close(self._writer)


def _try(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_file(database: Path, suffix: str) -> int:
    path = database.with_name(database.name + suffix)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if database.exists():
            give_to_owner(path, database)
    except OSError as error:
        raise StoreUnavailable(f"the lock file {path.name} cannot be opened: {error.strerror}") from error
    return file
