"""SIGHUP: configuration and certificates are read again, and no sync that is under way notices."""

import re
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from tests.server.node import Node, node_in

SIZE = 1_500_000


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Its limit for a stop is short: whatever takes longer through a reload shows that a retirement has none."""
    with node_in(tmp_path, workers=2, LIMITS_STOP_SECONDS="0.5") as started:
        yield started


def reload(node: Node) -> None:
    times = len(node.lines("reloaded"))
    node.process.send_signal(signal.SIGHUP)
    node.wait_for("reloaded", times=times + 1)


def receive(client: socket.socket) -> tuple[int, bytes, bytes]:
    """Status, head and body of one whole answer. Raises ConnectionError when there is none."""
    said = b""
    while b"\r\n\r\n" not in said:
        piece = client.recv(65536)
        if not piece:
            raise ConnectionError(f"closed after {said!r}")
        said += piece
    head, _, body = said.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    while len(body) < int(found[1] if found else 0):
        piece = client.recv(65536)
        if not piece:
            raise ConnectionError("closed within the body")
        body += piece
    return int(head.split()[1]), head, body


def upload(node: Node, name: str, body: bytes) -> int:
    with node.connect() as client:
        client.sendall(node.upload_head(name, len(body)) + body)
        return receive(client)[0]


def download(node: Node, name: str) -> bytes:
    with node.connect() as client:
        client.sendall(node.head("GET", f"/dav/ana/calendars/calendar/{name}"))
        return receive(client)[2]


class Client(threading.Thread):
    """Does something until the reloads are over; `error` is what it met."""

    def __init__(self, work: Callable[[threading.Event], None]) -> None:
        super().__init__()
        self.over = threading.Event()
        self.error: BaseException | None = None
        self._work = work
        self.start()

    def run(self) -> None:
        try:
            self._work(self.over)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error


class Poller:
    """Polls as a client does: on one connection until the server announces its end."""

    def __init__(self, node: Node) -> None:
        self.count = 0
        self._node = node

    def __call__(self, over: threading.Event) -> None:
        while not over.is_set():
            with self._node.connect() as client:
                head = b""
                while b"onnection: close" not in head and not over.is_set():
                    client.sendall(self._node.head("PROPFIND", "/dav/ana/calendars/", "Depth: 0", "Content-Length: 0"))
                    status, head, _ = receive(client)
                    assert status == 207
                    self.count += 1
                    time.sleep(0.02)


def download_slowly(node: Node, name: str, expected: bytes, over: threading.Event) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        client.settimeout(30)
        client.connect(("127.0.0.1", node.port))
        client.sendall(node.head("GET", f"/dav/ana/calendars/calendar/{name}"))
        said = b""
        while not over.is_set():
            said += client.recv(2000)
            time.sleep(0.02)
        body = said.partition(b"\r\n\r\n")[2]
        while len(body) < len(expected):
            piece = client.recv(65536)
            assert piece
            body += piece
        assert body == expected


def upload_slowly(node: Node, name: str, body: bytes, over: threading.Event) -> None:
    with node.connect() as client:
        client.sendall(node.upload_head(name, len(body)))
        for octet in body[:-1]:
            client.sendall(bytes([octet]))
            over.wait(0.05)
        over.wait()
        client.sendall(body[-1:])
        assert receive(client)[0] == 201


def test_no_sync_notices_three_reloads(node: Node) -> None:
    """Red when retiring workers keep to stop_seconds, close idle connections at once, or accept on."""
    large = node.event("large", "\r\n ".join(["x" * 1000] * (SIZE // 1000)))
    small = node.event("small", "y" * 60)
    assert upload(node, "large.ics", large) == 201
    pollers = [Poller(node) for _ in range(3)]
    clients = [
        *(Client(poller) for poller in pollers),
        Client(partial(download_slowly, node, "large.ics", large)),
        Client(partial(upload_slowly, node, "small.ics", small)),
    ]
    time.sleep(0.5)
    for _ in range(3):
        before = [poller.count for poller in pollers]
        reload(node)
        time.sleep(1.2)
        node.until(lambda before=before: all(poller.count > seen for poller, seen in zip(pollers, before, strict=True)))
    for client in clients:
        client.over.set()
    for client in clients:
        client.join(30)
    assert [client.error for client in clients] == [None] * len(clients)
    assert download(node, "small.ics") == small
    node.until(lambda: len(node.workers()) == 2 and len(node.lines("worker ended")) == 6)
    assert {one["exit_code"] for one in node.lines("worker ended")} == {"0"}
    assert {one["reset"] for one in node.lines("stopped")} == {"0"}


def test_an_idle_connection_is_closed_in_the_end(node: Node) -> None:
    with node.connect() as idle, node.connect() as silent:
        idle.sendall(node.head("OPTIONS", "/dav/"))
        assert receive(idle)[0] == 200
        reload(node)
        assert idle.recv(1) == b""
        # The head that has begun is still waited for.
        silent.sendall(b"OPTIONS /dav/ HTTP/1.1\r\n")
    node.until(lambda: len(node.workers()) == 2)


def test_a_configuration_that_cannot_be_used_changes_nothing(node: Node) -> None:
    workers = node.workers()
    for number, (values, sentence) in enumerate(
        [
            ({"workers": "many"}, "workers must be a whole number"),
            ({"workers": 2, "radicale_config": "missing.ini"}, "missing.ini cannot be read"),
            ({"workers": 2, "listen": "192.0.2.1:1"}, "cannot listen on 192.0.2.1:1"),
        ],
        start=1,
    ):
        node.configure(**values)
        node.process.send_signal(signal.SIGHUP)
        node.wait_for("not reloaded", times=number)
        assert sentence in node.log.read_text()
        assert node.workers() == workers
        assert node.ask()[0] == 200
    # What nobody has thought of ends nothing either.
    node.file.write_text("languages = " + "[" * 100_000)
    node.process.send_signal(signal.SIGHUP)
    node.wait_for("not reloaded", times=4)
    assert node.workers() == workers
    assert node.ask()[0] == 200
    node.configure(workers=1)
    reload(node)
    node.until(lambda: len(node.workers()) == 1)


def test_a_first_worker_that_cannot_serve_ends_the_reload(node: Node, tmp_path: Path) -> None:
    """Nothing but the try itself can tell: the settings are correct, and the database does not answer."""
    workers = node.workers()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://gate@127.0.0.1:{nobody.getsockname()[1]}/dav"
        node.file.write_text(node.file.read_text() + f'[database]\nurl = "{url}"\n')
        node.process.send_signal(signal.SIGHUP)
        node.wait_for("not reloaded")
    assert node.workers() == workers
    assert node.ask()[0] == 200


def test_another_address_and_another_number_of_workers(node: Node) -> None:
    old = node.port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        node.port = int(probe.getsockname()[1])
    node.configure(workers=3)
    reload(node)
    assert node.ask()[0] == 200
    node.until(lambda: len(node.workers()) == 3)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", old), 5):
        pass


def test_sigterm_ends_both_generations(node: Node) -> None:
    with ExitStack() as open_:
        slow = open_.enter_context(node.connect())
        slow.sendall(node.upload_head("never.ics", 1000) + b"BEGIN")
        time.sleep(0.3)
        reload(node)
        node.until(lambda: len(node.workers()) == 3)
        node.process.send_signal(signal.SIGTERM)
        assert node.process.wait(20) == 0
        with pytest.raises(ConnectionResetError):
            slow.recv(1)
    ends = node.lines("worker ended")
    assert [one.get("exit_code") for one in ends] == ["0"] * 4, "each by itself, none killed for being late"


def test_new_certificates_are_used_and_unusable_ones_are_not(
    tmp_path: Path, make_certificate: Callable[[Path], tuple[Path, Path]]
) -> None:
    certificate, key = make_certificate(tmp_path)
    with node_in(tmp_path, workers=2, TLS_CERTIFICATE=str(certificate), TLS_KEY=str(key)) as node:

        def greet(context: ssl.SSLContext) -> bytes:
            with node.connect() as raw, context.wrap_socket(raw, server_hostname="localhost") as client:
                client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return client.recv(15)

        old = ssl.create_default_context(cafile=str(certificate))
        assert greet(old) == b"HTTP/1.1 200 OK"
        make_certificate(tmp_path)
        reload(node)
        node.until(lambda: len(node.workers()) == 2)
        new = ssl.create_default_context(cafile=str(certificate))
        for _ in range(4):
            with pytest.raises(ssl.SSLCertVerificationError):
                greet(old)
            assert greet(new) == b"HTTP/1.1 200 OK"
        key.write_text("nonsense")
        node.process.send_signal(signal.SIGHUP)
        node.wait_for("not reloaded")
        assert greet(new) == b"HTTP/1.1 200 OK"


def test_systemd_is_told(tmp_path: Path) -> None:
    place = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, pytest.MonkeyPatch.context() as patch:
        manager.bind(place)
        manager.settimeout(10)
        patch.setenv("NOTIFY_SOCKET", place)
        with node_in(tmp_path, workers=1) as node:
            assert manager.recv(100) == b"READY=1"
            reload(node)
            assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(100) == b"READY=1"
            node.process.terminate()
            assert manager.recv(100) == b"STOPPING=1"
            assert node.process.wait(20) == 0
