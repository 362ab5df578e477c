"""`serve` as its command line starts it: a supervisor and workers, and what clients see when one of them dies."""

import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from tests.server.node import Node, node_in, poll


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with node_in(tmp_path, workers=2) as started:
        yield started


def test_every_worker_serves_and_one_supervisor_owns_them(node: Node) -> None:
    assert len(node.workers()) == 2
    assert node.said("started")["workers"] == "2"
    assert {status for status, _ in (node.ask() for _ in range(4))} == {200}


def test_clients_that_stay_connected_are_shared_evenly(node: Node) -> None:
    """Fails without the acceptor's standing back: a burst then goes to whoever wakes first."""
    with ExitStack() as open_:
        clients = [open_.enter_context(node.connect()) for _ in range(16)]
        # The first half of a request's id is drawn by each worker.
        for client in clients:
            assert poll(client) == 200
        shares = Counter(line["id"].partition("-")[0] for line in node.lines("request", "path=/healthz"))
    assert len(shares) == 2
    assert min(shares.values()) >= 7, shares


def test_a_frozen_worker_keeps_no_client_waiting(node: Node) -> None:
    """It has the fewest connections, so the others stand back; they do so for a moment only."""
    frozen, _ = node.workers()
    os.kill(frozen, signal.SIGSTOP)
    try:
        with ExitStack() as open_:
            for client in [open_.enter_context(node.connect()) for _ in range(8)]:
                assert poll(client) == 200
    finally:
        with suppress(ProcessLookupError):
            os.kill(frozen, signal.SIGCONT)


def test_a_killed_worker_is_replaced_and_the_others_serve_on(node: Node) -> None:
    first, second = node.workers()
    with ExitStack() as open_:
        clients = [open_.enter_context(node.connect()) for _ in range(8)]
        for client in clients:
            assert poll(client) == 200
        os.kill(first, signal.SIGKILL)
        node.wait_for("worker ended", f"pid={first}", "signal=SIGKILL")
        alive = sum(1 for client in clients if poll(client) == 200)
    assert 3 <= alive <= 5
    node.until(lambda: len(node.workers()) == 2)
    assert second in node.workers()
    assert first not in node.workers()


def test_who_dies_again_and_again_is_started_more_slowly(node: Node) -> None:
    for expected in ("0.0", "0.5", "1.0"):
        victim = node.newest()
        os.kill(victim, signal.SIGKILL)
        assert node.wait_for("worker ended", f"pid={victim}")["again_in"] == expected
        if expected == "1.0":
            break
        node.until(lambda: len(node.workers()) == 2)
        node.until(lambda: len(node.lines("worker started")) == len(node.lines("worker ended")) + 2)
    assert node.ask()[0] == 200, "the other worker serves"


def test_no_worker_outlives_a_killed_supervisor(node: Node) -> None:
    workers = node.workers()
    with node.connect() as client:
        assert poll(client) == 200
        node.process.kill()
        node.process.wait()
        node.until(lambda: not any(alive(pid) for pid in workers), 15)
        assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError), node.connect():
        pass


def test_sigterm_finishes_what_runs_and_ends_with_0(node: Node) -> None:
    with node.connect() as slow, node.connect() as idle:
        assert poll(idle) == 200
        slow.sendall(node.upload_head("late.ics", len(node.event("late"))))
        body = node.event("late")
        slow.sendall(body[:50])
        time.sleep(0.3)
        node.process.send_signal(signal.SIGTERM)
        assert idle.recv(1) == b""
        node.until(lambda: _is_refused(node))
        slow.sendall(body[50:])
        assert slow.recv(100).startswith(b"HTTP/1.1 201 ")
    assert node.process.wait(20) == 0
    assert node.said("stopping")["signal"] == "SIGTERM"
    ends = node.lines("worker ended")
    assert [end["exit_code"] for end in ends] == ["0", "0"]


def _is_refused(node: Node) -> bool:
    """Whether nobody accepts connections: refused, or reset in the queue."""
    try:
        with node.connect() as refused:
            return not refused.recv(1)
    except OSError:
        return True


def test_a_second_interrupt_does_not_wait(node: Node) -> None:
    with node.connect() as slow:
        slow.sendall(node.upload_head("never.ics", 1000))
        time.sleep(0.3)
        begin = time.monotonic()
        node.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert node.process.poll() is None
        node.process.send_signal(signal.SIGINT)
        assert node.process.wait(15) == 0
        assert time.monotonic() - begin < 15
        with pytest.raises(ConnectionResetError):
            slow.recv(1)


def test_a_worker_gives_the_memory_of_verifications_back(tmp_path: Path) -> None:
    """Eight devices at once, each verified by Argon2id in 19 MiB. Fails when freed blocks stay with the process."""
    with node_in(tmp_path, workers=1) as node, ExitStack() as open_:
        (worker,) = node.workers()
        before = resident(worker)
        clients = [open_.enter_context(node.connect()) for _ in range(8)]
        for client in clients:
            client.sendall(node.head("PROPFIND", "/dav/ana/calendars/", "Depth: 0", "Content-Length: 0"))
        for client in clients:
            assert client.recv(100).startswith(b"HTTP/1.1 207 ")
        assert resident(worker) < before + 20


def test_a_worker_that_is_told_to_end_is_replaced(node: Node) -> None:
    first, _ = node.workers()
    os.kill(first, signal.SIGTERM)
    assert node.wait_for("worker ended", f"pid={first}")["exit_code"] == "0"
    node.until(lambda: len(node.workers()) == 2)


@pytest.mark.parametrize("how", ["database", "address", "certificate"])
def test_a_start_that_cannot_work_is_one_sentence(tmp_path: Path, how: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        settings = {
            "database": {"DATABASE_URL": f"postgresql://gate@127.0.0.1:{unused_port()}/dav"},
            "address": {"LISTEN": f"127.0.0.1:{port}"},
            "certificate": {"TLS_CERTIFICATE": str(tmp_path / "no.pem"), "TLS_KEY": str(tmp_path / "no.pem")},
        }[how]
        node = Node(tmp_path, workers=2, **settings)
        code, told = node.run("serve")
    assert code == 1
    assert "Traceback" not in told
    assert all(line.startswith("dav-gateway: ") for line in told.splitlines()), told
    assert len(told.splitlines()) == (2 if how == "certificate" else 1), told


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(pid: int) -> bool:
    """Whether the process exists and is not only waiting to be buried."""
    try:
        state = re.search(r"(?m)^State:\s+(\S)", Path(f"/proc/{pid}/status").read_text())
    except FileNotFoundError:
        return False
    return state is not None and state[1] != "Z"


def resident(pid: int) -> float:
    """MiB of memory that the process holds."""
    found = re.search(r"(?m)^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
