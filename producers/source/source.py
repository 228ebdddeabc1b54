"""A campaign's file: its format, its checks, and the progress of reading."""

import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from producers.source.columns import Columns
from producers.source.csv_rows import read_csv_rows
from producers.source.header import read_header
from producers.source.jsonl_rows import read_jsonl_rows
from producers.source.lines import Lines
from producers.source.options import ReadOptions
from producers.source.row import BadRow, Row
from producers.source.unusable import UnusableFile

_BLOCK_BYTES = 262_144
_UTF8_MARK = b"\xef\xbb\xbf"
_AS_UTF8 = "save it as UTF-8 (in Excel: 'CSV UTF-8')"
_UNREADABLE = (
    (b"\xff\xfe", "the file is UTF-16", _AS_UTF8),
    (b"\xfe\xff", "the file is UTF-16", _AS_UTF8),
    (b"\x1f\x8b", "the file is compressed (gzip)", "decompress it with gunzip"),
    (
        b"PK\x03\x04",
        "the file is a ZIP archive or an Excel workbook",
        "unpack it, or save the sheet as 'CSV UTF-8'",
    ),
    (b"\xd0\xcf\x11\xe0", "the file is an Excel workbook", "save the sheet as 'CSV UTF-8'"),
)


class Source:
    """A campaign's CSV or JSONL file; it is checked on creation and can be read many times.

    The suffix decides the format (.csv; .jsonl or .ndjson). With any other suffix, a file whose
    first character is "{" is JSONL, and every other file is CSV.

    Attributes:
        path: The file.
        size: Its size in bytes when it was checked.
        bytes_read: Bytes read by the latest `rows`, which reads less than 512 KiB ahead of its
            latest row.

    Raises:
        UnusableFile: The file is missing, empty, not a regular file, not text, or has no rows or no
            usable header.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self._options = options
        self.size = _regular_size(path)
        self.bytes_read = 0
        with _opened(path) as stream:
            if next(self._reader(stream), None) is None:
                raise UnusableFile(
                    "the file has no rows",
                    "export it again, with at least one row below the header",
                )
        self.bytes_read = 0

    def rows(self) -> Iterator[Row | BadRow]:
        """Read the file from its beginning: one good or bad row per record, in order.

        Raises:
            UnusableFile: The file has changed since the check, and can no longer be read.
        """
        with _opened(self.path) as stream:
            self.bytes_read = 0
            yield from self._reader(stream)

    def _reader(self, stream: BinaryIO) -> Iterator[Row | BadRow]:
        lines = Lines(self._blocks(stream), self._options.max_record_bytes)
        first = _first_filled(lines)
        if self._is_jsonl(first):
            columns = Columns(self._options.mapping)
            lines.put_back([first])
            return read_jsonl_rows(lines, columns, self._options)
        if first is None:
            raise UnusableFile(
                f"the first line is longer than {lines.limit} bytes",
                "put the columns' names in the first line",
            )
        return read_csv_rows(lines, read_header(first, self._options), self._options)

    def _is_jsonl(self, first: bytes | None) -> bool:
        match self.path.suffix.lower():
            case ".csv":
                return False
            case ".jsonl" | ".ndjson":
                return True
            case _:
                return first is not None and first.lstrip().startswith(b"{")

    def _blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        for block in iter(partial(stream.read, _BLOCK_BYTES), b""):
            first = self.bytes_read == 0
            self.bytes_read += len(block)
            yield _checked_beginning(block) if first else block


def read_rows(path: Path, options: ReadOptions) -> Iterator[Row | BadRow]:
    """Check a file and read it; see `Source`, which also counts the bytes read.

    Raises:
        UnusableFile: Raised immediately, before the first row is read.
    """
    return Source(path, options).rows()


def _regular_size(path: Path) -> int:
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _unreachable(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        raise UnusableFile(f"{path} is a directory", "give the file's own path")
    if not stat.S_ISREG(status.st_mode):
        # a file is read twice, to check it and for its rows, and again if the producer crashes
        raise UnusableFile(
            f"{path} is not a regular file", "write what it yields to a file, and give that"
        )
    return status.st_size


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreachable(path, error) from None


def _unreachable(path: Path, error: Exception) -> UnusableFile:
    reason = getattr(error, "strerror", None) or str(error)
    return UnusableFile(f"{path} cannot be opened: {reason}", "check the path and the permissions")


def _checked_beginning(block: bytes) -> bytes:
    for mark, problem, remedy in _UNREADABLE:
        if block.startswith(mark):
            raise UnusableFile(problem, remedy)
    return block.removeprefix(_UTF8_MARK)


def _first_filled(lines: Lines) -> bytes | None:
    for line in lines:
        if line is None or line.strip():
            return line
    raise UnusableFile("the file is empty", "export it again, with a header and at least one row")
