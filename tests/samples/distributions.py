"""Samples from source distributions: the .ics and .vcf files of their test folders, and the objects in their tests."""

import ast
import fcntl
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePosixPath

CACHE = Path(__file__).parents[2] / "build" / "samples"
PROJECTS = ("icalendar", "vobject", "caldav")
BUILD_TOOLS = "setuptools >= 77"
"""vobject's metadata cannot be made in pip's isolation: its set-up reads the version by importing the package, with
what it depends on. Outside of it, the set-up needs a setuptools newer than the one that comes with Python."""


@dataclass(frozen=True)
class Sample:
    """One text that a test of another project feeds to its parser."""

    name: str
    octets: bytes = field(repr=False)

    @property
    def is_card(self) -> bool:
        return b"BEGIN:VCARD" in self.octets[:200].upper() or self.name.endswith(".vcf")


def samples() -> list[Sample]:
    """All samples of all projects. Downloads what the cache lacks."""
    return [sample for project in PROJECTS for sample in read(project, archive(project))]


@cache
def archive(project: str) -> Path:
    """The source distribution of the installed version."""
    wanted = CACHE / f"{project}-{version(project)}.tar.gz"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes share the cache
        if not wanted.exists():
            download(project)
    return wanted


def download(project: str) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    options, environment = [], dict(os.environ)
    if project == "vobject":
        tools = CACHE / "tools"
        subprocess.run([*pip, "install", "--upgrade", "--target", tools, BUILD_TOOLS], check=True, timeout=300)
        options, environment["PYTHONPATH"] = ["--no-build-isolation"], str(tools)
    pinned = f"{project}=={version(project)}"
    command = [*pip, "download", "--no-deps", "--no-binary", project, *options, "--dest", CACHE, pinned]
    subprocess.run(command, check=True, env=environment, timeout=300)


def read(project: str, file: Path) -> Iterator[Sample]:
    with tarfile.open(file) as opened:
        for member in sorted(opened.getmembers(), key=lambda each: each.name):
            path = PurePosixPath(member.name)
            source = opened.extractfile(member)
            if source is None or not is_test(path):
                continue
            name = f"{project}/{'/'.join(path.parts[1:])}"
            if path.suffix in (".ics", ".vcf"):
                yield Sample(name, source.read())
            elif path.suffix == ".py" and project == "caldav":
                yield from literals(name, source.read())


def is_test(path: PurePosixPath) -> bool:
    return any(part.startswith("test") for part in path.parts[1:-1])


def literals(name: str, source: bytes) -> Iterator[Sample]:
    """Whole objects among the string literals of a Python file, in which caldav keeps its samples."""
    parts_of_other_strings = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts_of_other_strings |= set(map(id, node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts_of_other_strings:
            text = node.value.strip()
            if text.startswith("BEGIN:VC") and text.endswith(("END:VCALENDAR", "END:VCARD")):
                yield Sample(f"{name}:{node.lineno}:{node.col_offset}", node.value.lstrip().encode())
