"""One worker process as its supervisor sees it, and its birth by fork."""

import contextlib
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from dav_gateway.core.errors import GatewayError
from dav_gateway.core.worker_place import WorkerPlace
from dav_gateway.server.memory import return_large_blocks
from dav_gateway.server.seat import FAILED, MESSAGE_BYTES, READY, Seat
from dav_gateway.server.tally import Tally

Work = Callable[[Seat], None]
"""Serves on the seat's sockets until it is told to end. Opens its database itself: it runs after the fork."""

_SIGNALS = (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Worker:
    """A living worker. `ready`: it accepts connections. `why`: what it said when it could not."""

    def __init__(self, pid: int, slot: int, line: socket.socket) -> None:
        self.pid = pid
        self.slot = slot
        self.line = line
        self.started = time.monotonic()
        self.ready = False
        self.why = ""

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self.started

    def tell(self, message: bytes) -> None:
        """Say something to it; one that is dead does not hear."""
        with contextlib.suppress(OSError):
            self.line.send(message)

    def kill(self) -> None:
        """End it without its doing. It was not waited for yet, so the number is still its own."""
        os.kill(self.pid, signal.SIGKILL)

    def hear(self) -> bool:
        """Take in what it said. Whether there may be more."""
        try:
            said = self.line.recv(MESSAGE_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            said = b""
        if said == READY:
            self.ready = True
        elif said.startswith(FAILED):
            self.why = said.removeprefix(FAILED).decode(errors="replace")
        return bool(said)


def start_worker(
    work: Work, place: WorkerPlace, sockets: Sequence[socket.socket], tally: Tally, forget: Callable[[], None]
) -> Worker:
    """Fork a worker that does `work`. `forget` is called in it first and closes what belongs to the supervisor alone.

    To be called in a process with one thread. Raises OSError when there is no room for another process.
    """
    share = tally.share(place.slot)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(0)
    theirs.settimeout(0)
    # A signal between the fork and the new handlers would run the supervisor's handler in the worker.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _live(work, Seat(place, sockets, share, theirs), (ours.close, forget), before)
    except OSError:
        ours.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
    return Worker(pid, place.slot, ours)


def _live(work: Work, seat: Seat, closings: Sequence[Callable[[], None]], mask: set[int | signal.Signals]) -> NoReturn:
    """The whole life of a worker process; nothing of the supervisor's stack is ever returned to."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for close in closings:
            close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # A terminal sends these to the whole group; the supervisor hears them too and says what is to be done.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return_large_blocks()
        work(seat)
        code = 0
    except GatewayError as error:
        seat.fail(str(error))
    except BaseException as error:  # noqa: BLE001 - the process ends here, whatever it was
        # Only the type: the text of an unknown error may quote anything, a secret among it.
        seat.fail(f"unexpected fault ({type(error).__name__}); PYTHONDEVMODE=1 shows where")
        if sys.flags.dev_mode:
            traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
