"""The program: see `python -m tests.stress --help`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.stress import campaign, report
from tests.stress.campaign import Plan
from tests.stress.faults import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "stress.md"
ENGINES = ("sqlite", "postgresql")
ALL = tuple(KINDS)


def table(seed: int) -> list[Plan]:
    """The long form: at least 10 000 revocations on each engine."""
    each = {"sqlite": 2000, "postgresql": 1450}
    calm = [Plan(engine, workers, 1, each[engine]) for engine in ENGINES for workers in (1, 2, 4)]
    rough = [Plan(engine, workers, 1, each[engine], ALL) for engine in ENGINES for workers in (2, 4)]
    spread = [Plan("postgresql", 2, 2, each["postgresql"], faults) for faults in ((), ALL)]
    single = [Plan(engine, 4, 1, 1000, lanes=1) for engine in ENGINES]
    plans = sorted([*calm, *single, *rough, *spread], key=lambda plan: ENGINES.index(plan.engine))
    return [replace(plan, seed=seed + number) for number, plan in enumerate(plans)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 when anything was violated."""
    asked = _parser().parse_args(arguments)
    unknown = set(asked.faults) - set(KINDS)
    if unknown:
        _say(f"unknown faults: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
        return 2
    if asked.engine is None:
        plans = table(asked.seed)
    else:
        plans = [
            Plan(
                asked.engine, asked.workers, asked.nodes, asked.revocations, tuple(asked.faults), asked.seed,
                lanes=asked.lanes, late=asked.late / 1000, only=tuple(asked.ways), in_memory=asked.in_memory,
                keep_log=asked.keep_log,
            )
        ]  # fmt: skip
    results = []
    for plan in plans:
        result = campaign.run(plan, _say)
        results.append(result)
        _say("\n" + report.as_text([result]) + "\n")
        if not result.complete:
            break
    if asked.save:
        words = [each for each in (arguments if arguments is not None else sys.argv[1:]) if each != "--save"]
        PAGE.write_text(report.as_page(results, shlex.join(["python", "-m", "tests.stress", *words])))
    done = sum(result.revocations for result in results)
    broken = sum(len(result.violations) for result in results)
    _say(f"{done} revocations in {len(results)} configurations, {broken} violations")
    return 1 if broken or not all(result.complete for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress",
        description="Take app passwords away while they are used, and look for what still happens. "
        "Without --engine the whole table runs: it takes the better part of an hour.",
    )
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--workers", type=int, default=1, help="processes of each node [1]")
    parser.add_argument("--nodes", type=int, default=1, help="`dav-gateway serve` side by side [1]")
    parser.add_argument("--revocations", type=int, default=1000, help="[1000]")
    parser.add_argument("--faults", type=_words, default=(), help=f"any of {','.join(KINDS)} [none]")
    parser.add_argument("--ways", type=_words, default=(), help="only these ways of taking away, such as revoke,pause")
    parser.add_argument("--lanes", type=int, default=4, help="processes that revoke [4]")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers [1]")
    parser.add_argument("--late", type=float, default=0, help="look so many milliseconds after the return [0]")
    parser.add_argument(
        "--in-memory", action="store_true", help="keep the databases in memory, where nothing waits for a disk"
    )
    parser.add_argument("--keep-log", type=Path, help="a folder for the logs of the nodes")
    parser.add_argument("--save", action="store_true", help="write docs/stress.md")
    return parser


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
