"""The installation's key when it is needed, and not before: a lost key file stops signing in, never a revocation."""

from collections.abc import Callable
from threading import Lock

from dav_gateway.core.errors import Refusal
from dav_gateway.core.keyring import Keyring


class Keys:
    """Gives the keyring; reads it once. Safe for threads."""

    def __init__(self, read: Callable[[], Keyring]) -> None:
        """`read` gives the keyring or raises Refusal or StoreUnavailable; what it raises is not remembered."""
        self._read = read
        self._lock = Lock()
        self._keyring: Keyring | None = None

    def __call__(self) -> Keyring:
        """The keyring. Raises what `read` raises."""
        with self._lock:
            if self._keyring is None:
                self._keyring = self._read()
            return self._keyring


def no_key() -> Keyring:
    """For an installation that was given none. Raises Refusal."""
    raise Refusal("second factors and reset links need a key file: set security.key_file")
