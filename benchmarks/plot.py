"""The picture of the table: how the cost of a request grows with the calendar, ours and the peers'."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.table import Line

_COLUMNS = 4
_COLOURS = ("#0b6e4f", "#6bbf59", "#c1292e", "#f1a208", "#235789", "#7b4b94", "#5c5c5c")


def save(lines: Sequence[Line], servers: Sequence[str], place: Path) -> None:
    """An SVG with a field for each row, both axes logarithmic; the same numbers give the same octets."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "benchmarks", "font.size": 8, "axes.titlesize": 8, "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    rows = list({line.row.key: line.row for line in lines}.values())
    height = -(-len(rows) // _COLUMNS)
    figure, fields = plt.subplots(
        height, _COLUMNS, figsize=(12, 2.4 * height + 0.6), sharex=True, squeeze=False, layout="constrained"
    )
    for field, row in zip(fields.flat, rows, strict=False):
        mine = [line for line in lines if line.row.key == row.key]
        for name, colour in zip(servers, _COLOURS, strict=False):
            points = [
                (line.size, line.cells[name].cpu) for line in mine if name in line.cells and not line.cells[name].wrong
            ]
            if points:
                ours = name.startswith("dav-gateway")
                field.plot(*zip(*points, strict=True), marker="o", markersize=3, color=colour, lw=2.2 if ours else 1.1)
        field.set(title=row.title, xscale="log", yscale="log")
        field.grid(visible=True, alpha=0.25)
    for field in list(fields.flat)[len(rows) :]:
        field.set_visible(False)
    marks = [plt.Line2D([], [], color=colour, marker="o") for _, colour in zip(servers, _COLOURS, strict=False)]
    figure.legend(marks, servers, loc="outside lower center", ncols=len(servers), frameon=False)
    figure.supxlabel("events in the calendar", fontsize=8)
    figure.supylabel("milliseconds of server CPU", fontsize=8)
    figure.savefig(place, metadata={"Date": None})
    plt.close(figure)
