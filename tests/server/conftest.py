"""A live server in a thread of the test process, and a client that sees every octet."""

import asyncio
import base64
import contextlib
import io
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import structlog
import uvloop

from dav_gateway.server.answer import Answer
from dav_gateway.server.asgi import ASGIApplication, Environ, Headers, WSGIApplication, header
from dav_gateway.server.bridge import WsgiBridge
from dav_gateway.server.front import Front
from dav_gateway.server.gate import RequestHead
from dav_gateway.server.gateway_server import GatewayServer
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.listen import bind
from dav_gateway.server.peers import TrustedProxies
from dav_gateway.server.quick import Ask, QuickLane
from dav_gateway.server.registry import ConnectionRegistry
from dav_gateway.server.request_log import RequestLog, configure_logging
from dav_gateway.server.settings import ServerSettings

_CLOSE_NOTIFY = 64
"""Octets of a TLS record that says goodbye, at most."""


NEW_CERTIFICATE = [
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
    *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
]


class Claimed(NamedTuple):
    """A claim that is its id and nothing more."""

    id: str


class Gate:
    """Claims the login name of Basic credentials as the id; admits everybody unless told otherwise."""

    def __init__(self) -> None:
        self.admitted: list[RequestHead] = []
        self.refuse_with: Answer | None = None
        self.error: BaseException | None = None
        self.hold: threading.Event | None = None
        self.entered = threading.Event()

    def claim(self, headers: Headers) -> Claimed | None:
        value = header(headers, b"authorization")
        if value is None:
            return None
        return Claimed(base64.b64decode(value.partition(b" ")[2]).partition(b":")[0].decode())

    def admit(self, head: RequestHead) -> Answer | None:
        self.admitted.append(head)
        self.entered.set()
        if self.hold is not None:
            self.hold.wait(10)
        if self.error is not None:
            raise self.error
        return self.refuse_with


PUBLIC = "https://dav.example.org"
"""Where the rig says that it can be reached; the tests call it localhost."""


class Rig:
    """The server, and what a test may look at."""

    def __init__(
        self,
        application: WSGIApplication,
        limits: ServerLimits,
        tls: tuple[Path, Path] | None,
        pages: ASGIApplication | None,
        proxies: TrustedProxies | None,
        scheme: Any,
        ask: Ask | None = None,
    ) -> None:
        self.registry = ConnectionRegistry()
        self.gate = Gate()
        self.unready: str | None = None
        certificate, key = tls or (None, None)
        self.limits = limits
        self.bridge = WsgiBridge(
            application, self.gate, registry=self.registry, limits=limits, proxies=proxies, scheme=scheme
        )
        front = Front(self.bridge, limits=limits, ready=lambda: self.unready, pages=pages, origin=PUBLIC)
        settings = ServerSettings(port=0, certificate=certificate, key=key, limits=limits)
        lane = QuickLane(ask, self.bridge.answer, self.gate, registry=self.registry, proxies=proxies, scheme=scheme)
        self._started = threading.Event()
        self.server = GatewayServer(RequestLog(front), settings, self.registry, self._note_started, lane=lane)
        self._sockets = bind(settings.host, settings.port)
        self._thread = threading.Thread(target=self._run, name="server")
        self._thread.start()
        assert self._started.wait(5)

    def _note_started(self, port: int) -> None:
        self.port = port
        self.loop = asyncio.get_running_loop()
        self._started.set()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self.server.serve(self._sockets))

    def in_loop(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(5)

    def stop(self, timeout: float = 10) -> None:
        self.server.stop()
        self._thread.join(timeout)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.server.force_exit = True
        self.stop()
        self.bridge.close()


class Reply:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()


class Client:
    """One connection, raw."""

    def __init__(self, port: int, *, receive_buffer: int | None = None, tls: ssl.SSLContext | None = None) -> None:
        raw = socket.socket()
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(10)
        self.raw = raw
        self.sock: socket.socket = raw
        try:
            raw.connect(("127.0.0.1", port))
            if tls is not None:
                self.sock = tls.wrap_socket(raw, server_hostname="localhost")
        except BaseException:
            raw.close()
            raise
        if tls is not None:
            # A second descriptor of the same socket shows the octets as they arrive, still encrypted.
            self.raw = socket.socket(fileno=os.dup(self.sock.fileno()))
            self.raw.settimeout(10)
        self._pending = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def request(
        self,
        method: str = "GET",
        path: str = "/dav/",
        *,
        login: str | None = "ana",
        body: bytes | None = None,
        headers: tuple[str, ...] = (),
    ) -> None:
        self.send(request(method, path, login=login, body=body, headers=headers))

    def reply(self, *, head_only: bool = False) -> Reply:
        """The next answer; interim ones (1xx) are returned as well."""
        while b"\r\n\r\n" not in self._pending:
            self._more()
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        status = int(lines[0].split()[1])
        length = 0 if head_only or status < 200 else int(headers.get("content-length", "0"))
        while len(self._pending) < length:
            self._more()
        body, self._pending = self._pending[:length], self._pending[length:]
        return Reply(status, headers, body)

    def _more(self) -> None:
        piece = self.sock.recv(65536)
        if not piece:
            raise EOFError(self._pending)
        self._pending += piece

    def ask(self, method: str = "GET", path: str = "/dav/", **arguments: Any) -> Reply:
        self.request(method, path, **arguments)
        return self.reply(head_only=method == "HEAD")

    def drain(self, pause: float = 0.0) -> tuple[int, str]:
        """Everything that still arrives, as octets on the wire, and how it ended: `eof` or `reset`."""
        count = 0
        while True:
            try:
                piece = self.raw.recv(65536)
            except ConnectionResetError:
                return count, "reset"
            if not piece:
                return count, "eof"
            count += len(piece)
            time.sleep(pause)

    def end(self) -> str:
        """How the connection ends when nothing more may come: `eof` or `reset`; an octet of an answer is an error."""
        count, how = self.drain()
        assert count <= (_CLOSE_NOTIFY if self.sock is not self.raw and how == "eof" else 0)
        return how

    @property
    def receive_buffer(self) -> int:
        return self.raw.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    def close(self) -> None:
        self.sock.close()
        self.raw.close()


def request(
    method: str = "GET",
    path: str = "/dav/",
    *,
    login: str | None = "ana",
    body: bytes | None = None,
    headers: tuple[str, ...] = (),
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    if login is not None:
        lines.append("Authorization: Basic " + base64.b64encode(f"{login}:x".encode()).decode())
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + (body or b"")


def say_hello(environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The server's log goes nowhere, unless a test reads it."""
    configure_logging("json", io.StringIO())
    yield
    structlog.reset_defaults()


@pytest.fixture
def make_request() -> Callable[..., bytes]:
    return request


@pytest.fixture(scope="session")
def make_certificate() -> Callable[[Path], tuple[Path, Path]]:
    """Write a new self-signed certificate for localhost and its key into a folder, with the openssl command."""
    return _make_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return _make_certificate(tmp_path_factory.mktemp("tls"))


def _make_certificate(folder: Path) -> tuple[Path, Path]:
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [*NEW_CERTIFICATE, "-out", str(files[0]), "-keyout", str(files[1])],
        check=True,
        capture_output=True,
    )
    return files


@pytest.fixture
def tls_client(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """TLS 1.2: a session ticket of TLS 1.3 that nobody has read yet would be counted as octets of an answer."""
    context = ssl.create_default_context(cafile=str(certificate[0]))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.fixture
def serve() -> Iterator[Callable[..., Rig]]:
    """Start a server; every limit can be given by name."""
    rigs: list[Rig] = []

    def start(
        application: WSGIApplication = say_hello,
        *,
        tls: tuple[Path, Path] | None = None,
        pages: ASGIApplication | None = None,
        proxies: TrustedProxies | None = None,
        scheme: str | None = None,
        ask: Ask | None = None,
        **limits: Any,
    ) -> Rig:
        rigs.append(Rig(application, ServerLimits(**limits), tls, pages, proxies, scheme, ask))
        return rigs[-1]

    yield start
    for rig in rigs:
        rig.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def start(port: int, **arguments: Any) -> Client:
        clients.append(Client(port, **arguments))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture(params=["plain", "tls"])
def link(
    request: pytest.FixtureRequest,
    serve: Callable[..., Rig],
    connect: Callable[..., Client],
    certificate: tuple[Path, Path],
    tls_client: ssl.SSLContext,
) -> Callable[..., tuple[Rig, Callable[..., Client]]]:
    """A server and a way to connect to it, once without and once with TLS."""
    with_tls = request.param == "tls"

    def start(application: WSGIApplication = say_hello, **limits: Any) -> tuple[Rig, Callable[..., Client]]:
        rig = serve(application, tls=certificate if with_tls else None, **limits)
        return rig, lambda **arguments: connect(rig.port, tls=tls_client if with_tls else None, **arguments)

    return start


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait for something that another thread brings about."""

    def wait(condition: Callable[[], object], timeout: float = 5.0) -> None:
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.005)

    return wait


@pytest.fixture
def trickle() -> Iterator[Callable[[Client, bytes], None]]:
    """Send octets one by one, until the other side or the test ends."""
    stopped = threading.Event()
    threads: list[threading.Thread] = []

    def start(client: Client, octets: bytes, pause: float = 0.02) -> None:
        def work() -> None:
            with contextlib.suppress(OSError):
                for one in octets:
                    if stopped.wait(pause):
                        return
                    client.send(bytes([one]))

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield start
    stopped.set()
    for thread in threads:
        thread.join(5)
