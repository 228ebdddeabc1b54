"""A line chart over time, with marks for what happened."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from charts.scale import Scale, number_ticks, short_number, time_labels, time_ticks
from charts.svg import element, escaped, text

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 24
_LEGEND_HEIGHT = 18
_CHARACTER = 6.4
"""The mean width of a character of the legend."""
_DASHES = (None, "6 3", "2 3", "8 3 2 3", "1 2", "10 4")
SERIES_COLOURS = 6
"""Classes `s1` to `s6`; the page gives each its colour, and each has a dash of its own."""
_MARK_GAP = 14

Point = tuple[float, float | None]
"""Seconds since the epoch, and the value; None: nothing is known at that time."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment, or until another."""

    at: float
    what: str
    until: float | None = None
    """Its end; None: a moment."""


@dataclass(frozen=True, slots=True)
class LineChart:
    """Lines over one axis of time; the y axis begins at zero."""

    title: str
    series: Sequence[Series]
    marks: Sequence[Mark] = ()
    unit: str = ""
    zone: tzinfo = UTC
    begin: float | None = None
    """The left end; None: the first point."""
    end: float | None = None
    width: int = 640
    height: int = 220
    empty: str = "No data yet"
    id: str = field(default="chart")
    """Unique on its page."""


def draw_lines(chart: LineChart) -> str:
    """Draw a chart as one `svg` element that scales with its container."""
    known = [at for each in chart.series for at, value in each.points if value is not None]
    height = chart.height + _LEGEND_HEIGHT * len(_legend_rows(chart))
    begin = chart.begin if chart.begin is not None else min(known, default=0.0)
    end = chart.end if chart.end is not None else max(known, default=1.0)
    top = max((v for each in chart.series for _, v in each.points if v is not None), default=0.0)
    ticks = number_ticks(0.0, top or 1.0)
    x = Scale(begin, max(end, begin + 1), _LEFT, chart.width - _RIGHT)
    y = Scale(0.0, ticks[-1], chart.height - _BOTTOM, _TOP)
    parts = [element("title", escaped(chart.title), id=f"{chart.id}-title")]
    parts += _y_axis(ticks, y, chart)
    if known:
        parts += _x_axis(x, chart)
        parts += _marks(x, chart)
        for number, each in enumerate(chart.series):
            parts.append(_line(each, number, x, y))
    else:
        middle = {"text_anchor": "middle", "class_": "empty"}
        parts.append(text(chart.empty, chart.width / 2, chart.height / 2, **middle))
    parts += _legend(chart)
    return element(
        "svg",
        parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {chart.width} {height}",
        role="img",
        aria_labelledby=f"{chart.id}-title",
        class_="chart",
    )


def _y_axis(ticks: Sequence[float], y: Scale, chart: LineChart) -> list[str]:
    parts = []
    for tick in ticks:
        at = y.place(tick)
        right = chart.width - _RIGHT
        parts.append(element("line", x1=_LEFT, x2=right, y1=at, y2=at, class_="grid"))
        label = f"{short_number(tick)}{chart.unit}"
        parts.append(text(label, _LEFT - 6, at + 4, text_anchor="end", class_="tick"))
    return parts


def _x_axis(x: Scale, chart: LineChart) -> list[str]:
    ticks = time_ticks(x.low, x.high, chart.zone)
    base = chart.height - _BOTTOM
    parts = []
    for tick, label in zip(ticks, time_labels(ticks, chart.zone), strict=True):
        at = x.place(tick)
        parts.append(element("line", x1=at, x2=at, y1=base, y2=base + 4, class_="axis"))
        parts.append(text(label, at, base + 17, text_anchor="middle", class_="tick"))
    return parts


def _marks(x: Scale, chart: LineChart) -> list[str]:
    """Draw marks with numbers, which the legend explains; numbers that would touch are left out."""
    parts = []
    last = float("-inf")
    for number, mark in enumerate(chart.marks, start=1):
        at = max(x.begin, min(x.end, x.place(mark.at)))
        tall = {"y": _TOP, "height": chart.height - _BOTTOM - _TOP}
        what = element("title", escaped(mark.what))
        if mark.until is not None:
            until = max(at, min(x.end, x.place(mark.until)))
            parts.append(
                element("rect", what, x=at, width=max(until - at, 1.0), **tall, class_="span")
            )
        else:
            base = chart.height - _BOTTOM
            parts.append(element("line", what, x1=at, x2=at, y1=_TOP, y2=base, class_="mark"))
        if at - last >= _MARK_GAP:
            parts.append(text(str(number), at + 3, _TOP + 9, class_="number"))
            last = at
    return parts


def _line(each: Series, number: int, x: Scale, y: Scale) -> str:
    commands: list[str] = []
    pen_down = False
    for at, value in each.points:
        if value is None:
            pen_down = False
            continue
        step = "L" if pen_down else "M"
        commands.append(f"{step}{x.place(at):.1f} {y.place(value):.1f}")
        pen_down = True
    style = number % SERIES_COLOURS
    return element(
        "path",
        d="".join(commands),
        fill="none",
        class_=f"series s{style + 1}",
        stroke_dasharray=_DASHES[style],
    )


def _legend_rows(chart: LineChart) -> list[list[tuple[int, str]]]:
    """Distribute the names of the series over rows."""
    rows: list[list[tuple[int, str]]] = []
    left = 0.0
    for number, each in enumerate(chart.series):
        needed = 34 + len(each.name) * _CHARACTER
        if not rows or left + needed > chart.width - _LEFT:
            rows.append([])
            left = 0.0
        rows[-1].append((number, each.name))
        left += needed
    return rows


def _legend(chart: LineChart) -> list[str]:
    parts = []
    for row, names in enumerate(_legend_rows(chart)):
        at, middle = float(_LEFT), chart.height + row * _LEGEND_HEIGHT + 8
        for number, name in names:
            style = number % SERIES_COLOURS
            parts.append(
                element(
                    "line", x1=at, x2=at + 22, y1=middle, y2=middle,
                    class_=f"series s{style + 1}", stroke_dasharray=_DASHES[style],
                )
            )  # fmt: skip
            parts.append(text(name, at + 27, middle + 4, class_="legend"))
            at += 34 + len(name) * _CHARACTER
    return parts
