"""How an answer's body travels: as octets, and compressed for clients that ask for that and have something to win."""

import zlib
from collections.abc import Mapping
from typing import Any

from dav_gateway.dav.answers import Own, Response

WORTHWHILE = 1400
"""Octets that fit into one packet: smaller answers arrive as soon as they are."""

_LEVEL = 1  # XML shrinks to a tenth at once; the highest levels take five times as long for a fifth less
_GZIP = 16 + zlib.MAX_WBITS


def encoded(environ: Mapping[str, Any], response: Response) -> Own:
    """The answer with its body in octets and its length."""
    status, said, body, _ = response
    headers = dict(said)
    octets = body.encode() if isinstance(body, str) else body
    if octets is None:
        return status, headers, None, None
    if len(octets) > WORTHWHILE and _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
        compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)
        octets = compressor.compress(octets) + compressor.flush()
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = f"{headers['Vary']}, Accept-Encoding" if "Vary" in headers else "Accept-Encoding"
    return status, headers, octets, None


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip without refusing it (RFC 9110 section 12.5.3)."""
    for each in accepted.split(","):
        coding, _, weight = each.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
