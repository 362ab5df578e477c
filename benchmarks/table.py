"""The table: what each server needs for each row, against the target and against the best peer. Text and Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.rounds import Cell
from benchmarks.rows import Row


@dataclass(frozen=True, slots=True)
class Line:
    """A row at a size, measured. `ours` is the name of the server that is judged."""

    row: Row
    size: int
    cells: Mapping[str, Cell]
    ours: str

    @property
    def own(self) -> float:
        """Milliseconds of ours."""
        return self.cells[self.ours].cpu

    @property
    def best(self) -> tuple[str, float] | None:
        """The best peer that answered rightly, and its milliseconds."""
        peers = {
            name: cell.cpu for name, cell in self.cells.items() if not name.startswith("dav-gateway") and not cell.wrong
        }
        return min(peers.items(), key=lambda each: each[1]) if peers else None

    @property
    def met(self) -> bool | None:
        """Whether ours is within the target; None without one."""
        target = self.row.target(self.size)
        if self.cells[self.ours].wrong:
            return False
        return None if target is None else self.own <= target

    @property
    def ratio(self) -> float | None:
        """Ours to the best peer's."""
        return self.own / self.best[1] if self.best and not self.cells[self.ours].wrong else None

    @property
    def held(self) -> bool | None:
        """Whether the ratio is the one that is wanted, or better: it hardly depends on the machine and its hour."""
        return None if self.ratio is None or self.wanted_ratio is None else self.ratio <= self.wanted_ratio

    @property
    def wanted_ratio(self) -> float | None:
        """The target to the best that was known of the peers when it was set."""
        target, known = self.row.target(self.size), self.row.known(self.size)
        return target / known if target is not None and known is not None else None


_WORDS = {True: "yes", False: "NO", None: ""}


def heading(servers: Sequence[str]) -> list[str]:
    """The names of the columns."""
    return ["request", "N", *servers, "best peer", "ratio", "wanted", "held", "target ms", "met"]


def cells(line: Line, servers: Sequence[str]) -> list[str]:
    """The columns of a line."""
    best = line.best
    return [
        line.row.title,
        str(line.size),
        *(_measured(line, name) for name in servers),
        "" if best is None else best[0],
        "" if line.ratio is None else f"{line.ratio:.2f}",
        "" if line.wanted_ratio is None else f"{line.wanted_ratio:.2f}",
        _WORDS[line.held],
        number(line.row.target(line.size)),
        _WORDS[line.met],
    ]


def _measured(line: Line, name: str) -> str:
    cell = line.cells.get(name)
    return "" if cell is None else "wrong" if cell.wrong else number(cell.cpu)


def number(value: float | None) -> str:
    """Three digits that mean something."""
    if value is None:
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int = 1) -> Iterator[str]:
    """The lines of a table in Markdown; all columns but the first ones are numbers."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(['---'] * text_columns + ['---:'] * (len(head) - text_columns))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def text(columns: Sequence[str], *, wide: int = 46) -> str:
    """A line for the terminal."""
    first, size, *rest = columns
    return f"{first:<{wide}}{size:>7}" + "".join(f"{column:>12.11}" for column in rest)
