"""Making and checking verifiers with a bound on how much of it runs and waits at once.

Argon2 takes 30 ms and 19 MiB of whoever asks: without a bound, strangers with wrong passwords own every core. Beyond
the bound the answer is Overloaded (503 and Retry-After), never "wrong". An address that has used up its failures gets
one slot together with all others of its kind, so that the rest stays free for devices that are merely new.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from threading import BoundedSemaphore, Lock

from dav_gateway.core import verifier as verifiers
from dav_gateway.core.errors import Overloaded
from dav_gateway.core.verifier import Profile


class Hashing:
    """Verifiers of one profile, within bounds. Safe for threads."""

    def __init__(
        self,
        profile: Profile,
        choose: Callable[[int], bytes],
        *,
        slots: int | None = None,
        waiting: int = 32,
        patience: float = 2.0,
    ) -> None:
        """`choose(n)` returns n random bytes. `slots` (None: the cores) run at once, and `waiting` more wait
        `patience` seconds at most."""
        self.profile = profile
        self._choose = choose
        self._all = _Lane(slots or os.cpu_count() or 1, waiting, patience)
        self._suspects = _Lane(1, max(1, waiting // 4), patience)
        self._decoy = verifiers.decoy(profile, choose(verifiers.DECOY_LENGTH))

    def make(self, secret: str) -> str:
        """A fresh verifier under the profile (raises Overloaded)."""
        salt = self._choose(verifiers.SALT_LENGTH)
        with self._all.slot() if self.profile.is_slow else nullcontext():
            return verifiers.make(secret, self.profile, salt)

    def check(self, verifier: str, secret: str, *, suspect: bool = False) -> bool:
        """Whether the secret is the verifier's (raises Overloaded, and StoreUnavailable for a damaged verifier).

        `suspect` is a caller whose address has used up its failures.
        """
        if not verifiers.is_slow(verifier):
            return verifiers.check(verifier, secret)
        with self._suspects.slot() if suspect else nullcontext(), self._all.slot():
            return verifiers.check(verifier, secret)

    def check_nothing(self, secret: str, *, suspect: bool = False) -> None:
        """The work of `check` for an id that does not exist, so that the time of an answer tells nothing."""
        self.check(self._decoy, secret, suspect=suspect)

    def needs_rehash(self, verifier: str) -> bool:
        """Whether the profile has changed since this verifier was made."""
        return verifiers.needs_rehash(verifier, self.profile)


class _Lane:
    """So many at once, so many waiting, so long."""

    def __init__(self, slots: int, waiting: int, patience: float) -> None:
        self._free = BoundedSemaphore(slots)
        self._room = waiting
        self._patience = patience
        self._lock = Lock()

    @contextmanager
    def slot(self) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._free.release()

    def _wait(self) -> None:
        with self._lock:
            if not self._room:
                raise Overloaded("too many verifications are waiting")
            self._room -= 1
        try:
            if not self._free.acquire(timeout=self._patience):
                raise Overloaded("a verification waited too long")
        finally:
            with self._lock:
                self._room += 1
