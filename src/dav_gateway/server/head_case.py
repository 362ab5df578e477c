"""Header names as people write them: `Content-Type`, although any case is right (RFC 9110 section 5.1).

uvicorn writes them in lower case. Rewriting scripts and proxies match the usual spelling literally; python-caldav's own
suite drives one that does.
"""

from functools import lru_cache

from dav_gateway.server.connection import Connection

_UNUSUAL = {b"etag": b"ETag", b"dav": b"DAV", b"www-authenticate": b"WWW-Authenticate"}
_END = b"\r\n\r\n"


@lru_cache(maxsize=256)
def usual(name: bytes) -> bytes:
    """A header name in its usual case."""
    return _UNUSUAL.get(name) or b"-".join(part.capitalize() for part in name.split(b"-"))


def with_usual_names(head: bytes) -> bytes:
    """A response head, status line first and ended by an empty line, with its header names in their usual case."""
    lines = head.split(b"\r\n")
    for index, line in enumerate(lines[1:], start=1):
        name, colon, value = line.partition(b":")
        if colon:
            lines[index] = usual(name) + colon + value
    return b"\r\n".join(lines)


class ResponseWriter:
    """What one request's cycle writes to: the connection, except that the head of the response is rewritten."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._head_written = False

    def write(self, data: bytes) -> None:
        """Octets of the response, or `100 Continue` before them."""
        if not self._head_written and not data.startswith(b"HTTP/1.1 100 ") and data.endswith(_END):
            self._head_written = True
            data = with_usual_names(data)
        self._connection.write(data)

    def close(self) -> None:
        """End the connection when everything is sent."""
        self._connection.close()

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        return self._connection.is_closing()
