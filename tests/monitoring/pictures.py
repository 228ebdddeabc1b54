"""Draws the shipped dashboards from recorded series: `python -m tests.monitoring.pictures`.

It needs matplotlib, which is among the requirements of the benchmarks (`make .venv/bin/.bench`),
and Prometheus, which evaluates the boards' expressions (Debian's package prometheus).
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

from tests.monitoring.prometheus_server import Labels, Series, find_programs, prometheus_with
from tests.monitoring.recording import BOARDS, INTERVAL_SECONDS, ROOT, Recording

mpl.use("Agg")
from matplotlib import pyplot as plt  # the drawing back end is chosen before
from matplotlib.ticker import FuncFormatter, MaxNLocator

_PICTURES = ROOT / "docs" / "images"
_COLUMNS = 24
_CELL = (0.62, 0.40)
"""Inches of one cell of a board's grid, across and down."""
_GROUND, _PANEL, _TEXT, _QUIET, _LINES = "#111217", "#181b1f", "#d8d9da", "#8e9297", "#2c3235"
_COLOURS = (
    "#73bf69",
    "#f2cc0c",
    "#5794f2",
    "#ff9830",
    "#f2495c",
    "#b877d9",
    "#56a0a0",
    "#e8e8e8",
    "#a16946",
    "#37872d",
    "#8ab8ff",
    "#fa6400",
)
_MINUTE = 60
_LEGEND_MOST = 6
_LEGEND_ROOM = 150
"""Characters of a legend across a whole board."""

_Data = Mapping[str, Any]


def draw(recording: str = "boards") -> Iterator[Path]:
    """Draw each board; yields the pictures' paths."""
    programs = find_programs()
    if programs is None:
        raise SystemExit("prometheus and promtool are not installed")
    with prometheus_with(Recording.read(recording), programs) as series:
        for path in BOARDS:
            board = json.loads(path.read_text(encoding="utf-8"))
            target = _PICTURES / f"dashboard-{path.stem.removeprefix('issuance-')}.png"
            _draw_board(board, series, target)
            yield target


def _draw_board(board: _Data, series: Series, path: Path) -> None:
    panels = board["panels"]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    width, height = _COLUMNS * _CELL[0], (rows + 2) * _CELL[1]
    figure = plt.figure(figsize=(width, height), facecolor=_GROUND)
    figure.text(
        0.3 / width, 1 - 0.45 / height, board["title"], color=_TEXT, fontsize=15, weight="bold"
    )
    for panel in panels:
        place = panel["gridPos"]
        left, top = place["x"] * _CELL[0], (place["y"] + 2) * _CELL[1]
        box = (
            left / width,
            1 - (top + place["h"] * _CELL[1]) / height,
            place["w"] * _CELL[0] / width,
            place["h"] * _CELL[1] / height,
        )
        _DRAWN[panel["type"]](figure, box, panel, series)
    figure.savefig(path, dpi=100, facecolor=_GROUND)
    plt.close(figure)


def _frame(figure: Any, box: tuple[float, ...], title: str) -> None:
    left, bottom, width, height = box
    gap_x, gap_y = 0.003, 0.05 / figure.get_figheight()
    figure.add_artist(
        plt.Rectangle(
            (left + gap_x, bottom + gap_y),
            width - 2 * gap_x,
            height - 2 * gap_y,
            facecolor=_PANEL,
            edgecolor=_LINES,
            transform=figure.transFigure,
            zorder=-1,
        )
    )
    figure.text(
        left + 0.010,
        bottom + height - 0.28 / figure.get_figheight(),
        title,
        color=_TEXT,
        fontsize=9.5,
        weight="bold",
    )


def _draw_row(figure: Any, box: tuple[float, ...], panel: _Data, series: Series) -> None:
    del series
    figure.text(box[0] + 0.006, box[1] + box[3] * 0.3, panel["title"], color=_QUIET, fontsize=11)


def _draw_stat(figure: Any, box: tuple[float, ...], panel: _Data, series: Series) -> None:
    _frame(figure, box, panel["title"])
    values = [value for _, points in _lines(panel, series) for _, value in points[-1:]]
    shown = _shown(float(round(values[-1])), _unit(panel)) if values else "no data"
    figure.text(
        box[0] + box[2] / 2,
        box[1] + box[3] * 0.36,
        shown,
        color=_COLOURS[0],
        fontsize=22,
        ha="center",
        va="center",
    )


def _draw_table(figure: Any, box: tuple[float, ...], panel: _Data, series: Series) -> None:
    _frame(figure, box, panel["title"])
    (target,) = panel["targets"]
    hidden = ("__name__", "instance", "job")
    found = series.evaluate(target["expr"])
    pairs = [pair for labels, _ in found for pair in labels if pair[0] not in hidden]
    for place, (name, value) in enumerate(pairs):
        y = box[1] + box[3] * (0.68 - 0.14 * place)
        figure.text(box[0] + 0.015, y, name, color=_QUIET, fontsize=9)
        figure.text(box[0] + 0.12, y, value, color=_TEXT, fontsize=9)


def _draw_lines(figure: Any, box: tuple[float, ...], panel: _Data, series: Series) -> None:
    _frame(figure, box, panel["title"])
    high = figure.get_figheight()
    lines = list(_lines(panel, series))
    below = (0.62 if lines else 0.35) / high
    axes = figure.add_axes(
        (box[0] + 0.042, box[1] + below, box[2] - 0.055, box[3] - below - 0.40 / high),
        facecolor=_PANEL,
    )
    unit = _unit(panel)
    for (name, points), colour in zip(lines, _COLOURS * 3, strict=False):
        axes.plot(
            [at / _MINUTE for at, _ in points],
            [value for _, value in points],
            color=colour,
            linewidth=1.4,
            label=name,
        )
    if not lines:
        axes.text(0.5, 0.5, "no data", color=_QUIET, ha="center", transform=axes.transAxes)
    values = [value for _, points in lines for _, value in points]
    highest, whole = max(values, default=0.0), all(value.is_integer() for value in values)
    axes.set_ylim(0, highest * 1.08 or 1)
    axes.set_xlim(0, (series.scrapes - 1) * INTERVAL_SECONDS / _MINUTE)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} min"))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=whole and bool(highest)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _shown(value, unit)))
    axes.tick_params(colors=_QUIET, labelsize=7.5, length=0)
    axes.grid(color=_LINES, linewidth=0.6)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if lines:
        handles, names = axes.get_legend_handles_labels()
        # Many lines are always 0: they are drawn, and have no room in the legend.
        moves = [any(value for _, value in points) for _, points in lines]
        if len(lines) > _LEGEND_MOST and any(moves):
            handles = [handle for handle, keep in zip(handles, moves, strict=True) if keep]
            names = [name for name, keep in zip(names, moves, strict=True) if keep]
        axes.legend(
            handles,
            names,
            loc="upper left",
            bbox_to_anchor=(-0.05, -0.11),
            ncols=max(1, round(box[2] * _LEGEND_ROOM / (4 + max(map(len, names))))),
            fontsize=7.5,
            frameon=False,
            labelcolor=_TEXT,
            handlelength=1.2,
            columnspacing=1.2,
        )


_DRAWN = {"row": _draw_row, "stat": _draw_stat, "table": _draw_table, "timeseries": _draw_lines}


def _lines(panel: _Data, series: Series) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Yield each line of a panel: its legend, and pairs of seconds and value."""
    for target in panel["targets"]:
        for labels, points in series.evaluate(target["expr"]):
            known = [(at, value) for at, value in points if not math.isnan(value)]
            if known:
                yield _legend(target["legendFormat"], labels), known


def _legend(text: str, labels: Labels) -> str:
    for name, value in labels:
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


def _unit(panel: _Data) -> str:
    unit: str = panel["fieldConfig"]["defaults"].get("unit", "short")
    return unit


def _shown(value: float, unit: str) -> str:
    match unit:
        case "percentunit":
            return f"{_short(value * 100)} %"
        case "s" if value >= _MINUTE:
            return f"{_short(value / _MINUTE)} min"
        case "s":
            return f"{_short(value)} s"
    return _short(value)


def _short(value: float) -> str:
    """Write a number with three decimals at most, and none that is not needed."""
    return f"{value:,.3f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    for path in draw():
        print(path.relative_to(ROOT))  # noqa: T201
