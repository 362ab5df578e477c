"""The picture of the table: how the cost of a request grows with the calendar, ours and the peers'."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.table import Line

_COLUMNS = 4
_COLOURS = {
    "dav-gateway, SQLite": "#0b6e4f",
    "dav-gateway, PostgreSQL": "#63b995",
    "Radicale": "#c1292e",
    "Xandikos": "#f1a208",
    "Cyrus": "#235789",
    "DAViCal": "#7b4b94",
}


def save(lines: Sequence[Line], servers: Sequence[str], place: Path) -> None:
    """An SVG with a field for each row, both axes logarithmic; the same numbers give the same octets."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "benchmarks", "font.size": 8, "axes.titlesize": 8, "svg.fonttype": "none"})
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullFormatter

    rows = list({line.row.key: line.row for line in lines}.values())
    height = -(-len(rows) // _COLUMNS)
    figure, fields = plt.subplots(
        height, _COLUMNS, figsize=(12, 2.4 * height + 0.6), sharex=True, squeeze=False, layout="constrained"
    )
    for field, row in zip(fields.flat, rows, strict=False):
        mine = [line for line in lines if line.row.key == row.key]
        for name in servers:
            cells = [(line.size, line.cells[name]) for line in mine if name in line.cells]
            points = [(size, cell.cpu) for size, cell in cells if not cell.wrong]
            width = 2.2 if name.startswith("dav-gateway") else 1.1
            if points:
                field.plot(*zip(*points, strict=True), marker="o", markersize=3, color=_COLOURS[name], lw=width)
        field.set(title=row.title, xscale="log", yscale="log")
        for axis in (field.xaxis, field.yaxis):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
        field.tick_params(labelbottom=True)
        field.grid(visible=True, alpha=0.25)
    for field in list(fields.flat)[len(rows) :]:
        field.set_visible(False)
    marks = [plt.Line2D([], [], color=_COLOURS[name], marker="o") for name in servers]
    figure.legend(marks, servers, loc="outside upper center", ncols=len(servers), frameon=False)
    figure.supylabel("milliseconds of server CPU for a request", fontsize=8)
    figure.supxlabel("events in the calendar", fontsize=8)
    figure.savefig(place, metadata={"Date": None})
    plt.close(figure)
