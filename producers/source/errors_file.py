"""The errors file: lists bad rows for an operator, each with its problem and remedy."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from producers.source.row import BadRow

_COLUMNS = ("line", "field", "problem", "remedy")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_LONGEST_CELL = 500
_MOST_BYTES = 64 * 1024 * 1024
_KEPT_FOR_THE_END = 512
"""Bytes reserved for the row that says that the file is full."""


class ErrorsFile:
    """Writes bad rows to a CSV file in UTF-8, with the columns line, field, problem and remedy.

    The file is created at the first bad row and replaces an older one; without a bad row, an older
    file stays. A context manager, which closes the file at the end of the block. A file of garbage
    may have millions of bad rows: cells are cut to 500 characters, and when the file is full, one
    last row says so. Later bad rows are only counted.

    Args:
        path: The file.
        most_bytes: The largest size of the file, at least 1,024.

    Attributes:
        path: The file.
        count: Bad rows in total.
        listed: Bad rows in the file.
    """

    def __init__(self, path: Path, *, most_bytes: int = _MOST_BYTES) -> None:
        self.path = path
        self.count = 0
        self.listed = 0
        self._room = most_bytes
        self._stream: IO[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, bad: BadRow) -> None:
        """Add one bad row.

        Raises:
            OSError: The file cannot be created or written.
        """
        self.count += 1
        if self.listed < self.count - 1:
            return
        if self._stream is None:
            self._stream = self.path.open("w", encoding="utf-8", newline="")
            self._put(self._stream, _line(_COLUMNS))
        line = _line([bad.line, *map(_as_text, (bad.field, bad.problem, bad.remedy))])
        if len(line.encode()) <= self._room - _KEPT_FOR_THE_END:
            self.listed += 1
            self._put(self._stream, line)
        else:
            remedy = (
                "fix the rows above and run the file again; if many are alike, "
                "fix the program that exports it"
            )
            self._put(
                self._stream,
                _line(
                    [
                        bad.line,
                        "",
                        "this and the refused rows after it are not listed: too many",
                        remedy,
                    ]
                ),
            )

    def _put(self, stream: IO[str], line: str) -> None:
        self._room -= len(line.encode())
        stream.write(line)


def _line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _as_text(cell: str) -> str:
    """Prevent a spreadsheet from running a cell such as `=HYPERLINK(…)` as a formula."""
    short = cell if len(cell) <= _LONGEST_CELL else f"{cell[: _LONGEST_CELL - 1]}…"
    return f"'{short}" if short.startswith(_FORMULA_STARTS) else short
