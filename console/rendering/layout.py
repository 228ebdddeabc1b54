"""Lines, rows and columns for people, on a terminal and in a pipe."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.cells import cell_len
from rich.text import Text

from console.terminal import out, print_wrapped
from issuance.display import printable
from operations.formats import duration

_GAP = "  "


def say(line: str | Text = "") -> None:
    """Print one line of the result: on a terminal folded between words, whole in a pipe."""
    print_wrapped(out, line)


def say_row(row: str, details: str = "") -> None:
    """Print one row of a table and its details; on a terminal, what does not fit goes below."""
    row, details = printable(row), printable(details)
    one_line_row = f"{row}{_GAP}{details}" if details else row
    if not out.is_terminal:
        # Past Rich: there may be a million of them.
        out.file.write(f"{one_line_row}\n")
    elif not details or cell_len(one_line_row) <= out.width:
        out.print(Text(one_line_row), soft_wrap=True)
    else:
        out.print(Text(row.rstrip()), soft_wrap=True)
        say(f"{_GAP}{details}")


def age(instant: datetime | None) -> str:
    """How long ago something happened; "" for never."""
    return (
        "" if instant is None else duration(max(0.0, (datetime.now(UTC) - instant).total_seconds()))
    )


def aligned(rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Align rows in columns two blanks apart, columns in `right` on the right."""
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
