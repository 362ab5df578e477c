"""The wire between a node and PostgreSQL: it goes dead when it is told to, and for nobody else's sake."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.stress.blackhole import Blackhole

LARGE = 32_000_000
"""More than both kernels take for a client that does not read."""


@pytest.fixture
def hole(tmp_path: Path) -> Iterator[Blackhole]:
    """Before a server that answers `b` with a large answer and everything else with one octet."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "server"))
    listening.listen()

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            while asked := client.recv(1):
                client.sendall(bytes(LARGE) if asked == b"b" else b"!")

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    made = Blackhole(tmp_path / "server")
    yield made
    made.close()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def connected(hole: Blackhole) -> socket.socket:
    return socket.create_connection(("127.0.0.1", hole.port), 20)


def test_a_client_that_does_not_read_holds_up_nobody(hole: Blackhole) -> None:
    """A worker that is stopped in the middle of a large answer: the other workers of its node go on."""
    with connected(hole) as stopped, connected(hole) as other:
        stopped.sendall(b"b")
        assert len(stopped.recv(1)) == 1
        threading.Event().wait(0.5)  # everything is full
        for _ in range(3):
            other.sendall(b"?")
            assert other.recv(1) == b"!"
        left = LARGE - 1
        while left:
            left -= len(stopped.recv(min(left, 1 << 20)))
        stopped.sendall(b"?")
        assert stopped.recv(1) == b"!"


def test_nothing_passes_while_it_is_stalled_and_everything_afterwards(hole: Blackhole) -> None:
    with connected(hole) as client:
        client.sendall(b"?")
        assert client.recv(1) == b"!"
        hole.stall()
        threading.Event().wait(0.2)
        client.sendall(b"?")
        with connected(hole) as new:
            new.sendall(b"?")
            client.settimeout(0.5)
            with pytest.raises(TimeoutError):
                client.recv(1)
            hole.flow()
            client.settimeout(20)
            assert client.recv(1) == new.recv(1) == b"!"
