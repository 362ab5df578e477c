"""What one process remembers of secrets: "this secret is credential X", never "X is alive".

An entry is a BLAKE2b under a key that only this process knows, over the id, the secret and the verifier: it tells
nothing to whoever reads the memory of it alone, ends with the process, and no longer matches once the verifier changes.
"""

import hashlib
from collections import OrderedDict
from threading import Lock

_KEY_LENGTH = 32


class Memo:
    """A bounded set of proven secrets; the longest unused entry leaves first. Safe for threads."""

    def __init__(self, key: bytes, *, size: int = 65_536) -> None:
        """`key` is 32 fresh random bytes (ValueError otherwise); `size` bounds the number of entries."""
        if len(key) != _KEY_LENGTH:
            raise ValueError(f"the key of the memo has {_KEY_LENGTH} bytes")
        self._key = key
        self._size = size
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def knows(self, credential_id: str, secret: str, verifier: str) -> bool:
        """Whether this very secret was proven against this very verifier in this process."""
        entry = self._entry(credential_id, secret, verifier)
        with self._lock:
            known = entry in self._known
            if known:
                self._known.move_to_end(entry)
            return known

    def learn(self, credential_id: str, secret: str, verifier: str) -> None:
        """Remember a secret that the verifier has just accepted."""
        entry = self._entry(credential_id, secret, verifier)
        with self._lock:
            self._known[entry] = None
            self._known.move_to_end(entry)
            while len(self._known) > self._size:
                self._known.popitem(last=False)

    def __len__(self) -> int:
        return len(self._known)

    def _entry(self, credential_id: str, secret: str, verifier: str) -> bytes:
        text = f"{credential_id} {secret} {verifier}"  # none of the three has a space
        return hashlib.blake2b(text.encode(), digest_size=32, key=self._key).digest()
