"""Who has written last in this process: a reason to expect that they may write again, never an answer.

A write reads its credential behind the lock. Who is expected there is not read in front of it too; who is not (a first
write, a revoked phone that goes on trying) is, and does not queue.
"""

from collections import OrderedDict
from threading import Lock

from dav_gateway.core.credential import Grant

MOST = 16_384


class Writers:
    """The newest grants under which credentials have passed the fence; the longest unused leaves first. Safe for
    threads."""

    def __init__(self, most: int = MOST) -> None:
        """`most` bounds how many are remembered."""
        self._most = most
        self._grants: OrderedDict[str, Grant] = OrderedDict()
        self._lock = Lock()

    def last(self, credential_id: str) -> Grant | None:
        """The grant as it was when the credential wrote; None when it has not, or could not the last time."""
        return self._grants.get(credential_id)

    def note(self, grant: Grant) -> None:
        """The credential has passed the fence."""
        with self._lock:
            self._grants[grant.credential.id] = grant
            self._grants.move_to_end(grant.credential.id)
            if len(self._grants) > self._most:
                self._grants.popitem(last=False)

    def forget(self, credential_id: str) -> None:
        """It was not what it was expected to be."""
        with self._lock:
            self._grants.pop(credential_id, None)
