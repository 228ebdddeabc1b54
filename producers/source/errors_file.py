"""The file that tells an operator which rows were bad, why, and what to do."""

import csv
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from producers.source.row import BadRow

_COLUMNS = ("line", "field", "problem", "remedy")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ErrorsFile:
    """Writes bad rows to a CSV file in UTF-8, with the columns line, field, problem and remedy.

    The file is made at the first bad row, replacing an older one; without a bad row, nothing is made or
    replaced. Used with `with`; what was written is complete when the block is left, and nothing can be
    written after that.

    Attributes:
        path: The file.
        count: How many bad rows were written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._stream: IO[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, bad: BadRow) -> None:
        """Add one bad row.

        Raises:
            OSError: The file cannot be made or written.
        """
        if self._stream is None:
            self._stream = self._made()
        cells = (bad.field, bad.problem, bad.remedy)
        csv.writer(self._stream).writerow([bad.line, *map(_as_text, cells)])
        self.count += 1

    def _made(self) -> IO[str]:
        stream = self.path.open("w", encoding="utf-8", newline="")
        csv.writer(stream).writerow(_COLUMNS)
        return stream


def _as_text(cell: str) -> str:
    """Keep a spreadsheet from running a key of the file, such as `=HYPERLINK(…)`, as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
