"""Failures are counted in token buckets per address prefix and per credential and prefix; successes never are.

Nothing sleeps, no account is ever locked, and a right secret is never asked: an empty bucket only turns the answer to
a wrong one into 429 and narrows how much checking the address may cause. Memory is bounded: the longest untouched
bucket is forgotten first, and a bucket that has filled up again is the same as none.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from threading import Lock

from dav_gateway.core.errors import Refusal
from dav_gateway.core.moment import MINUTE, SECOND, Moment
from dav_gateway.core.network import network_of

_IPV4_PREFIX = 32
_IPV6_PREFIX = 64
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many failures at once, and one more every `interval` milliseconds."""

    burst: int
    interval: int


ADDRESS = Allowance(burst=30, interval=SECOND)
"""Per address prefix. Evolution repeats an old password two or three times a minute for each of its sources."""

CREDENTIAL = Allowance(burst=10, interval=15 * MINUTE // 10)
"""Per credential and address prefix: ten in a quarter of an hour."""


BEGUN = Allowance(burst=60, interval=SECOND)
"""Per address prefix, of what a stranger may begin: each is a row until it is over. An office behind one address signs
in at nine."""


class TooOften(Refusal):
    """An address began more than it may. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too much was begun from there")
        self.retry_after = retry_after


class Throttle:
    """The buckets of one process. Safe for threads."""

    def __init__(
        self,
        clock: Callable[[], Moment],
        *,
        address: Allowance = ADDRESS,
        credential: Allowance = CREDENTIAL,
        size: int = 50_000,
    ) -> None:
        """`size` bounds the number of buckets of each of the two kinds."""
        self._clock = clock
        self._addresses = _Buckets(address, size)
        self._credentials = _Buckets(credential, size)
        self._lock = Lock()

    def wait(self, address: str, credential_id: str) -> int:
        """Seconds until one more failure is allowed; 0 while the buckets hold some. Counts nothing."""
        prefix, now = prefix_of(address), self._clock()
        with self._lock:
            return max(
                self._addresses.wait(prefix, now),
                self._credentials.wait(f"{credential_id} {prefix}", now),
            )

    def fail(self, address: str, credential_id: str) -> int:
        """Count one failure; 0 when it was allowed, else the seconds to wait, and then nothing is counted."""
        prefix, now = prefix_of(address), self._clock()
        pair = f"{credential_id} {prefix}"
        with self._lock:
            wait = max(self._addresses.wait(prefix, now), self._credentials.wait(pair, now))
            if not wait:
                self._addresses.take(prefix, now)
                self._credentials.take(pair, now)
            return wait

    def forgive(self, address: str, credential_id: str) -> None:
        """Take back one failure: it was counted before the check, so that many at once do not pass between look and
        count, and it was none."""
        prefix, now = prefix_of(address), self._clock()
        with self._lock:
            self._addresses.give(prefix, now)
            self._credentials.give(f"{credential_id} {prefix}", now)

    def __len__(self) -> int:
        return len(self._addresses) + len(self._credentials)


def prefix_of(address: str) -> str:
    """What counts as one origin: an IPv4 address, an IPv6 /64 (what one subscriber has); other text as it is."""
    found = network_of(address, ipv4=_IPV4_PREFIX, ipv6=_IPV6_PREFIX)
    return address[:_LONGEST_NAME] if found is None else str(found)


class _Buckets:
    """Buckets of one allowance. A bucket is kept as the moment at which it will be full again."""

    def __init__(self, allowance: Allowance, size: int) -> None:
        self._interval = allowance.interval
        self._burst = allowance.burst
        self._size = size
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def wait(self, key: str, now: Moment) -> int:
        return max(0, ceil((self._missing(key, now) - (self._burst - 1) * self._interval) / SECOND))

    def take(self, key: str, now: Moment) -> None:
        self._full_at[key] = now + self._missing(key, now) + self._interval
        self._full_at.move_to_end(key)
        while len(self._full_at) > self._size:
            self._full_at.popitem(last=False)

    def give(self, key: str, now: Moment) -> None:
        left = now + self._missing(key, now) - self._interval
        if left > now:
            self._full_at[key] = left
        else:
            self._full_at.pop(key, None)

    def _missing(self, key: str, now: Moment) -> int:
        """How long the bucket takes to be full."""
        most = now + self._burst * self._interval
        if self._full_at.get(key, now) > most:
            self._full_at[key] = most  # the clock was set back; no bucket is emptier than empty
        return max(0, self._full_at.get(key, now) - now)

    def __len__(self) -> int:
        return len(self._full_at)
