"""Typed, closed reading of settings into frozen dataclasses, with every mistake told at once.

A shape is a dataclass whose fields are made by `setting` (a value) or `table` (a nested shape). A value comes from the
command line, else the environment, else the TOML file, else the default. A setting whose kind is secret may also be
given as `<key>_file`, the path of a file that holds it. A key or variable that no setting has is a mistake, and the
nearest known one is named.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, TypeVar, cast

from dav_gateway.config.kinds import Kind, as_text
from dav_gateway.core.errors import GatewayError

T = TypeVar("T")

PREFIX = "DAV_GATEWAY_"
FILE_SUFFIX = "_file"
_NOT_SETTINGS = frozenset({"DAV_GATEWAY_CONFIG"})
# Kubernetes puts the addresses of a service called "dav-gateway" into every container's environment.
_SERVICE_LINKS = re.compile(r"DAV_GATEWAY_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP)(_\w+)?)?)")
_SECRET_LIMIT = 65536
_SHOWN_LENGTH = 80


class ConfigurationError(GatewayError):
    """The configuration cannot be used. `mistakes` has one sentence for each thing to correct."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class _Given:
    """A raw value, what to call it in a sentence, where it came from, and where its relative paths start."""

    raw: object
    name: str
    source: str
    base: Path


def setting(default: T, kind: Kind[T]) -> T:
    """A field of a shape. The default has the type of the kind; a `Path` may be relative."""
    return field(default=default, repr=not kind.secret, metadata={"kind": kind})


def table(shape: type[T]) -> T:
    """A field that is a table of settings."""
    return field(default_factory=shape, metadata={"table": shape})


def kinds(shape: type[Any], prefix: str = "") -> Iterator[tuple[str, Kind[Any], object]]:
    """Every setting of a shape: its dotted key, its kind, its default; in the order of the fields."""
    for item in fields(shape):
        if "table" in item.metadata:
            yield from kinds(item.metadata["table"], f"{prefix}{item.name}.")
        else:
            yield f"{prefix}{item.name}", item.metadata["kind"], item.default


def variable(key: str) -> str:
    """The environment variable of a dotted key."""
    return PREFIX + key.replace(".", "_").upper()


def read(
    shape: type[T], *, file: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str], cwd: Path
) -> tuple[T, dict[str, str]]:
    """The settings, and for each dotted key where its value came from. Raises `ConfigurationError`.

    `overrides` maps dotted keys to the text of command line options. Relative paths start from the folder of `file`
    when they stand in it or are defaults, and from `cwd` otherwise.
    """
    reading = _Reading(shape, file, cwd)
    reading.take_file()
    reading.take_environment(environ)
    for key, text in overrides.items():
        name = "--" + key.rpartition(".")[2].replace("_", "-")
        reading.given[key] = _Given(reading.kinds[key].from_text(text), name, "command line", cwd)
    values = {key: reading.value(key, default) for key, default in reading.defaults.items()}
    if reading.mistakes:
        raise ConfigurationError(reading.mistakes)
    sources = {key: reading.given[key].source if key in reading.given else "default" for key in values}
    return cast("T", _build(shape, values)), sources


class _Reading:
    """One reading of the layers; `given` holds the value that counts for each key or key + `_file`."""

    def __init__(self, shape: type[Any], file: Path | None, cwd: Path) -> None:
        self.file, self.cwd = file, cwd
        self.base = file.absolute().parent if file else cwd
        self.kinds = {key: kind for key, kind, _ in kinds(shape)}
        self.defaults = {key: default for key, _, default in kinds(shape)}
        self.files = {key + FILE_SUFFIX for key, kind in self.kinds.items() if kind.secret}
        self.tables = {key.rpartition(".")[0] for key in self.kinds if "." in key}
        self.given: dict[str, _Given] = {}
        self.mistakes: list[str] = []

    def take_file(self) -> None:
        """Adds what the TOML file says."""
        if self.file is None:
            return
        try:
            document = tomllib.loads(self.file.read_text("utf-8"))
        except OSError as error:
            self.mistakes.append(f"{self.file}: cannot be read: {error.strerror}.")
        except UnicodeDecodeError:
            self.mistakes.append(f"{self.file}: is not UTF-8 text.")
        except tomllib.TOMLDecodeError as error:
            self.mistakes.append(f"{self.file}: is not valid TOML: {error}.")
        else:
            self._take_table(document, "")

    def _take_table(self, content: dict[str, Any], prefix: str) -> None:
        for name, raw in content.items():
            key = prefix + name
            if key in self.kinds or key in self.files:
                self.given[key] = _Given(raw, f"{self.file}: {key}", str(self.file), self.base)
            elif key not in self.tables:
                what, known = ("table", self.tables) if isinstance(raw, dict) else ("setting", self._all_keys())
                self.mistakes.append(
                    f'{self.file}: there is no {what} "{key}"; the nearest is "{nearest(key, known)}".'
                )
            elif isinstance(raw, dict):
                self._take_table(raw, key + ".")
            else:
                self.mistakes.append(f"{self.file}: {key} must be a table, written [{key}].")

    def take_environment(self, environ: Mapping[str, str]) -> None:
        """Adds what variables say; an empty one counts as not set, which is how compose files leave one out."""
        known = {variable(key): key for key in self._all_keys()}
        taken: dict[str, _Given] = {}
        for name, text in sorted(environ.items()):
            if not name.startswith(PREFIX) or not text or name in _NOT_SETTINGS or _SERVICE_LINKS.fullmatch(name):
                continue
            if name not in known:
                self.mistakes.append(f"there is no variable {name}; the nearest is {nearest(name, known)}.")
                continue
            key = known[name]
            raw = text if key in self.files else self.kinds[key].from_text(text)
            taken[key] = _Given(raw, name, f"environment {name}", self.cwd)
        for key in taken:
            self.given.pop(key.removesuffix(FILE_SUFFIX), None)
            self.given.pop(key.removesuffix(FILE_SUFFIX) + FILE_SUFFIX, None)
        self.given.update(taken)

    def value(self, key: str, default: object) -> object:
        """The final value of a key; a mistake is noted and the default returned."""
        kind, given = self.kinds[key], self.given.get(key)
        if key + FILE_SUFFIX in self.given and key + FILE_SUFFIX in self.files:
            by_file = self.given[key + FILE_SUFFIX]
            if given is not None and given.raw:
                self.mistakes.append(f"{given.name} and {by_file.name} are both given; leave one out.")
                return default
            given = self._content(by_file)
            if given is None:
                return default
            self.given[key] = given
        if given is None:
            return self.base / default if isinstance(default, Path) else default
        try:
            return kind.parse(given.raw, given.base)
        except ValueError:
            what = "" if kind.secret else f", not {_quoted(given.raw)}"
            self.mistakes.append(f"{given.name} must be {kind.expects}{what}.")
            return default

    def _content(self, given: _Given) -> _Given | None:
        """What stands in the file that a `<key>_file` names, without the line's end; None after noting a mistake."""
        try:
            place = given.base / as_text(given.raw)
            content = place.read_bytes()[:_SECRET_LIMIT].decode().rstrip("\r\n")
        except OSError as error:
            self.mistakes.append(f"{given.name}: {given.raw} cannot be read: {error.strerror}.")
        except ValueError:
            self.mistakes.append(f"{given.name} must be the path of a text file in UTF-8.")
        else:
            if content:
                return _Given(content, f"the content of {given.name}", given.source, given.base)
            self.mistakes.append(f"{given.name}: {place} is empty.")
        return None

    def _all_keys(self) -> set[str]:
        return self.kinds.keys() | self.files


def nearest(unknown: str, known: Mapping[str, object] | set[str]) -> str:
    """The known key that looks most like the unknown one, as a whole or in its last part."""

    def likeness(candidate: str) -> tuple[float, str]:
        whole = SequenceMatcher(None, unknown, candidate).ratio()
        last = SequenceMatcher(None, unknown.rpartition(".")[2], candidate.rpartition(".")[2]).ratio()
        return max(whole, 0.95 * last), candidate

    return max(known, key=likeness)


def _quoted(raw: object) -> str:
    if isinstance(raw, dict):
        return "a table"
    if isinstance(raw, list):
        text = f"[{', '.join(_quoted(each) for each in raw)}]"
    elif isinstance(raw, str):
        text = json.dumps(raw, ensure_ascii=not raw.isprintable())
    else:
        text = str(raw).lower() if isinstance(raw, bool) else str(raw)
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "..."


def _build(shape: type[Any], values: Mapping[str, object], prefix: str = "") -> Any:
    return shape(
        **{
            item.name: _build(item.metadata["table"], values, f"{prefix}{item.name}.")
            if "table" in item.metadata
            else values[f"{prefix}{item.name}"]
            for item in fields(shape)
        }
    )
