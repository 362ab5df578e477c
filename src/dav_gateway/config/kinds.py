"""Kinds of values that a setting can have: what is accepted for each, in words and in code.

A kind reads what TOML holds; `from_text` makes that out of the text of an environment variable. A value that does not
fit raises `ValueError`, and the reader says `expects` to the person.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from dav_gateway.core.credential import Network

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
N = TypeVar("N", int, float)

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

_UNITS = {"": 1, "b": 1, "kib": KIB, "mib": MIB, "gib": GIB}
_SIZE = re.compile(r"([0-9]+)\s*([a-z]*)", re.IGNORECASE)
_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):(?P<port>[0-9]{1,5})")


class Unfit(ValueError):
    """The value is not of this kind; the reader makes the sentence."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """How one setting is read. `parse` gets the raw value and the folder that relative paths start from."""

    expects: str
    parse: Callable[[object, Path], T_co]
    from_text: Callable[[str], object] = str
    secret: bool = False


class HostPort(NamedTuple):
    """An address to listen on; as text `127.0.0.1:8765` or `[::1]:8765`."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def as_text(raw: object) -> str:
    """`raw` when it is text without control characters; `ValueError` otherwise."""
    if not isinstance(raw, str) or not all(character.isprintable() for character in raw):
        raise Unfit
    return raw


def _bounded(value: N, low: N, high: N) -> N:
    if not low <= value <= high:
        raise Unfit
    return value


def whole(low: int, high: int) -> Kind[int]:
    """A whole number in bounds."""

    def parse(raw: object, _base: Path) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise Unfit
        return _bounded(raw, low, high)

    def from_text(text: str) -> object:
        return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text

    return Kind(f"a whole number from {low} to {high}", parse, from_text)


def seconds(low: float, high: float) -> Kind[float]:
    """A length of time in seconds, fractions allowed."""

    def parse(raw: object, _base: Path) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
            raise Unfit
        return _bounded(float(raw), low, high)

    def from_text(text: str) -> object:
        return float(text) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", text) else text

    return Kind(f"a number of seconds from {low:g} to {high:g}", parse, from_text)


def size(low: int, high: int) -> Kind[int]:
    """A number of octets, as a number or as text with a unit."""

    def parse(raw: object, _base: Path) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise Unfit
        match = _SIZE.fullmatch(str(raw).strip())
        if match is None or match[2].lower() not in _UNITS:
            raise Unfit
        return _bounded(int(match[1]) * _UNITS[match[2].lower()], low, high)

    return Kind(f'a size from "{size_text(low)}" to "{size_text(high)}"', parse)


def size_text(octets: int) -> str:
    """`10485760` as `10 MiB`; a size that is no whole number of units stays a number of octets."""
    for unit, factor in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if octets and octets % factor == 0:
            return f"{octets // factor} {unit}"
    return str(octets)


def choice(*words: str) -> Kind[str]:
    """One word of a few."""

    def parse(raw: object, _base: Path) -> str:
        if raw not in words:
            raise Unfit
        return str(raw)

    quoted = [f'"{word}"' for word in words]
    return Kind(" or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]])), parse)


def text(expects: str, check: Callable[[str], str], *, secret: bool = False) -> Kind[str]:
    """Text that `check` returns in its final form, or refuses by `ValueError`."""
    return Kind(expects, lambda raw, _base: check(as_text(raw)), secret=secret)


def path() -> Kind[Path]:
    """A file or folder; relative ones start from the folder of the configuration file."""

    def parse(raw: object, base: Path) -> Path:
        name = as_text(raw)
        if not name:
            raise Unfit
        return base / name

    return Kind("the path of a file or folder", parse)


def optional_path() -> Kind[Path | None]:
    """A file or folder; empty text is none."""
    required = path()
    return Kind(f"{required.expects}, or empty", lambda raw, base: None if raw == "" else required.parse(raw, base))


def host_port() -> Kind[HostPort]:
    """An address and a port to listen on. Port 0 (any free one) is refused: clients are told the address."""

    def parse(raw: object, _base: Path) -> HostPort:
        match = _HOST_PORT.fullmatch(as_text(raw))
        if match is None:
            raise Unfit
        host = match["host"]
        if host.startswith("["):
            host = str(IPv6Address(host[1:-1]))
        return HostPort(host, _bounded(int(match["port"]), 1, 65535))

    return Kind('HOST:PORT, such as "127.0.0.1:8765" or "[::1]:8765"', parse)


def network() -> Kind[Network]:
    """An IP address or network."""
    return Kind(
        'an address or network such as "127.0.0.1" or "10.0.0.0/8"', lambda raw, _base: ip_network(as_text(raw).strip())
    )


def several(kind: Kind[T], *, at_least: int = 0) -> Kind[tuple[T, ...]]:
    """A list without repetitions; as an environment variable, separated by commas."""

    def parse(raw: object, base: Path) -> tuple[T, ...]:
        if not isinstance(raw, list) or len(raw) < at_least:
            raise Unfit
        return tuple(dict.fromkeys(kind.parse(item, base) for item in raw))

    def from_text(listed: str) -> object:
        return [kind.from_text(item.strip()) for item in listed.split(",") if item.strip()]

    return Kind(f"a list, each of it {kind.expects}", parse, from_text)
