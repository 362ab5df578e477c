"""What a client would rather have: the Prefer header (RFC 7240, RFC 8144) and Apple's older Brief."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Headers = Mapping[str, str] | Sequence[tuple[str, str]]
Body = TypeVar("Body")
VARY = {"Vary": "Prefer, Brief"}


def _preferences(environ: Mapping[str, Any]) -> set[str]:
    parts = str(environ.get("HTTP_PREFER", "")).lower().replace(";", ",").split(",")
    return {"".join(part.split()).replace('"', "") for part in parts}


def minimal(environ: Mapping[str, Any]) -> bool:
    """Whether what goes without saying is left out (RFC 8144 section 2). iOS writes `return-minimal` and `Brief: t`."""
    asked = _preferences(environ)
    return bool(asked & {"return=minimal", "return-minimal"}) or environ.get("HTTP_BRIEF", "").strip().lower() == "t"


def representation(environ: Mapping[str, Any]) -> bool:
    """Whether the answer to a change shows what is stored then (RFC 8144 section 3)."""
    return "return=representation" in _preferences(environ)


def without_root(environ: Mapping[str, Any]) -> bool:
    """Whether a PROPFIND of Depth 1 leaves the collection itself out (RFC 8144 section 4)."""
    return "depth-noroot" in _preferences(environ)


def applied(
    environ: Mapping[str, Any], response: tuple[int, Headers, Body, str | None], *, rootless: bool = False
) -> tuple[int, Headers, Body, str | None]:
    """The answer with what was made of the preferences (RFC 7240 section 3); `rootless` leaves the collection out."""
    status, headers, body, logged = response
    done = (["return=minimal"] if minimal(environ) else []) + (["depth-noroot"] if rootless else [])
    said = {"Preference-Applied": ", ".join(done)} if done else {}
    return status, {**dict(headers), **VARY, **said}, body, logged
