"""One client's socket, owned by us: the transport that uvicorn writes to, and the only place that resets one.

Linger is armed (on, zero seconds) from the first moment, so whoever closes the socket without our doing - an abort, an
error, the death of the process - makes the kernel throw its send queue away and send a reset (`tcp_close` in Linux,
SO_LINGER in socket(7)). A close of our own waits until the client's kernel has acknowledged everything, disarms linger,
and only then lets go: bytes still queued when a credential dies are always within reach of the cut.
"""

import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any

from dav_gateway.server.limits import ServerLimits

_DROP = struct.pack("ii", 1, 0)
_KEEP = struct.pack("ii", 0, 0)
_TCP_CLOSE = 7  # state TCP_CLOSE of Linux, first byte of struct tcp_info (tcp(7))
_CLOSED = (OSError, ValueError)
"""What a closed socket raises. Under TLS it may be closed a turn of the loop before we are told."""

_FIRST_LOOK = 0.005
_LAST_LOOK = 0.5


class Connection(asyncio.Transport):
    """A transport around uvloop's. Everything but the flags `cut` and `lost` belongs to the event loop's thread.

    `cut`: a credential that used it died; set under the registry's lock, from any thread; nothing is written from then
    on. `lost`: the socket is closed. `running`: a request is being answered. `more_input`: the client is expected to go
    on sending a request. `credentials`: under whose ids it is registered.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        limits: ServerLimits,
        body_complete: Callable[[], bool],
    ) -> None:
        super().__init__()
        self.loop = loop
        self.cut = False
        self.lost = False
        self.running = False
        self.more_input = False
        self.closing = False
        self.credentials: set[str] = set()
        self._transport = transport
        self._limits = limits
        self._body_complete = body_complete
        self._closed: asyncio.Future[None] = loop.create_future()
        # uvloop sets this object's descriptor to -1 when it closes the handle, so it can never name another socket.
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._drop_when_closed(_DROP)
        # uvloop's low mark is 16 bytes by default: the pipe would run dry before the next slice.
        transport.set_write_buffer_limits(high=64 * 1024, low=16 * 1024)

    @property
    def gone(self) -> bool:
        """Whether no answer can reach the client any more, or none may."""
        return self.cut or self.lost

    @property
    def is_full(self) -> bool:
        """Whether the connection has served as many credentials as one may; it ends after this answer."""
        return len(self.credentials) >= self._limits.credentials_per_connection

    @property
    def body_complete(self) -> bool:
        """Whether the body of the request being answered has come completely."""
        return self._body_complete()

    def when_closed(self, call: Callable[[], None]) -> None:
        """Call back, in a turn of the loop, once the socket is closed and the kernel holds nothing of it."""
        self._closed.add_done_callback(lambda _: call())

    async def wait_closed(self) -> None:
        """Return when the socket is closed and the kernel holds nothing of it."""
        await asyncio.wait([self._closed])

    def reset(self) -> None:
        """Close the socket now; what uvloop and the kernel still hold for it is dropped."""
        self.closing = True
        self._transport.abort()

    def note_lost(self) -> None:
        """Called once by the protocol when the transport reports its end."""
        self.closing = self.lost = True
        if not self._closed.done():
            # In uvloop the descriptor is closed right after this call returns; who waits resumes in a later turn.
            self._closed.set_result(None)

    # What uvicorn calls

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        if not (self.closing or self.cut):
            self._transport.write(data)

    def close(self) -> None:
        """End the connection once the client has everything; at once when nothing is outstanding."""
        if self.closing:
            return
        self.closing = True
        now = self.loop.time()
        if self.more_input:
            self._transport.resume_reading()
        self._finish(_FIRST_LOOK, 1, now, now + self._limits.close_seconds)

    def abort(self) -> None:
        self.reset()

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        if not self.lost:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self.lost:
            self._transport.resume_reading()

    # Closing

    def _finish(self, delay: float, before: int, progress: float, patience: float) -> None:
        if self.lost:
            return
        if self._peer_is_gone():
            self.reset()
            return
        now = self.loop.time()
        pending = self._pending()
        # Two looks in a row: under TLS the inner transport's own buffer is out of sight, but it empties into the
        # kernel's queue before the next look.
        if before == pending == 0 and (not self.more_input or now >= patience):
            self._drop_when_closed(_KEEP)
            self._transport.close()
            # TLS waits for the peer's close_notify; a peer that is silent is not waited for.
            self.loop.call_later(self._limits.close_seconds, self._abandon)
            return
        if pending < before:
            progress = now
        elif now - progress >= self._limits.write_seconds:
            self.reset()
            return
        self.loop.call_later(delay, self._finish, min(delay * 2, _LAST_LOOK), pending, progress, patience)

    def _abandon(self) -> None:
        if not self.lost:
            self.reset()

    def _peer_is_gone(self) -> bool:
        """Whether the client's kernel has sent a reset, which uvloop does not see while it reads nothing.

        What was queued then is never acknowledged: waiting for it would hold up a stop until its limit.
        """
        if self.lost:
            return True
        with contextlib.suppress(*_CLOSED):
            return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE
        return False

    def _pending(self) -> int:
        """Octets that the client has not acknowledged: in uvloop's buffers and in the kernel's send queue."""
        if self.lost:
            return 0
        waiting = self._transport.get_write_buffer_size()
        with contextlib.suppress(*_CLOSED):
            answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
            waiting += int(struct.unpack("i", answer)[0])
        return waiting

    def _drop_when_closed(self, linger: bytes) -> None:
        with contextlib.suppress(*_CLOSED):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
