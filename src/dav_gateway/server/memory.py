"""Giving large blocks of memory back to the system when they are freed."""

import contextlib
import ctypes

_M_MMAP_THRESHOLD = -3  # mallopt(3)
_LARGE = 1024 * 1024


def return_large_blocks() -> None:
    """From now on a block of 1 MiB and more is a mapping of its own, which ends when it is freed.

    glibc raises its threshold to the size of what was freed, up to 32 MiB, and keeps such blocks in an arena for each
    thread: six checks of Argon2id at once (19 MiB each) made a worker of 71 MB one of 188 MB for good. A libc without
    mallopt (musl) does not do that.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
