"""Real reverse proxies in front of a gateway, set as the examples in config/ are, and a TLS client."""

import contextlib
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.system import program

CONFIG = Path(__file__).parents[2] / "config"
HOST = "dav.example.com"
START_LIMIT = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_certificate(folder: Path) -> None:
    """`fullchain.pem` and `privkey.pem` for HOST."""
    make = [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]
    names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    subprocess.run(
        [*make, *names, "-keyout", "privkey.pem", "-out", "fullchain.pem"], cwd=folder, check=True, capture_output=True
    )


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """The text with each old part replaced. An example that no longer holds one fails here."""
    for old, new in pairs:
        assert old in text, f"the example does not say {old!r} any more"
        text = text.replace(old, new)
    return text


def nginx_files(folder: Path, gateway: int, port: int) -> list[str]:
    """The example with our addresses and certificate; the command that runs it."""
    site = replaced(
        (CONFIG / "nginx" / "dav-gateway.conf").read_text(),
        ("127.0.0.1:8765", f"127.0.0.1:{gateway}"),
        ("/etc/ssl/dav.example.com", str(folder)),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen [::]:80;", ""),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen [::]:443 ssl", "#"),
    )
    (folder / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; {places} include site.conf; }}\n"
    )
    return [program("nginx"), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]


def caddy_files(folder: Path, gateway: int, port: int) -> list[str]:
    """The example with our addresses and certificate; the command that runs it."""
    options = ("{", "\tadmin off", "\tauto_https off", "}")
    ours = [*options, f"{HOST}:{port} {{", "\tbind 127.0.0.1", f"\ttls {folder}/fullchain.pem {folder}/privkey.pem"]
    site = replaced(
        (CONFIG / "caddy" / "Caddyfile").read_text(),
        ("127.0.0.1:8765", f"127.0.0.1:{gateway}"),
        (f"\n{HOST} {{\n", "\n".join(["", *ours, ""])),
    )
    (folder / "Caddyfile").write_text(site)
    return [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextlib.contextmanager
def proxy(kind: str, folder: Path, gateway: int) -> Iterator[int]:
    """Run nginx or Caddy in front of the gateway on port `gateway`; gives the proxy's own port."""
    make_certificate(folder)
    port = free_port()
    command = {"nginx": nginx_files, "caddy": caddy_files}[kind](folder, gateway, port)
    environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "PATH": "/usr/bin:/usr/sbin"}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + START_LIMIT
            while True:
                assert process.poll() is None, (folder / "proxy.log").read_text()[-2000:]
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                assert time.monotonic() < deadline, (folder / "proxy.log").read_text()[-2000:]
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Client:
    """One HTTP/1.1 connection over TLS."""

    def __init__(self, port: int, *, receive_buffer: int | None = None, source: str = "127.0.0.1") -> None:
        raw = socket.socket()
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(20)
        raw.bind((source, 0))
        raw.connect(("127.0.0.1", port))
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["http/1.1"])
        self.socket = context.wrap_socket(raw, server_hostname=HOST)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, method: str, path: str, *lines: str, body: bytes = b"", length: int | None = None) -> None:
        """A request head, with as much of its body as is given."""
        head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "User-Agent: curl/8", *lines]
        if length is not None or body:
            head.append(f"Content-Length: {len(body) if length is None else length}")
        self.socket.sendall("\r\n".join([*head, "", ""]).encode() + body)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one response, by Content-Length or chunked."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if "chunked" in headers.get("transfer-encoding", ""):
            while not body.endswith(b"0\r\n\r\n"):
                body += self._more()
            return int(first.split()[1]), headers, unchunked(body)
        parts, have = [body], len(body)
        while have < int(headers.get("content-length", "0")):
            parts.append(self._more())
            have += len(parts[-1])
        return int(first.split()[1]), headers, b"".join(parts)

    def octets_until_the_end(self, seconds: float) -> int | None:
        """How many octets still arrive before the connection ends; None when it does not end within `seconds`."""
        deadline = time.monotonic() + seconds
        count = 0
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                return None
            except OSError:
                return count
            if not piece:
                return count
            count += len(piece)
        return None

    def _more(self) -> bytes:
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("closed")
        return piece


def unchunked(body: bytes) -> bytes:
    """The content of a whole chunked body without trailers (RFC 9112 section 7.1)."""
    content = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return content
        content += body[:length]
        body = body[length + 2 :]
