"""The head of a request, line by line: caps, and refusals of what two HTTP readers could understand differently.

RFC 9112 sections 3.2 (Host), 5.2 (obs-fold, refused by the parser), 6.1 and 6.3 (framing), 11.2 (smuggling).
"""

from typing import Any, NoReturn

from dav_gateway.server.answer import Answer
from dav_gateway.server.limits import ServerLimits
from dav_gateway.server.target import BadTarget, path_of_target

_SINGLE = frozenset(
    b"host authorization content-length content-type transfer-encoding expect depth destination overwrite".split()
)
"""Headers whose meaning would depend on which of two lines a reader takes (RFC 9110 section 5.3, RFC 4918 section 10).
"""

_VERSIONS = ("1.1", "1.0")


class HeadRefused(Exception):
    """The head cannot be accepted; `HeadReader.refusal` says why. The parser replaces this exception by its own."""


class HeadReader:
    """Fed by the parser's callbacks, one head after the other on a connection. Every method raises HeadRefused.

    `open`: a head has begun and is not complete. `refusal`: the answer to the head that was refused.
    """

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self.open = False
        self.refusal: Answer | None = None
        self.expects_continue = False
        self._trailer = False
        self._lines: list[tuple[bytes, bytes]] = []
        self._count = 0
        self._bytes = 0
        self._single: dict[bytes, bytes] = {}

    def begin(self, lines: list[tuple[bytes, bytes]]) -> None:
        """A new message begins; accepted lines go to `lines`."""
        self.open = True
        self.expects_continue = self._trailer = False
        self._lines = lines
        self._count = self._bytes = 0
        self._single = {}

    def refuse(self, status: int, sentence: str) -> NoReturn:
        """Keep the answer and stop the parser."""
        self.refusal = Answer.plain(status, sentence)
        raise HeadRefused

    def target(self, url: bytes) -> None:
        """The request target as far as it has come."""
        if len(url) > self._limits.request_line_bytes:
            self.refuse(414, f"The address is longer than {self._limits.request_line_bytes} bytes.")

    def line(self, name: bytes, value: bytes) -> None:
        """One header line. Names with an underscore are dropped: WSGI could not tell them from the ones with a dash."""
        self._count += 1
        self._bytes += len(name) + len(value) + 4
        if self._count > self._limits.header_count or self._bytes > self._limits.header_bytes:
            self.refuse(431, "The request's header has too many lines or is too long.")
        if self._trailer or b"_" in name:
            return  # a trailer field (RFC 9110 section 6.5) means nothing to us and must not pass as a header
        name = name.lower()
        value = value.strip(b" \t")
        if name in _SINGLE:
            if name in self._single:
                self.refuse(400, f"The header {name.decode()} was sent twice.")
            self._single[name] = value
        self._lines.append((name, value))

    def complete(self, parser: Any, url: bytes) -> str:
        """The head is complete: the decoded path. What follows is the body."""
        self.open = False
        self._trailer = True
        version = parser.get_http_version()
        if version not in _VERSIONS:
            self.refuse(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
        single = self._single
        host = single.get(b"host")
        if version == "1.1" and not host:
            self.refuse(400, "The Host header is missing.")
        coding = single.get(b"transfer-encoding")
        if coding is not None:
            if version == "1.0":
                self.refuse(400, "HTTP/1.0 has no Transfer-Encoding.")
            if coding.lower() != b"chunked":
                self.refuse(501, "The only transfer coding accepted is chunked.")
        if parser.should_upgrade() and (coding is not None or single.get(b"content-length", b"0") != b"0"):
            self.refuse(400, "A request with a body cannot ask for an upgrade.")
        expectation = single.get(b"expect")
        if expectation is not None:
            if expectation.lower() != b"100-continue":
                self.refuse(417, "The only expectation accepted is 100-continue.")
            self.expects_continue = version == "1.1"
        try:
            return path_of_target(url, host)
        except BadTarget as bad:
            self.refuse(400, str(bad))
