"""One request on a connection of its own, waited for."""

import socket
import time
from typing import NamedTuple


class Reply(NamedTuple):
    """What came: `status` 0 when nothing did, and then how the connection ended."""

    status: int
    head: bytes
    end: str
    asked_at: float
    local_port: int


def ask(port: int, request: bytes, patience: float = 10.0) -> Reply:
    """The answer to one request. Never raises for what the server does."""
    asked_at, local_port, head = time.monotonic(), 0, b""
    try:
        with socket.create_connection(("127.0.0.1", port), patience) as connection:
            local_port = connection.getsockname()[1]
            connection.sendall(request)
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return Reply(0, head, "closed", asked_at, local_port)
                head += piece
            return Reply(int(head[9:12]), head.lower(), "", asked_at, local_port)
    except TimeoutError:
        return Reply(0, head, "silent", asked_at, local_port)
    except ConnectionRefusedError:
        return Reply(0, head, "refused", asked_at, local_port)
    except OSError:
        return Reply(0, head, "reset", asked_at, local_port)
