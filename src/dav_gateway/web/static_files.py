"""Stylesheet, scripts and icons: five files in memory, under addresses that change with their content."""

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_TYPES = MappingProxyType(
    {
        "style.css": "text/css; charset=utf-8",
        "script.js": "text/javascript; charset=utf-8",
        "passkey.js": "text/javascript; charset=utf-8",
        "icons.svg": "image/svg+xml",
        "mark.svg": "image/svg+xml",
    }
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file: its octets, its type and a short digest of it."""

    octets: bytes
    media_type: str
    version: str


@cache
def static_files() -> dict[str, StaticFile]:
    """All files by name."""
    folder = files("dav_gateway.web") / "static"
    found = {}
    for name, media_type in _TYPES.items():
        octets = (folder / name).read_bytes()
        found[name] = StaticFile(octets, media_type, blake2b(octets, digest_size=6).hexdigest())
    return found


def address(name: str) -> str:
    """The address of a file, with its version."""
    return f"/static/{name}?v={static_files()[name].version}"


async def serve(request: Request) -> Response:
    """GET of one file; for ever where the version was asked for, because another content has another address."""
    found = static_files().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    tag = f'"{found.version}"'
    lasting = request.query_params.get("v") == found.version
    caching = "public, max-age=31536000, immutable" if lasting else "no-cache"
    headers = {"etag": tag, "cache-control": caching}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.octets, media_type=found.media_type, headers=headers)
