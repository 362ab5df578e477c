"""Output for people and programs. Nothing that a stranger could have written reaches the terminal unescaped."""

import codecs
import json
import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dav_gateway.core.moment import Moment, isoformat

_UNLIMITED = 10_000


def safe(text: str) -> str:
    """`text` with every character escaped that does not print: control characters, terminal sequences, and the
    invisible ones that reorder what stands around them (Unicode TR 36 section 2.3)."""
    return "".join(symbol if symbol.isprintable() else _escaped(symbol) for symbol in text)


def _escaped(symbol: str) -> str:
    return symbol.encode("unicode_escape").decode("ascii")


def show_json(value: object) -> None:
    """`value` as JSON on stdout: what does not print is escaped, and all but ASCII where stdout is not UTF-8."""
    readable = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    text = json.dumps(value, indent=2, ensure_ascii=not readable)
    click.echo("".join(each if each.isprintable() or each == "\n" else _escaped_json(each) for each in text))


def _escaped_json(symbol: str) -> str:
    # json leaves DEL alone, a terminal may not.
    return "\\u007f" if symbol == "\x7f" else json.dumps(symbol)[1:-1]


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout; through a pipe no line is wrapped or shortened."""
    console = Console(highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNLIMITED
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe(cell)) for cell in row))
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():
        click.echo(line.rstrip())


def show_record(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values on stdout, one a line; an empty value is shown as a dash."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        click.echo(f"{name:<{width}}  {safe(value) or '-'}")


def moment_text(moment: Moment | None) -> str:
    """A moment for people, empty for None."""
    return isoformat(moment).replace("T", " ").replace("Z", " UTC") if moment is not None else ""


def moment_json(moment: Moment | None) -> str | None:
    """A moment for programs."""
    return isoformat(moment) if moment is not None else None
