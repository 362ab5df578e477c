"""What the server remembers between two requests of a sign-in: a challenge, a nonce. For minutes, and once.

The browser's half is a random text, to be kept in its session or sent as `state`; the store has its digest, and the
detail sealed under it, so that neither half alone is of use.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from dav_gateway.core.keyring import NONCE_LENGTH
from dav_gateway.core.moment import MINUTE, Moment
from dav_gateway.service.means import Means
from dav_gateway.store import ceremonies

LIFETIME = 5 * MINUTE

_PURPOSE = "ceremony"
_HANDLE_LENGTH = 32
_LONGEST_HANDLE = 64


@dataclass(frozen=True, slots=True)
class Taken:
    """A ceremony that was remembered: whose it is (None: nobody is known yet) and what was kept."""

    account_id: int | None
    detail: Mapping[str, str] = field(repr=False)


class Ceremonies:
    """Begin a ceremony, and take it once."""

    def __init__(self, means: Means) -> None:
        """What is remembered stands in the store, so that any process takes what another one began."""
        self._database = means.database
        self._keys = means.keys
        self._clock = means.clock
        self._choose = means.choose

    def begin(self, kind: str, account_id: int | None, detail: Mapping[str, str], *, lifetime: int = LIFETIME) -> str:
        """Remember the detail for `lifetime` milliseconds; returns the browser's half. Raises Refusal without a key."""
        handle = base64.urlsafe_b64encode(self._choose(_HANDLE_LENGTH)).decode("ascii").rstrip("=")
        keyring, now = self._keys(), self._clock()
        digest = keyring.digest(_PURPOSE, handle)
        sealed = keyring.seal(_PURPOSE, digest, json.dumps(dict(detail)).encode(), self._choose(NONCE_LENGTH))
        with self._database.write() as connection:
            ceremonies.add(
                connection,
                digest=digest,
                kind=kind,
                account_id=account_id,
                detail=sealed,
                expires_at=Moment(now + lifetime),
                now=now,
            )
        return handle

    def take(self, kind: str, handle: str) -> Taken | None:
        """What was remembered for this half, which is worthless from now on; None when there is nothing."""
        if len(handle) > _LONGEST_HANDLE or not handle.isascii():
            return None
        keyring = self._keys()
        digest = keyring.digest(_PURPOSE, handle)
        with self._database.write() as connection:
            found = ceremonies.take(connection, digest=digest, kind=kind, now=self._clock())
        if found is None:
            return None
        return Taken(found[0], json.loads(keyring.open(_PURPOSE, digest, found[1])))
