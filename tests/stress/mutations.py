"""Is the proof worth anything? Each mechanism is switched off in a copy of the tree, and the short form must go red.

    python -m tests.stress.mutations            all of them
    python -m tests.stress.mutations fence      one

A text that is not found, or not found once, is an error: who changes a mechanism changes its line here.
"""

import argparse
import ast
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
class Edit:
    """A text of a file, and what stands there instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """One mechanism: how it is switched off, and what the oracles then say. `test` selects from the short form the
    engine on which it is worth asking."""

    name: str
    what: str
    edits: tuple[Edit, ...]
    shows: str
    test: str = ""


CONNECTION = "src/dav_gateway/server/connection.py"
REGISTRY = "src/dav_gateway/server/registry.py"
DATABASE = "src/dav_gateway/store/database.py"
VERIFICATION = "src/dav_gateway/service/verification.py"
REVOCATION = "src/dav_gateway/service/revocation.py"
TIMES = "src/dav_gateway/bus/times.py"
OCTETS = r"octets after the return"
ROWS = r"rows committed"

LEASE = "src/dav_gateway/service/lease.py"

MUTATIONS = (
    Mutation(
        "fence",
        "a write does not look at its credential behind the lock",
        (
            Edit(
                VERIFICATION,
                "refusal_of_liveness(credential, owner, self._clock()) or lost(grant.credential, credential)",
                "None",
            ),
            Edit(
                VERIFICATION,
                "found = self.verify_seen(seen, presented)",
                "found = None if seen is None else (Grant(seen.credential, seen.owner), seen)",
            ),
        ),
        ROWS,
    ),
    Mutation(
        "barrier",
        "on PostgreSQL a revocation does not wait for the writers before it",
        (Edit(DATABASE, "self._backend.pass_barrier(named)", "pass"),),
        ROWS,
        "postgresql",
    ),
    Mutation(
        "reset",
        "a cut connection is closed in good order instead of reset, and nobody waits for its end",
        (
            Edit(CONNECTION, "        self._transport.abort()\n", "        self._transport.close()\n"),
            # Who waited would not acknowledge, and be ended: no octet would come after the return.
            Edit(REGISTRY, "        connection.when_closed(one_closed)\n", "        one_closed()\n"),
        ),
        OCTETS,
    ),
    Mutation(
        "linger",
        "the kernel keeps its send queue when a socket is closed",
        (Edit(CONNECTION, '_DROP = struct.pack("ii", 1, 0)', '_DROP = struct.pack("ii", 0, 0)'),),
        OCTETS,
    ),
    Mutation(
        "acknowledgement",
        "a revocation tells the other processes and does not wait for them",
        (Edit(REVOCATION, "asking.settle()", "list[Acknowledgement]()"),),
        OCTETS,
    ),
    Mutation(
        "lease",
        "a process that hears nothing goes on serving",
        (Edit(TIMES, "LEASE = 0.8\n", "LEASE = 3600.0\n"), Edit(TIMES, "WATCHDOG = 1.1\n", "WATCHDOG = 7200.0\n")),
        OCTETS,
        "postgresql",
    ),
    Mutation(
        "watchdog",
        "nobody ends a worker that is stopped",
        (Edit(TIMES, "WATCHDOG = 1.1\n", "WATCHDOG = 7200.0\n"),),
        rf"{OCTETS}|was not ended",
    ),
    Mutation(
        "once",
        "a process without a lease resets those again who were served nothing since",
        (Edit(LEASE, "            if not empty:\n", "            if True:\n"),),
        r"cut everybody again",
        "postgresql",
    ),
)


def edited(edit: Edit, tree: Path) -> str:
    """The file with the text replaced. Raises ValueError when it is not there exactly once, SyntaxError when what is
    left is no Python."""
    text = (tree / edit.file).read_text()
    found = text.count(edit.old)
    if found != 1:
        raise ValueError(f"the text {edit.old!r} stands {found} times in {edit.file}, not once")
    changed = text.replace(edit.old, edit.new)
    ast.parse(changed)
    return changed


def mutate(mutation: Mutation, tree: Path) -> None:
    """Switch it off in a copy. Raises what `edited` raises."""
    for edit in mutation.edits:
        (tree / edit.file).write_text(edited(edit, tree))


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
