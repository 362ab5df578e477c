"""Telling systemd how far we are (sd_notify(3)): one datagram to the socket that NOTIFY_SOCKET names."""

import contextlib
import os
import socket
import time

READY = "READY=1"
STOPPING = "STOPPING=1"


def reloading() -> str:
    """The message that a reload has begun; READY ends it. Type=notify-reload wants the time with it."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"


def notify(message: str) -> None:
    """Send it when somebody listens; a service manager that is gone is no trouble of ours."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in {"/", "@"}:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        # A leading @ stands for the abstract namespace (unix(7)).
        sender.sendto(message.encode(), "\0" + address[1:] if address[0] == "@" else address)
