"""Listening sockets and TLS contexts, made before the server starts so that a mistake is told as a sentence."""

import contextlib
import socket
import ssl
from pathlib import Path

from dav_gateway.core.errors import GatewayError

_BACKLOG = 1024


class CannotListen(GatewayError):
    """The address is taken or not ours, or the certificate cannot be used."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for every address that `host` names, one port for all; port 0 takes any free one.

    An empty host names every address of the machine. Raises CannotListen.
    """
    sockets: list[socket.socket] = []
    with contextlib.ExitStack() as undo:
        try:
            for family, kind, protocol, _, address in socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            ):
                sock = undo.enter_context(socket.socket(family, kind, protocol))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                chosen = sockets[0].getsockname()[1] if sockets else port
                sock.bind((address[0], chosen, *address[2:]))
                sock.listen(_BACKLOG)
                sockets.append(sock)
        except OSError as error:
            raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
        undo.pop_all()
    return sockets


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server context for TLS 1.2 and later (RFC 9325 section 3.1.1) and HTTP/1.1. Raises CannotListen."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_certificate(context, certificate, key)
    return context


def load_certificate(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Read the files; handshakes from now on use them, connections that exist keep what they have."""
    try:
        context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or error.__class__.__name__
        raise CannotListen(f"cannot use the certificate {certificate} with the key {key}: {reason}") from error


def _no_pass_phrase() -> str:
    """Instead of OpenSSL asking at the terminal of a service that has none."""
    raise OSError(0, "the key is protected by a pass phrase")
