"""Lines, rows and columns for people, on a terminal and in a pipe."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from textwrap import wrap

from rich.text import Text

from console.terminal import out
from operations.formats import duration

_GAP = "  "


def say(line: str | Text = "") -> None:
    """Print one line of the result: wrapped with a hanging indent on a terminal, whole in a pipe."""
    text = Text(line) if isinstance(line, str) else line
    if out.is_terminal and text.cell_len > out.width:
        indent = " " * (len(text.plain) - len(text.plain.lstrip()) + len(_GAP))
        wrapped = wrap(text.plain, out.width, subsequent_indent=indent, break_on_hyphens=False)
        text = Text("\n".join(wrapped), style=text.style)
    out.print(text, soft_wrap=True)


def say_row(row: str | Text) -> None:
    """Print one row of a table: cut at a terminal's edge, whole in a pipe."""
    if out.is_terminal:
        out.print(Text(row) if isinstance(row, str) else row, no_wrap=True, overflow="ellipsis")
    else:
        # Past Rich: there may be a million of them.
        out.file.write(f"{row}\n")


def age(instant: datetime | None) -> str:
    """How long ago something was; "" for never."""
    return (
        "" if instant is None else duration(max(0.0, (datetime.now(UTC) - instant).total_seconds()))
    )


def aligned(rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Put rows into columns two blanks apart; those numbered in `right` end, the others begin, together."""
    table = list(rows)
    ends = set(right)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [_row(row, widths, ends) for row in table]


def _row(row: Sequence[str], widths: Sequence[int], ends: set[int]) -> str:
    cells = (
        cell.rjust(width) if place in ends else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return _GAP.join(cells).rstrip()
