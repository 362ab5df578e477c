"""Is the proof worth anything? Each mechanism is switched off in a copy of the tree, and the short form must go red.

    python -m tests.stress.mutations            all of them
    python -m tests.stress.mutations fence      one

A text that is not found, or not found once, is an error: who changes a mechanism changes its line here.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("src", "plugins", "tests", "config", "pyproject.toml")
TIMEOUT = 600


@dataclass(frozen=True, slots=True)
class Mutation:
    """One mechanism: where it is, and how it is switched off. `shows` is what the oracles then say; `test` selects from
    the short form the engine on which it is worth asking."""

    name: str
    what: str
    file: str
    old: str
    new: str
    shows: str
    test: str = ""


MUTATIONS = (
    Mutation(
        "fence",
        "a write does not look at its credential behind the lock",
        "src/dav_gateway/store/database.py",
        "                fence.check(c)\n",
        "",
        r"rows committed",
    ),
    Mutation(
        "reset",
        "a cut connection is closed in good order instead of reset",
        "src/dav_gateway/server/connection.py",
        "        self._transport.abort()\n",
        "        self._transport.close()\n",
        r"octets after the return",
    ),
    Mutation(
        "linger",
        "the kernel keeps its send queue when a socket is closed",
        "src/dav_gateway/server/connection.py",
        '_DROP = struct.pack("ii", 1, 0)',
        '_DROP = struct.pack("ii", 0, 0)',
        r"octets after the return",
    ),
)


def mutate(mutation: Mutation, tree: Path) -> None:
    """Switch it off in a copy. Raises ValueError when the text is not there exactly once."""
    file = tree / mutation.file
    text = file.read_text()
    found = text.count(mutation.old)
    if found != 1:
        raise ValueError(f"{mutation.name}: the text stands {found} times in {mutation.file}, not once")
    file.write_text(text.replace(mutation.old, mutation.new))


def is_seen(mutation: Mutation) -> tuple[bool, str]:
    """Whether the short form goes red for the right reason, and what it said."""
    with tempfile.TemporaryDirectory(prefix="gateway-mutation-") as folder:
        tree = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, tree / name)
        mutate(mutation, tree)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/stress/test_short.py"]
        done = subprocess.run(
            [*command, *(["-k", mutation.test] if mutation.test else [])],
            cwd=tree, env={**os.environ, "PYTHONPATH": f"{tree / 'src'}:{tree / 'plugins'}"},
            capture_output=True, text=True, timeout=TIMEOUT, check=False,
        )  # fmt: skip
    return done.returncode == 1 and re.search(mutation.shows, done.stdout) is not None, done.stdout + done.stderr


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when any mechanism can be switched off without being noticed."""
    names = [mutation.name for mutation in MUTATIONS]
    parser = argparse.ArgumentParser(prog="python -m tests.stress.mutations", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names)}")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    missed = 0
    for mutation in MUTATIONS:
        if asked.names and mutation.name not in asked.names:
            continue
        seen, output = is_seen(mutation)
        missed += not seen
        _say(f"{'red' if seen else 'NOT SEEN'}: {mutation.name}: {mutation.what}")
        if not seen:
            _say(output[-3000:])
    return 1 if missed else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
