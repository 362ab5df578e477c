"""The WSGI environ (PEP 3333): finished, with nothing in it that a client could pass off as a proxy's word."""

import sys
from functools import lru_cache
from typing import IO, Any

from dav_gateway.server.asgi import Environ, Scope

_HOP_BY_HOP = b"connection keep-alive te trailer transfer-encoding upgrade expect content-length proxy-connection"
"""Framing, or meant for us (RFC 9110 section 7.6.1): the body is already taken apart."""

_PROXY_WORDS = b"forwarded x-real-ip x-script-name proxy proxy-authorization"
"""Radicale believes X-Script-Name, X-Remote-User and X-Forwarded-*; `Proxy` is httpoxy (CVE-2016-5385)."""

_DROPPED = frozenset(_HOP_BY_HOP.split() + _PROXY_WORDS.split())
_DROPPED_PREFIXES = (b"x-forwarded-", b"x-remote-")


@lru_cache(maxsize=512)
def environ_key(name: bytes) -> str | None:
    """The environ key of a header, or None for one that is not passed on."""
    if name in _DROPPED or name.startswith(_DROPPED_PREFIXES):
        return None
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key == "CONTENT_TYPE" else f"HTTP_{key}"


def build_environ(scope: Scope, *, address: str, scheme: str, body: IO[bytes], length: int) -> Environ:
    """The environ of a request whose body is complete.

    `scope["root_path"]` becomes SCRIPT_NAME, `scope["path"]` PATH_INFO. QUERY_STRING is empty whatever was asked:
    DAV has no use for it and Radicale serves free-busy pages by it.
    """
    server = scope["server"] or ("localhost", None)
    state = scope["state"]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope["root_path"],
        "PATH_INFO": scope["path"].encode("utf-8").decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "REMOTE_ADDR": address,
        "CONTENT_LENGTH": str(length),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "dav_gateway.request_id": state["request_id"],
        "dav_gateway.alias": state.get("alias", ""),
    }
    if scheme == "https":
        environ["HTTPS"] = "on"
    for name, value in scope["headers"]:
        key = environ_key(name)
        if key is None:
            continue
        text = value.decode("latin-1")
        if key in environ:
            text = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}"
        environ[key] = text
    return environ
