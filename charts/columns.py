"""Small columns that show how a count changed over time."""

from collections.abc import Sequence
from dataclasses import dataclass

from charts.svg import element, escaped

_WIDTH, _GAP, _HEIGHT = 8, 2, 36
_LOWEST = 2.0
"""A count above zero is visible, however small it is."""


@dataclass(frozen=True, slots=True)
class Column:
    """One count."""

    name: str
    """When, for example `14:00`."""
    count: int


def draw_columns(title: str, columns: Sequence[Column]) -> str:
    """Draw columns on one line; the title and each column's name say what they show."""
    most = max((column.count for column in columns), default=0) or 1
    width = len(columns) * (_WIDTH + _GAP)
    pieces = [element("title", escaped(title))]
    pieces.append(
        element("line", x1=0, x2=width, y1=_HEIGHT - 0.5, y2=_HEIGHT - 0.5, class_="axis")
    )
    for place, column in enumerate(columns):
        if column.count <= 0:
            continue
        tall = max(_LOWEST, (_HEIGHT - 1) * column.count / most)
        label = element("title", f"{escaped(column.name)}: {column.count:,}")
        box = {"x": place * (_WIDTH + _GAP), "y": _HEIGHT - 1 - tall}
        pieces.append(
            element("rect", label, **box, width=_WIDTH, height=tall, class_="part failed")
        )
    return element(
        "svg",
        pieces,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {_HEIGHT}",
        role="img",
        class_="columns",
    )
