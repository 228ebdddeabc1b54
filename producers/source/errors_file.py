"""The errors file: lists bad rows for an operator, each with its problem and remedy."""

import csv
import io
import os
import re
import stat
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from errno import EACCES, EEXIST, EISDIR
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from files.private import create_draft
from issuance.display import csv_text
from producers.source.row import BadRow

_COLUMNS = ("field", "problem", "remedy")
_HEADER = re.compile(rb"(\xef\xbb\xbf)?(sheet,)?(line|row|item),field,problem,remedy\r?\n")
_LONGEST_HEADER = 64
_LONGEST_CELL = 500
_FLUSHED_ROWS = 500
"""Rows that are kept in memory until they are on the disk."""
_FULL = (
    "this and the refused rows after it are not listed: too many",
    "fix the rows above and run the file again; if many are alike, fix the program that exports it",
)
_MOST_BYTES = 64 * 1024 * 1024
_KEPT_FOR_THE_END = 512
"""Bytes reserved for the row that says that the file is full."""


class ErrorsFile:
    """Writes bad rows to a CSV file in UTF-8, with the columns line, field, problem and remedy.

    The file is created at the first bad row, for its owner only, and replaces an older errors file;
    without a bad row, an older one stays. No other file is replaced, and no symlink is followed.
    A context manager, which closes the file at the end of the block. A file of garbage may have
    millions of bad rows: cells are cut to 500 characters, and when the file is full, one last row
    says so. Later bad rows are only counted.

    Args:
        path: The file.
        most_bytes: The largest size of the file, at least 1,024.
        unit: The title of the column with a row's number: "line", "row" or "item".
        sheet: The sheet of a workbook, which gets a column of its own.
        shown: How many of the first bad rows are kept to be shown.
        on_unwritten: Called with each bad row that could not be written, in order; None: the error
            is raised.

    Attributes:
        path: The file.
        first: The first bad rows.
        count: Bad rows in total.
        listed: Bad rows in the file.
        failure: Why the file cannot be written any more; None: it can.
    """

    def __init__(
        self,
        path: Path,
        *,
        most_bytes: int = _MOST_BYTES,
        unit: str = "line",
        sheet: str = "",
        shown: int = 0,
        on_unwritten: Callable[[BadRow], None] | None = None,
    ) -> None:
        self.path = path
        self.first: list[BadRow] = []
        self._shown = shown
        self.count = 0
        self.listed = 0
        self.failure: OSError | None = None
        self._titles = (*(["sheet"] if sheet else []), unit, *_COLUMNS)
        self._sheet = (_as_text(sheet),) if sheet else ()
        self._on_unwritten = on_unwritten
        self._unwritten: list[BadRow] = []
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
        self.flush()
        if self._stream is not None:
            # What a full disk has refused is refused again by close().
            with suppress(OSError) if self.failure else nullcontext():
                self._stream.close()

    def prove(self) -> None:
        """Make sure that the file can be written, without changing it.

        Raises:
            OSError: it cannot.
        """
        if self._is_device():
            if not os.access(self.path, os.W_OK):
                raise PermissionError(EACCES, os.strerror(EACCES), str(self.path))
            return
        draft, descriptor = create_draft(self.path)
        os.close(descriptor)
        draft.unlink()

    def _is_device(self) -> bool:
        """Whether the path is a device or a pipe, to write into; False: the file can be replaced.

        Raises:
            OSError: it is neither missing nor an errors file.
        """
        try:
            kind = self.path.lstat().st_mode
        except FileNotFoundError:
            return False
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(self.path))
        if stat.S_ISLNK(kind):
            raise FileExistsError(EEXIST, "it is a symbolic link", str(self.path))
        if not stat.S_ISREG(kind):
            return True
        with self.path.open("rb") as file:
            if not _HEADER.match(file.read(_LONGEST_HEADER)):
                raise FileExistsError(EEXIST, "it exists, and is no errors file", str(self.path))
        return False

    def write(self, bad: BadRow) -> None:
        """Add one bad row; `flush` says whether it is written.

        Raises:
            OSError: The file cannot be created or written, and `on_unwritten` is None.
        """
        self.count += 1
        if len(self.first) < self._shown:
            self.first.append(bad)
        if self.failure is not None:
            self._pass_on([bad])
            return
        if self.listed < self.count - 1:
            return
        self._unwritten.append(bad)
        try:
            self._add(bad)
        except OSError as error:
            self._fail(error)
        else:
            if len(self._unwritten) >= _FLUSHED_ROWS:
                self.flush()

    def flush(self) -> None:
        """Write what is buffered.

        Raises:
            OSError: The file cannot be written, and `on_unwritten` is None.
        """
        if self._stream is None or self.failure is not None or not self._unwritten:
            return
        try:
            self._stream.flush()
        except OSError as error:
            self._fail(error)
        else:
            self._unwritten.clear()

    def _fail(self, error: OSError) -> None:
        """Pass on the rows that may not be in the file; the later ones follow as they come."""
        self.failure = error
        unwritten, self._unwritten = self._unwritten, []
        self.listed = max(0, self.listed - len(unwritten))
        self._pass_on(unwritten)

    def _pass_on(self, rows: list[BadRow]) -> None:
        if self._on_unwritten is None:
            raise self.failure or OSError(f"{self.path} cannot be written")
        for bad in rows:
            self._on_unwritten(bad)

    def _add(self, bad: BadRow) -> None:
        if self._stream is None:
            self._stream = self._open()
        cells = map(_as_text, (bad.field, bad.problem, bad.remedy))
        line = _line([*self._sheet, bad.line, *cells])
        if len(line.encode()) <= self._room - _KEPT_FOR_THE_END:
            self.listed += 1
            self._put(self._stream, line)
        else:
            last = _line([*self._sheet, bad.line, "", *_FULL])
            self._put(self._stream, last)

    def _open(self) -> IO[str]:
        """Open the file with its header, which takes the place of an older file's at once."""
        header = _line(self._titles)
        if self._is_device():
            device = os.open(self.path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            stream = os.fdopen(device, "w", encoding="utf-8", newline="")
            self._put(stream, header)
            return stream
        draft, descriptor = create_draft(self.path)
        stream = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        try:
            self._put(stream, header)
            stream.flush()
            draft.replace(self.path)
        except BaseException:
            draft.unlink(missing_ok=True)
            with suppress(OSError):
                stream.close()
            raise
        return stream

    def _put(self, stream: IO[str], line: str) -> None:
        self._room -= len(line.encode())
        stream.write(line)


def _line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _as_text(cell: str) -> str:
    return csv_text(cell if len(cell) <= _LONGEST_CELL else f"{cell[: _LONGEST_CELL - 1]}…")
