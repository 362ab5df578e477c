"""The four lengths of time that the promise is made of, in seconds of `boottime`.

    read begins ----- LEASE ---> every connection is reset ---> WATCHDOG: the kernel kills the process
    commit of a revocation ---------------------------------------------------------> LIMIT: it returns in any case

A lease begins *before* the read that renews it. So a member whose lease began after a commit has seen that cut and
carried it out, and one whose lease began before it has reset everything, or is dead, LIMIT after the commit.
`docs/model` checks this order.
"""

from dav_gateway.store.database import boottime

__all__ = ["HEARTBEAT", "LEASE", "LIMIT", "WATCHDOG", "boottime"]

HEARTBEAT = 0.2
"""Seconds between a member's reads when nothing wakes it."""

LEASE = 0.8
"""Seconds that a member may serve after the beginning of its last read."""

WATCHDOG = 1.1
"""Seconds after the same moment at which the kernel ends a process that could not even reset its connections."""

LIMIT = 1.25
"""Seconds after its commit at which a revocation stops waiting for acknowledgements."""
