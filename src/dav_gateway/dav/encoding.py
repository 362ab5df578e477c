"""How an answer's body travels: as octets, and compressed for clients that ask for that and have something to win."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dav_gateway.dav.answers import Own, Pieces, Response

WORTHWHILE = 1400
"""Octets that fit into one packet: smaller answers arrive as soon as they are."""

_LEVEL = 1  # XML shrinks to a tenth at once; the highest levels take five times as long for a fifth less
_GZIP = 16 + zlib.MAX_WBITS


def encoded(environ: Mapping[str, Any], response: Response) -> Own:
    """The answer with its body in octets."""
    status, said, body, _ = response
    headers = dict(said)
    octets = body.encode() if isinstance(body, str) else body
    if octets is not None and len(octets) > WORTHWHILE and takes_gzip(environ):
        octets = b"".join(_compressed([octets]))
        _say_so(headers)
    return status, headers, octets, None


def encoded_pieces(
    environ: Mapping[str, Any], headers: Mapping[str, str], pieces: Pieces
) -> tuple[Mapping[str, str], Pieces]:
    """Headers and body of an answer whose body is made while it is taken."""
    if not takes_gzip(environ):
        return headers, pieces
    headers = dict(headers)
    _say_so(headers)
    return headers, Pieces(_compressed(pieces))


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def _say_so(headers: dict[str, str]) -> None:
    headers["Content-Encoding"] = "gzip"
    headers["Vary"] = f"{headers['Vary']}, Accept-Encoding" if "Vary" in headers else "Accept-Encoding"


def takes_gzip(environ: Mapping[str, Any]) -> bool:
    """Whether Accept-Encoding names gzip without refusing it (RFC 9110 section 12.5.3)."""
    for each in environ.get("HTTP_ACCEPT_ENCODING", "").split(","):
        coding, _, weight = each.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
